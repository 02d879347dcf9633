"""Study 1: the unseen classes that a unit is measured on, and the coordinates that say which unit it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.config import field_stage
from ...engine.study import Unit
from .config import MamlConfig
from .train import EVALUATION, PROBE, TASKS

if TYPE_CHECKING:
    from ...data.fewshot import Episodes, FewShotSplits, Probe


def draw_tasks(unit: Unit, splits: FewShotSplits, device: str) -> tuple[Probe, Episodes, Episodes]:
    """Everything of unseen classes that a unit is measured on.

    Returns:
        The constant probe, the analysed tasks, and the tasks by which accuracy is judged.
    """
    from ...data.fewshot import EpisodeSampler, draw_probe, generator, query_probe

    config, seed = unit.config, unit.seed
    assert isinstance(config, MamlConfig)
    pool, probe = splits.test, None
    if config.probe == "apart":
        probe = draw_probe(pool, *config.stimuli_by_class, generator(seed, PROBE))
        # The probe's classes are in no task, so what happens to them is never what was adapted to.
        pool = pool.without(np.unique(probe.classes))
    sampler = EpisodeSampler(pool, config.ways, config.shots, config.analysis_queries, device)
    tasks = sampler.sample(config.analysis_tasks, generator(seed, TASKS))
    judged = sampler.sample(config.evaluation_tasks, generator(seed, EVALUATION))
    return probe or query_probe(tasks, pool), tasks, judged


def conditions(unit: Unit) -> dict:
    """Seed and every setting as scalar coordinates, but for lists and settings of pictures alone."""
    config = unit.config
    # Units that differ in nothing but a display setting share a name, and must fit together.
    kept = [name for name in type(config).model_fields if field_stage(type(config), name) != "display"]
    names = [name for name in kept if name != "explorer_seeds"]
    return {"seed": unit.seed, **{name: getattr(config, name) for name in names}}
