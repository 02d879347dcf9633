"""The quantities of study 1 by which runs are compared, for each thing that is measured."""

import numpy as np
import pytest
import xarray as xr

from reprise.engine.runner import run
from reprise.engine.study import Context, Unit, study
from reprise.studies.maml import endpoints

MAML = study("maml")


@pytest.fixture(scope="module")
def function_run(tiny_run, tiny_config, tiny_places):
    config = tiny_config.model_copy(update={"analysis": "function"})
    return run(MAML, config, (0, 1), tiny_places, progress=False)


def by_hand(function_run, kind, part):
    """Accuracy of each seed under one intervention, found by its two labels."""
    pairs = list(
        zip(function_run["intervention_kind"].values, function_run["intervention_part"].values, strict=True)
    )
    values = function_run["function_accuracy"].transpose("seed", "intervention", "adapted").values
    return values[:, pairs.index((kind, part))]


def test_endpoints_of_similarity(tiny_run):
    found = MAML.endpoints(tiny_run)
    assert set(found.data_vars) == {
        "accuracy on unseen classes, trained", "accuracy on unseen classes, untrained",
        "change by adaptation, logits", "change by adaptation, mean of blocks",
        "M1a: logits minus the block that changes most", "M3a: log ratio of adaptation to 1/60 of training",
        "M3b: effective layers, adaptation minus training",
        "M3b: effective blocks, adaptation minus training",
    }  # fmt: skip
    judged = tiny_run["evaluation_accuracy"].transpose("seed", "moment", "task").values.mean(-1)
    for i, moment in enumerate(("untrained", "trained")):
        np.testing.assert_allclose(found[f"accuracy on unseen classes, {moment}"], judged[:, i], rtol=1e-6)
    similarity = tiny_run["inner_similarity"].sel(measure="rsa-correlation", inner_step=1)
    final = 1 - similarity.transpose("seed", "layer", "checkpoint").values[..., -1]
    np.testing.assert_allclose(found["change by adaptation, logits"], final[:, 4], rtol=1e-5)
    np.testing.assert_allclose(
        found["change by adaptation, mean of blocks"], final[:, :4].mean(1), rtol=1e-5, atol=1e-7
    )
    most = final[:, :4].max(1)
    np.testing.assert_allclose(
        found["M1a: logits minus the block that changes most"], final[:, 4] - most, rtol=1e-5
    )
    np.testing.assert_array_equal(
        found["M3a: log ratio of adaptation to 1/60 of training"], endpoints.further(tiny_run)
    )
    np.testing.assert_array_equal(
        found["M3b: effective layers, adaptation minus training"], endpoints.broader(tiny_run)
    )
    inner, outer = (changes.values[:, :4] for changes in endpoints.layer_changes(tiny_run))
    blocks = [(c.sum(1) ** 2) / (c**2).sum(1) for c in (inner.clip(0), outer.clip(0))]
    np.testing.assert_allclose(
        found["M3b: effective blocks, adaptation minus training"], blocks[0] - blocks[1], rtol=1e-5
    )
    assert all(values.dims == ("seed",) for values in found.data_vars.values())


def test_units_of_before_there_was_a_choice_are_of_similarity(tiny_run):
    old = tiny_run.drop_vars("analysis")
    xr.testing.assert_identical(MAML.endpoints(old), MAML.endpoints(tiny_run))


def test_blocks_are_those_of_the_runs_network(tiny_run):
    assert endpoints.blocks(tiny_run) == ["block1", "block2", "block3", "block4"]
    shallow = tiny_run.sel(layer=["block1", "block2", "logits"])
    assert endpoints.blocks(shallow) == ["block1", "block2"]
    similarity = shallow["inner_similarity"].sel(measure="rsa-correlation", inner_step=1)
    final = 1 - similarity.transpose("seed", "layer", "checkpoint").values[..., -1]
    found = MAML.endpoints(shallow)
    np.testing.assert_allclose(
        found["change by adaptation, mean of blocks"], final[:, :2].mean(1), rtol=1e-5, atol=1e-7
    )
    # no more layers than there are can share a change
    assert (np.abs(found["M3b: effective layers, adaptation minus training"]) <= 2).all()


def test_endpoints_of_function(function_run):
    found = MAML.endpoints(function_run)
    wanted = {
        "accuracy without adaptation": ("none", ""),
        "accuracy, all layers adapt": ("full", ""),
        "accuracy, the body frozen": ("freeze", "body"),
        "accuracy, the head frozen": ("freeze", "logits"),
    }
    assert set(found.data_vars) == {*wanted, "points lost by freezing the body"}
    for name, what in wanted.items():
        np.testing.assert_array_equal(found[name], by_hand(function_run, *what)[:, 0])
    for adapted, column in (("as trained", 0), ("longer", 1)):
        lost = 100 * (by_hand(function_run, "full", "") - by_hand(function_run, "freeze", "body"))[:, column]
        np.testing.assert_allclose(endpoints.body_cost(function_run, adapted), lost, rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(
        found["points lost by freezing the body"], endpoints.body_cost(function_run)
    )


def test_endpoints_within_an_alphabet():
    accuracies = np.random.default_rng(0).uniform(size=(3, 2, 20))
    runs = xr.Dataset(
        {"external_accuracy": (("seed", "moment", "run"), accuracies)},
        coords={"moment": ["untrained", "trained"], "analysis": "within-alphabet"},
    )
    found = MAML.endpoints(runs)
    assert set(found.data_vars) == {f"accuracy within an alphabet, {m}" for m in ("trained", "untrained")}
    np.testing.assert_allclose(found["accuracy within an alphabet, trained"], accuracies[:, 1].mean(1))
    np.testing.assert_allclose(found["accuracy within an alphabet, untrained"], accuracies[:, 0].mean(1))


def test_who_swaps_with_whom_does_not_depend_on_memory(function_run, tiny_config, tiny_places):
    """Chunks name no unit, so they must not reach its numbers."""
    config = tiny_config.model_copy(update={"analysis": "function"})
    context = Context(tiny_places.data, tiny_places.local / "weights", progress=False, chunk=1)
    again = MAML.compute(Unit(config, 0), context)
    np.testing.assert_array_equal(again["function_accuracy"], function_run["function_accuracy"].isel(seed=0))
