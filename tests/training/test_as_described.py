"""The paper's own scale: the first iterations of the preset run on a CPU too."""

import math

import pytest

from reprise.data.fewshot import EpisodeSampler, generator
from reprise.data.synthetic import glyphs
from reprise.engine.study import study
from reprise.studies.maml import MamlConfig
from reprise.studies.maml.train import build_model, inner_loop
from reprise.training.metalearner import MetaLearner, TaskThreads


@pytest.mark.slow
def test_the_first_thirty_iterations_of_as_described_learn_something():
    config = study("maml").configure("as_described", {})
    assert isinstance(config, MamlConfig)
    # All that is the preset's but the images: 20-way 1-shot, 16 tasks, five inner steps, 64 filters.
    sampler = EpisodeSampler(glyphs().train.rotated(), config.ways, config.shots, config.queries)
    model = build_model(config, 0)
    with TaskThreads(model) as threads:
        learner = MetaLearner(model, inner_loop(config), config.outer_rate, threads=threads)
        losses = [learner.step(sampler.sample(config.meta_batch, generator(0, i)))[0] for i in range(30)]
    assert learner.iteration == 30 and all(map(math.isfinite, losses))
    # Sixteen tasks of twenty queries an iteration: the mean over ten of them is steady enough to fall.
    assert sum(losses[-10:]) < sum(losses[:10])
