"""Rules on simulated results: an effect, none, and the opposite give the right verdict at the stated rate."""

import json

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from reprise.claims import claims, judge
from reprise.claims.claim import find_claim
from reprise.claims.verdict import above, all_of, equivalent
from reprise.places import UserError
from reprise.studies.maml.states import LAYERS


def simulated(rng, logits=0.5, blocks=0.1, outer=0.02, outer_logits=None, noise=0.01, units=5, uneven=1.0):
    """Units of study 1 with chosen changes: adaptation by layer, and by a sixtieth of training.

    The latter changes the last block by some times as much as the other blocks.
    """
    checkpoints = np.arange(61) * 10
    shape = (units, len(LAYERS), 61)
    inner = np.full(shape, blocks)
    inner[:, -1] = logits
    stretch = np.full(shape, outer)
    stretch[:, -1] = outer if outer_logits is None else outer_logits
    stretch[:, -2] *= uneven
    # one deviation a seed and layer: tasks and checkpoints of a seed share it
    inner = inner + rng.normal(0, noise, (units, len(LAYERS), 1))
    stretch = np.abs(stretch + rng.normal(0, noise / 5, (units, len(LAYERS), 1)))
    lags = np.arange(1, 55)
    return xr.Dataset(
        {
            "inner_similarity": (
                ("seed", "measure", "layer", "checkpoint", "inner_step"),
                1 - np.maximum(inner, 1e-6)[:, None, :, :, None],
            ),
            "neighbour_similarity": (("seed", "measure", "layer", "checkpoint"), 1 - stretch[:, None]),
            "lag_similarity": (
                ("seed", "measure", "layer", "lag"),
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


def functional(rng, cost=0.0, noise=0.5, longer=None, units=5, gain=0.0):
    """Units of function that lose some points of accuracy if the body is frozen, one deviation a seed.

    Nearest prototypes gain some points through adaptation.
    """
    full = 80 + rng.normal(0, 2, units)
    frozen = [
        full - rng.normal(points, noise, units) for points in (cost, cost if longer is None else longer)
    ]
    interventions = {
        ("none", ""): [np.full(units, 20.0)] * 2,
        ("full", ""): [full, full],
        ("freeze", "block1"): [full - 30, full - 30],
        ("freeze", "body"): frozen,
        ("freeze", "logits"): [full - 50, full - 50],
        ("only", "body"): [full - 50, full - 50],
    }
    kinds, parts = zip(*interventions, strict=True)
    return xr.Dataset(
        {
            "function_accuracy": (
                ("intervention", "adapted", "seed"),
                np.array([*interventions.values()]) / 100,
            ),
            "prototype_accuracy": (
                ("seed", "features_from"),
                np.stack([full - 5, full - 5 + rng.normal(gain, noise, units)], -1) / 100,
            ),
            "converged_accuracy": ("seed", (full - 3) / 100),
        },
        coords={
            "features_from": ["before adaptation", "after adaptation"],
            "converged_steps": 1000,
            "intervention_kind": ("intervention", list(kinds)),
            "intervention_part": ("intervention", list(parts)),
            "adapted": ["as trained", "longer"],
            "adapted_steps": ("adapted", [1, 10]),
        },
        attrs={"config": json.dumps({"dataset": "simulated"}), "preset": "none"},
    )


def named(run):
    """A run by the name that rules know it under."""
    if "function_accuracy" in run:
        return {"function": run, "prototypes": run}
    return {"similarity": run}


def former(claim):
    """Version 1 of a claim's rule."""
    return find_claim(claim).former[-1]


def statuses(claim, runs=200, make=simulated, **effect):
    rng = np.random.default_rng(7)
    rule = find_claim(claim) if isinstance(claim, str) else claim
    found = [rule.judge(named(make(rng, **effect))).status for _ in range(runs)]
    return {status: found.count(status) / runs for status in set(found)}


@pytest.mark.parametrize(
    ("claim", "effect"),
    [
        ("M1a", {"logits": 0.2, "blocks": 0.1, "noise": 0.02}),
        ("M3a", {"blocks": 0.06, "outer": 0.02}),
        ("M3b", {"logits": 0.15, "blocks": 0.1, "outer": 0.01, "outer_logits": 0.2, "uneven": 5}),
        ("M3", {"logits": 0.15, "blocks": 0.1, "outer": 0.01, "outer_logits": 0.2, "uneven": 5}),
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


def rates(level, runs):
    """Least and greatest share of runs that 99.9 % of all simulations of this length stay within."""
    return stats.binom.ppf([0.0005, 0.9995], runs, level) / runs


@pytest.mark.parametrize("points", [0.0, 0.8, -0.8])
def test_a_body_that_need_not_move_is_found_to_cost_or_gain_nothing(points):
    for claim, effect in (("M1b", {"gain": points, "cost": 20.0}), (former("M1b"), {"cost": points})):
        found = statuses(claim, runs=50, make=functional, noise=0.5, **effect)
        assert found.get("supported", 0) > 0.8 and "contradicted" not in found


@pytest.mark.parametrize("points", [5.0, -5.0])
def test_a_body_that_costs_or_gains_more_than_the_margin_contradicts(points):
    for claim, effect in (("M1b", {"gain": points}), (former("M1b"), {"cost": points})):
        found = statuses(claim, runs=50, make=functional, noise=0.5, **effect)
        assert found.get("contradicted", 0) > 0.8 and "supported" not in found


@pytest.mark.parametrize("points", [2.0, -2.0])
def test_at_the_margin_each_wrong_verdict_is_as_rare_as_stated(points):
    runs = 300
    for claim, effect in (("M1b", {"gain": points}), (former("M1b"), {"cost": points})):
        found = statuses(claim, runs=runs, make=functional, noise=0.5, **effect)
        low, high = rates(0.05, runs)  # a 90 % interval leaves 5 % on either side
        assert low <= found.get("supported", 0) <= high
        assert low <= found.get("contradicted", 0) <= high


def test_noise_is_no_evidence_that_the_body_serves_as_it_is():
    for claim in ("M1b", former("M1b")):
        found = statuses(claim, runs=100, make=functional, noise=10.0)
        assert found.get("supported", 0) < 0.05 and found["undecided"] > 0.8


def test_what_is_judged_is_nearest_prototypes_after_minus_before_adaptation():
    rng = np.random.default_rng(3)
    run = functional(rng, cost=12.5, longer=4.0, gain=0.3, noise=0.2)
    accuracy = 100 * run["prototype_accuracy"].values
    gained = accuracy[:, 1] - accuracy[:, 0]
    verdict = judge("M1b", named(run))
    (part,) = verdict.parts
    half = 2.131846786 * gained.std(ddof=1) / np.sqrt(5)  # t(0.95, 4)
    assert (part.estimate, part.low, part.high) == pytest.approx(
        (gained.mean(), gained.mean() - half, gained.mean() + half), rel=1e-8
    )
    assert (part.level, part.n, part.unit, part.bound) == (0.90, 5, "points", "within ±2")
    assert (verdict.status, verdict.measure, verdict.rule_version) == ("supported", "accuracy", 2)
    before, after = accuracy.mean(0)
    assert f"Nearest prototypes: {before:.1f} % before, {after:.1f} % after adaptation." in verdict.note
    frozen = 100 * run["function_accuracy"].sel(adapted="as trained").values
    lost = (frozen[1] - frozen[3]).mean()
    assert (
        f"{lost:.1f} points less after 1 inner step, 3.0 points less after 1000 inner steps" in verdict.note
    )


def test_what_was_judged_before_is_the_frozen_body_after_the_trained_steps():
    rng = np.random.default_rng(3)
    run = functional(rng, cost=0.3, longer=12.5, noise=0.2)
    by_seed = 100 * run["function_accuracy"].sel(adapted="as trained").values
    verdict = former("M1b").judge(named(run))
    (part,) = verdict.parts
    full, frozen = by_seed[1].mean(), by_seed[3].mean()
    assert part.estimate == pytest.approx(full - frozen)
    assert (part.level, part.n, part.bound, verdict.rule_version) == (0.90, 5, "within ±2", 1)
    assert f"{full:.1f} % if all layers adapt, {frozen:.1f} % if only the head does" in verdict.note
    later = 100 * run["function_accuracy"].sel(adapted="longer").values
    assert f"After 10 inner steps the body is worth {(later[1] - later[3]).mean():.1f} points" in verdict.note


def test_four_seeds_of_function_decide_nothing():
    verdict = judge("M1b", named(functional(np.random.default_rng(0), units=4, noise=0.1)))
    assert verdict.status == "undecided" and abs(verdict.parts[0].high) < 2


def test_units_without_the_frozen_body_are_no_units_of_function():
    run = functional(np.random.default_rng(0)).isel(intervention=[0, 1, 2])
    with pytest.raises(ValueError):
        judge("M1b", named(run))


@pytest.mark.parametrize(
    ("change", "gain", "status"),
    [
        ({}, 0.0, "supported"),
        ({}, 6.0, "mixed"),
        ({"logits": 0.05, "blocks": 0.2}, 0.0, "mixed"),
        ({"logits": 0.05, "blocks": 0.2}, 6.0, "contradicted"),
        ({"logits": 0.1, "blocks": 0.1, "noise": 0.02}, 0.0, "undecided"),
        ({"logits": 0.1, "blocks": 0.1, "noise": 0.02}, 6.0, "contradicted"),
    ],
)
def test_m1_needs_both_its_parts(change, gain, status):
    rng = np.random.default_rng(1)
    similarity, function = simulated(rng, **change), functional(rng, gain=gain, noise=0.2)
    verdict = judge("M1", {"similarity": similarity, "prototypes": function})
    assert verdict.status == status
    parts = [
        part
        for claim, run in (("M1a", {"similarity": similarity}), ("M1b", {"prototypes": function}))
        for part in judge(claim, run).parts
    ]
    assert list(verdict.parts) == parts and len(parts) == 5
    assert (verdict.dataset, verdict.measure) == ("simulated", "rsa-correlation")
    assert "after adaptation" in verdict.note


def test_a_claim_is_not_run_without_the_runs_that_it_needs():
    verdict = judge("M1", {"similarity": simulated(np.random.default_rng(0))})
    assert (verdict.status, verdict.parts) == ("not run", ())
    assert verdict.note == "There is no run of: prototypes." and verdict.dataset == "simulated"


def test_own_change_is_told_beside_m1a_where_it_was_measured_and_moves_nothing():
    similarity = simulated(np.random.default_rng(0))
    own = np.array([0.004, 0.001, 0.005, 0.149, 0.233])
    whole = np.array([0.004, 0.004, 0.017, 0.168, 0.757])
    # of a layer's own update alone: what it does to itself stands on the diagonal
    changes = np.stack([whole, *(np.diag(own) + np.triu(np.full((5, 5), 0.7), 1))])
    function = xr.Dataset(
        {
            "null_similarity": (
                ("seed", "null", "measure", "layer"),
                1 - np.tile(changes[:, None], (5, 1, 1, 1)),
            )
        },
        coords={
            "null": ["adaptation", *(f"only {layer}" for layer in LAYERS)],
            "measure": ["rsa-correlation"],
            "layer": list(LAYERS),
        },
    )
    alone, beside = (
        judge("M1a", {"similarity": similarity, **more}) for more in ({}, {"function": function})
    )
    assert alone.parts == beside.parts and alone.status == beside.status and alone.note == ""
    assert "block4 0.149 of 0.168, logits 0.233 of 0.757" in beside.note


def test_more_layers_but_fewer_blocks_are_mixed():
    run = simulated(np.random.default_rng(0), logits=0.5, blocks=0.1, outer=0.01, outer_logits=0.2, units=8)
    # adaptation's blocks: nearly all in the last one, those of meta-training alike
    run["inner_similarity"].loc[{"layer": ["block1", "block2", "block3"]}] = 1 - 0.001
    run["inner_similarity"].loc[{"layer": "block4"}] = 1 - 0.4
    verdict = judge("M3b", named(run))
    assert [part.status for part in verdict.parts] == ["supported", "contradicted"]
    assert verdict.status == "mixed" and judge("M3", named(run)).status == "mixed"
    assert former("M3b").judge(named(run)).status == "supported"
    assert "logits counted, adaptation" in verdict.note and "blocks alone, adaptation" in verdict.note


def test_the_break_even_spacing_is_told_in_iterations():
    verdict = judge("M3a", named(simulated(np.random.default_rng(0), blocks=0.1, outer=0.02, noise=1e-5)))
    # five stretches of ten iterations
    assert "50 meta-iterations (5.0 sixtieths of meta-training) change them as much" in verdict.note
    far = judge("M3a", named(simulated(np.random.default_rng(0), blocks=0.1, outer=0.0001, noise=1e-6)))
    assert "more than 540 meta-iterations" in far.note


def test_parts_that_disagree_are_mixed():
    run = simulated(np.random.default_rng(0), logits=0.3, blocks=0.1)
    run["inner_similarity"].loc[{"layer": "block2"}] = 1 - 0.6
    verdict = judge("M1a", named(run))
    assert verdict.status == "mixed"
    assert verdict.decisive is not None and "block2" in verdict.decisive.name


def test_fewer_than_five_seeds_decide_nothing_but_show_the_interval():
    verdict = judge("M1a", named(simulated(np.random.default_rng(0), units=4)))
    assert verdict.status == "undecided"
    assert all(part.low > 0 and part.n == 4 for part in verdict.parts)


def test_a_verdict_names_effect_interval_n_data_preset_measure_and_rule():
    verdict = judge("M3", named(simulated(np.random.default_rng(0))))
    assert (verdict.dataset, verdict.preset, verdict.measure, verdict.rule_version) == (
        "simulated", "none", "rsa-correlation", 2,
    )  # fmt: skip
    assert len(verdict.parts) == 3 and all(part.level == 0.95 and part.n == 5 for part in verdict.parts)
    assert "times as much" in verdict.note and "Effective number" in verdict.note


def test_every_rule_has_a_claim_in_words():
    ids = [claim.id for claim in claims("maml")]
    assert ids == ["M1a", "M1b", "M1", "M3a", "M3b", "M3"]
    assert all(claim.statement and claim.rule and claim.version >= 1 for claim in claims())
    with pytest.raises(UserError, match="M1a, M1b, M1, M3a"):
        judge("Z9", named(simulated(np.random.default_rng(0))))


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
