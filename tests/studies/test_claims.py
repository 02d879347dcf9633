"""Rules on simulated results: an effect, none, and the opposite give the right verdict at the stated rate."""

import json

import numpy as np
import pytest
import xarray as xr

from reprise.places import UserError
from reprise.studies.claims import claims, judge
from reprise.studies.claims.verdict import above, all_of, equivalent
from reprise.studies.maml.states import LAYERS


def simulated(rng, logits=0.5, blocks=0.1, outer=0.02, outer_logits=None, noise=0.01, units=5):
    """Units of study 1 with chosen changes: adaptation by layer, and by a sixtieth of training."""
    checkpoints = np.arange(61) * 10
    shape = (units, len(LAYERS), 61)
    inner = np.full(shape, blocks)
    inner[:, -1] = logits
    stretch = np.full(shape, outer)
    stretch[:, -1] = outer if outer_logits is None else outer_logits
    # one deviation a seed and layer: tasks and checkpoints of a seed share it
    inner = inner + rng.normal(0, noise, (units, len(LAYERS), 1))
    stretch = np.abs(stretch + rng.normal(0, noise / 5, (units, len(LAYERS), 1)))
    lags = np.arange(1, 55)
    return xr.Dataset(
        {
            "inner_similarity": (
                ("unit", "measure", "layer", "checkpoint", "inner_step"),
                1 - np.maximum(inner, 1e-6)[:, None, :, :, None],
            ),
            "neighbour_similarity": (("unit", "measure", "layer", "checkpoint"), 1 - stretch[:, None]),
            "lag_similarity": (
                ("unit", "measure", "layer", "lag"),
                1 - stretch[:, None, :, :1] * lags[None, None, None] * np.ones((1, 1, 1, 1)),
            ),
        },
        coords={
            "measure": ["rsa-correlation"],
            "layer": list(LAYERS),
            "checkpoint": checkpoints,
            "inner_step": [1],
            "inner_steps": 1,
            "lag": lags,
        },
        attrs={"config": json.dumps({"dataset": "simulated"}), "preset": "none"},
    )


def statuses(claim, runs=200, **effect):
    rng = np.random.default_rng(7)
    found = [judge(claim, simulated(rng, **effect)).status for _ in range(runs)]
    return {status: found.count(status) / runs for status in set(found)}


@pytest.mark.parametrize(
    ("claim", "effect"),
    [
        ("M1a", {"logits": 0.2, "blocks": 0.1, "noise": 0.02}),
        ("M3a", {"blocks": 0.06, "outer": 0.02}),
        ("M3b", {"logits": 0.15, "blocks": 0.1, "outer": 0.01, "outer_logits": 0.2}),
        ("M3", {"logits": 0.15, "blocks": 0.1, "outer": 0.01, "outer_logits": 0.2}),
    ],
)
def test_an_effect_is_found(claim, effect):
    assert statuses(claim, **effect).get("supported", 0) > 0.8


@pytest.mark.parametrize(
    ("claim", "effect"),
    [
        ("M1a", {"logits": 0.05, "blocks": 0.2}),
        ("M3a", {"blocks": 0.02, "outer": 0.1, "noise": 0.002}),
        ("M3b", {"logits": 0.9, "blocks": 0.02, "outer": 0.05, "noise": 0.004}),
    ],
)
def test_the_opposite_is_contradicted(claim, effect):
    assert statuses(claim, **effect).get("contradicted", 0) > 0.8


@pytest.mark.parametrize(
    ("claim", "effect"),
    [
        ("M1a", {"logits": 0.1, "blocks": 0.1}),
        ("M3a", {"logits": 0.1, "blocks": 0.1, "outer": 0.1, "noise": 0.01}),
        ("M3b", {"logits": 0.1, "blocks": 0.1, "outer": 0.1, "noise": 0.01}),
    ],
)
def test_without_an_effect_support_is_as_rare_as_stated(claim, effect):
    found = statuses(claim, runs=400, **effect)
    # 2.5 % a side; a conjunction of four is rarer still. Binomial 99.9 % bound for 400 runs: 0.058.
    assert found.get("supported", 0) < 0.058


def test_parts_that_disagree_are_mixed():
    run = simulated(np.random.default_rng(0), logits=0.3, blocks=0.1)
    run["inner_similarity"].loc[{"layer": "block2"}] = 1 - 0.6
    verdict = judge("M1a", run)
    assert verdict.status == "mixed"
    assert verdict.decisive is not None and "block2" in verdict.decisive.name


def test_fewer_than_five_seeds_decide_nothing_but_show_the_interval():
    verdict = judge("M1a", simulated(np.random.default_rng(0), units=4))
    assert verdict.status == "undecided"
    assert all(part.low > 0 and part.n == 4 for part in verdict.parts)


def test_a_verdict_names_effect_interval_n_data_preset_measure_and_rule():
    verdict = judge("M3", simulated(np.random.default_rng(0)))
    assert (verdict.dataset, verdict.preset, verdict.measure, verdict.rule_version) == (
        "simulated", "none", "rsa-correlation", 1,
    )  # fmt: skip
    assert len(verdict.parts) == 2 and all(part.level == 0.95 and part.n == 5 for part in verdict.parts)
    assert "times as much" in verdict.note and "Effective number" in verdict.note


def test_every_rule_has_a_claim_in_words():
    ids = [claim.id for claim in claims("maml")]
    assert ids == ["M1a", "M3a", "M3b", "M3"]
    assert all(claim.statement and claim.rule and claim.version >= 1 for claim in claims())
    with pytest.raises(UserError, match="M1a, M3a"):
        judge("Z9", simulated(np.random.default_rng(0)))


def test_intervals_equal_a_t_table():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    part = above("x", values)
    half = 2.776445105 * values.std(ddof=1) / np.sqrt(5)  # t(0.975, 4)
    assert (part.low, part.high) == pytest.approx((3 - half, 3 + half), rel=1e-8)
    part = equivalent("x", values, margin=10)
    half = 2.131846786 * values.std(ddof=1) / np.sqrt(5)  # t(0.95, 4)
    assert (part.low, part.high, part.level) == pytest.approx((3 - half, 3 + half, 0.90), rel=1e-8)


@pytest.mark.parametrize(
    ("values", "margin", "status"),
    [
        ([0.1, -0.1, 0.05, 0, -0.05], 1, "supported"),
        ([3, 3.1, 2.9, 3, 3.05], 1, "contradicted"),
        ([1, 1.4, 0.5, 1.2, 0.8], 1, "undecided"),
        ([0.1, 0.0], 1, "undecided"),
        ([0.1, np.nan, 0, 0, 0], 1, "undecided"),
        ([0.5] * 5, 1, "supported"),
    ],
)
def test_equivalence(values, margin, status):
    assert equivalent("x", values, margin).status == status


def test_a_margin_must_be_positive():
    with pytest.raises(ValueError, match="margin"):
        equivalent("x", [1, 2, 3, 4, 5], 0)


def test_conjunctions():
    parts = {
        "supported": above("a", [1, 1.1, 0.9, 1, 1]), "contradicted": above("b", [-1, -1.1, -0.9, -1, -1]),
        "undecided": above("c", [1, -1, 0.5, -0.5, 0]),
    }  # fmt: skip
    assert {name: part.status for name, part in parts.items()} == {name: name for name in parts}
    combine = lambda *names: all_of([parts[name] for name in names])  # noqa: E731
    assert combine("supported", "supported") == "supported"
    assert combine("supported", "undecided") == "undecided"
    assert combine("supported", "contradicted") == "mixed"
    assert combine("contradicted", "undecided") == "contradicted"
