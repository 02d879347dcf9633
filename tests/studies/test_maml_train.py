"""Study 1's meta-training says how its gradients were computed, and where it broke off."""

import dataclasses
import json

import pytest
import torch

from reprise.data import load_few_shot
from reprise.data.fewshot import EpisodeSampler
from reprise.engine.study import Context, Unit
from reprise.studies.maml.train import train
from reprise.training import Diverged, metalearner
from reprise.training.checkpoints import CheckpointFolder


def test_provenance_names_the_path_of_meta_gradients(tiny_run):
    records = [
        json.loads(record) if isinstance(record, str) else record for record in tiny_run.attrs["records"]
    ]
    assert [record["meta_gradient"] for record in records] == [metalearner.EXPLICIT] * len(records)


@pytest.mark.parametrize("path", [metalearner.EXPLICIT, metalearner.AUTOGRAD])
def test_divergence_names_the_iteration_and_the_last_good_checkpoint(
    tiny_config, tiny_places, tmp_path, monkeypatch, path
):
    monkeypatch.setattr(metalearner, "supports", lambda *_: path == metalearner.EXPLICIT)
    sample, drawn = EpisodeSampler.sample, []

    def breaking(self, *arguments):
        drawn.append(sample(self, *arguments))
        if len(drawn) == 4:
            return dataclasses.replace(drawn[-1], support_x=drawn[-1].support_x * torch.nan)
        return drawn[-1]

    monkeypatch.setattr(EpisodeSampler, "sample", breaking)
    unit, splits = Unit(tiny_config, 0), load_few_shot(tiny_config.dataset, tiny_places.data)
    context = Context(tiny_places.data, tmp_path, progress=False)
    with pytest.raises(
        Diverged, match=r"nan at meta-iteration 3; the last good checkpoint is iteration-00000\d"
    ):
        train(unit, splits, CheckpointFolder(tmp_path), context)
