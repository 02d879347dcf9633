"""The task within an alphabet: its accuracy against a plain loop, and which conditions may be asked."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reprise.data import dataset_entry, load_within_alphabet
from reprise.data.fetch import locate
from reprise.data.fewshot import EpisodeSampler, generator
from reprise.data.synthetic import glyphs
from reprise.engine.runner import gather
from reprise.engine.study import Context, Unit, study
from reprise.places import UserError
from reprise.studies.maml import MamlConfig
from reprise.studies.maml.endpoints import endpoints
from reprise.studies.maml.train import build_model, label
from reprise.training.checkpoints import CheckpointFolder

MAML = study("maml")
TINY = {
    "dataset": "omniglot-minimal", "analysis": "within-alphabet", "ways": 20, "inner_steps": 2,
    "inner_rate": 0.4, "iterations": 60, "meta_batch": 2, "filters": 4, "head_init": "xavier",
}  # fmt: skip


def plain_accuracy(model, runs, rate, steps):
    """Right answers in each run after plain gradient descent on its twenty drawings."""
    start = {name: value.clone() for name, value in model.state_dict().items()}
    found = []
    for x, y, query, labels in zip(*runs.tensors(), strict=True):
        model.load_state_dict(start)
        moving = [p for name, p in model.named_parameters() if not name.endswith(".1.bias")]
        for _ in range(steps):
            gradients = torch.autograd.grad(F.cross_entropy(model(x), y), moving)
            with torch.no_grad():
                for p, g in zip(moving, gradients, strict=True):
                    p -= rate * g
        with torch.no_grad():
            found.append(float((model(query).argmax(1) == labels).double().mean()))
    return np.array(found)


def check(dataset, unit, weights, runs):
    """What the unit holds is what a plain loop over its checkpoints finds."""
    folder, config = CheckpointFolder(weights / unit.weights_id), unit.config
    count = len(runs.support_x)
    assert dataset["external_accuracy"].dims == ("moment", "run")
    assert dataset.sizes == {"moment": 2, "run": count} and list(dataset["run"].values) == [*range(count)]
    for moment, iteration in (("untrained", 0), ("trained", config.iterations)):
        model = build_model(config, unit.seed)
        model.load_state_dict(folder.load(label(iteration)))
        expected = plain_accuracy(model, runs, config.inner_rate, config.inner_steps)
        found = dataset["external_accuracy"].sel(moment=moment).values
        # float32 twice over: an answer on the edge may fall to either side, a wrong loop misses by far more
        assert np.abs(found - expected).max() <= 0.11 and np.abs(found - expected).mean() < 0.02
    assert dataset["analysis"].item() == "within-alphabet" and dataset["seed"].item() == unit.seed


def test_accuracy_within_an_alphabet_equals_a_plain_loop(tmp_path, monkeypatch):
    """On synthetic glyphs in place of both sets, which the same code reads."""
    splits = glyphs()
    runs = EpisodeSampler(splits.test, 20, 1, 1).sample(5, generator(3))
    asked = []
    monkeypatch.setattr(
        "reprise.studies.maml.compute.load_few_shot", lambda *what: asked.append(what) or splits
    )
    monkeypatch.setattr(
        "reprise.studies.maml.function.load_within_alphabet",
        lambda root, device: asked.append((root, device)) or runs,
    )
    unit = Unit(MAML.configure("laptop", TINY), 1)
    dataset = MAML.compute(unit, Context(tmp_path / "data", tmp_path / "weights", progress=False))
    assert asked == [("omniglot-minimal", tmp_path / "data"), (tmp_path / "data", "cpu")]
    check(dataset, unit, tmp_path / "weights", runs)
    values = endpoints(gather([dataset]))
    for moment in ("trained", "untrained"):
        mean = dataset["external_accuracy"].sel(moment=moment).values.mean()
        assert values[f"accuracy within an alphabet, {moment}"].values == pytest.approx([mean])


@pytest.mark.realdata
def test_accuracy_on_the_official_runs_equals_a_plain_loop(tmp_path):
    root = Path(os.environ.get("REPRISE_DATA", "data"))
    unit = Unit(MAML.configure("laptop", {**TINY, "inner_steps": 1}), 0)
    for name in MAML.datasets(unit.config):
        if locate(dataset_entry(name), root) is None:
            pytest.skip(f"{name} is not below {root}")
    dataset = MAML.compute(unit, Context(root, tmp_path, progress=False))
    check(dataset, unit, tmp_path, load_within_alphabet(root))
    assert dataset.sizes["run"] == 20


def test_both_sets_are_needed():
    config = MAML.configure("laptop", TINY)
    assert MAML.datasets(config) == ["omniglot-minimal", "omniglot-one-shot-runs"]
    assert MAML.datasets(MAML.configure("laptop", {})) == ["omniglot-minimal"]


def test_the_weights_are_those_of_the_other_analyses():
    units = [
        Unit(MAML.configure("laptop", {**TINY, "analysis": analysis}), 0)
        for analysis in ("similarity", "function", "within-alphabet")
    ]
    assert len({unit.weights_id for unit in units}) == 1 and len({unit.id for unit in units}) == 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ways": 5}, ["ways=5", "20-way 1-shot"]),
        ({"shots": 2}, ["shots=2", "20-way 1-shot"]),
        # the runs' alphabets are in the full set's pool of training classes
        ({"dataset": "omniglot"}, ["dataset=omniglot", "only by networks trained on omniglot-minimal"]),
        ({"dataset": "glyphs"}, ["dataset=glyphs", "omniglot-minimal"]),
        ({"analysis": "external"}, ["analysis='external'", "similarity", "function", "within-alphabet"]),
    ],
)
def test_conditions_that_the_runs_are_no_test_of_are_refused(values, words):
    with pytest.raises(UserError) as caught:
        MAML.configure("laptop", {**TINY, **values})
    for word in words:
        assert word in str(caught.value)
    allowed = {**values, "analysis": "function"}
    assert isinstance(MAML.configure("laptop", {**TINY, **allowed}), MamlConfig)
