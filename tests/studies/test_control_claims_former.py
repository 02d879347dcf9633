"""The former rule of M2 on simulated results, and the rank correlations it rests on."""

import json

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from reprise.studies.control import endpoints
from reprise.studies.control.claims_former import M2_V1, over_data_sets
from reprise.studies.maml.states import LAYERS

RISING = np.array([0.05, 0.1, 0.2, 0.3, 0.5])
FLAT = np.full(5, 0.2)


def simulated(rng, trained=RISING, random=FLAT, noise=0.03, units=6, draws=10, name="simulated"):
    """Units of the control with chosen changes of each layer, by training and by perturbation."""
    change = np.abs(trained + rng.normal(0, noise, (units, 5)))
    null = np.abs(random + rng.normal(0, noise, (units, draws, 5)))
    return xr.Dataset(
        {
            "start_similarity": (
                ("seed", "measure", "layer", "step"),
                np.stack([np.ones((units, 1, 5)), 1 - change[:, None]], axis=-1),
            ),
            "null_similarity": (
                ("seed", "measure", "layer", "null", "draw"),
                1 - null.transpose(0, 2, 1)[:, None, :, None],
            ),
        },
        coords={
            "measure": ["rsa-correlation"], "layer": list(LAYERS), "step": [0, 200], "null": ["equal norm"],
        },
        attrs={"config": json.dumps({"dataset": name}), "preset": "none"},
    )  # fmt: skip


def spearman(a, b):
    return float(np.asarray(stats.spearmanr(a, b))[0])


def statuses(runs=60, **effect):
    rng = np.random.default_rng(11)
    found = [M2_V1.judge({"simulated": simulated(rng, **effect)}).status for _ in range(runs)]
    return {status: found.count(status) / runs for status in set(found)}


def test_an_effect_beyond_the_null_is_found():
    assert statuses().get("supported", 0) > 0.95


def test_falling_change_is_contradicted():
    assert statuses(trained=RISING[::-1], random=RISING).get("contradicted", 0) > 0.95


@pytest.mark.parametrize(("noise", "units"), [(0.03, 10), (0.1, 5)])
def test_an_order_that_perturbations_have_too_is_not_support(noise, units):
    """Also where both sit at or close to the ceiling of a rank correlation."""
    found = statuses(random=RISING, noise=noise, units=units, runs=200, draws=2)
    # 2.5 % of the differences each way; binomial 99.9 % bound for 200 runs
    assert found.get("supported", 0) < 0.07
    assert found.get("mixed", 0) < 0.07


def test_less_order_than_perturbations_have_is_mixed():
    weak = 0.2 + RISING / 4
    assert statuses(trained=weak, random=RISING, noise=0.05, units=20).get("mixed", 0) > 0.8


def test_the_same_perfect_order_in_every_seed_is_undecided_and_alone_supported():
    verdict = M2_V1.judge({"simulated": simulated(np.random.default_rng(0), random=RISING, noise=0)})
    assert verdict.status == "undecided"
    control, difference = verdict.parts
    assert (control.low, control.high, control.status) == (1, 1, "supported")
    assert (difference.low, difference.high, difference.status) == (0, 0, "undecided")


def test_an_untrained_network_decides_nothing():
    verdict = M2_V1.judge({"simulated": simulated(np.random.default_rng(0), trained=0 * FLAT, noise=0)})
    assert verdict.status == "undecided"
    assert all(np.isnan(part.estimate) for part in verdict.parts)


def test_fewer_than_five_seeds_decide_nothing():
    assert M2_V1.judge({"simulated": simulated(np.random.default_rng(0), units=4)}).status == "undecided"


def test_several_data_sets_are_judged_one_by_one():
    rng = np.random.default_rng(3)
    good, bad, same = (
        simulated(rng), simulated(rng, trained=RISING[::-1], random=RISING),
        simulated(rng, random=RISING, noise=0),
    )  # fmt: skip
    both = M2_V1.judge({"a": good, "b": good})
    assert both.status == "supported" and len(both.parts) == 4 and both.dataset == "simulated"
    assert [part.name.split(":")[0] for part in both.parts] == ["a", "a", "b", "b"]
    assert M2_V1.judge({"a": good, "b": bad}).status == "mixed"
    assert M2_V1.judge({"a": good, "b": same}).status == "undecided"
    assert "(undecided there)" in M2_V1.judge({"a": good, "b": same}).note


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (["supported"], "supported"),
        (["supported", "supported"], "supported"),
        (["supported", "contradicted"], "mixed"),
        (["supported", "undecided"], "undecided"),
        (["contradicted", "undecided"], "undecided"),
        (["mixed", "supported"], "mixed"),
        (["not run", "not run"], "not run"),
    ],
)
def test_verdicts_over_data_sets(found, status):
    assert over_data_sets(found) == status


def test_rank_correlations_equal_scipys():
    values = np.random.default_rng(1).normal(size=(4, 3, 5)).round(1)
    found = endpoints.depth_correlation(xr.DataArray(values, dims=("seed", "draw", "layer")))
    for i, j in np.ndindex(4, 3):
        expected = spearman(np.arange(5), values[i, j])
        assert float(found[i, j]) == pytest.approx(expected, abs=1e-10)
    assert found.dims == ("seed", "draw")


def test_one_training_is_held_against_one_perturbation():
    run = simulated(np.random.default_rng(2), noise=0.2, draws=7)
    changes = 1 - run["null_similarity"].sel(measure="rsa-correlation", null="equal norm")
    trained = 1 - run["start_similarity"].sel(measure="rsa-correlation", step=200)
    for unit in range(run.sizes["seed"]):
        single = [spearman(np.arange(5), changes.isel(seed=unit, draw=draw).values) for draw in range(7)]
        np.testing.assert_allclose(endpoints.null_correlation(run)[unit], single, atol=1e-9)
        own = spearman(np.arange(5), trained.isel(seed=unit).values)
        assert float(endpoints.beyond_null(run)[unit]) == pytest.approx(own - single[0], abs=1e-9)
