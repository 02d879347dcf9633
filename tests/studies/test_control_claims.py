"""The rules of M2, version 2, on simulated results: where they must hold, and where they must fail."""

import json

import numpy as np
import pytest
import xarray as xr

from reprise.claims import judge
from reprise.claims.cases import cases
from reprise.claims.claim import find_claim
from reprise.studies.control import endpoints
from reprise.studies.control.nulls import MATCHED
from reprise.studies.maml.states import LAYERS

DEPTH = np.arange(5) - 2
STEEP, FLAT = 1.8, 0.0


def with_slope(rng, slope, shape, noise, measures=2):
    """Changes whose logarithm rises by a slope a layer, one deviation of it a seed: (*shape, measure, 5)."""
    own = slope + rng.normal(0, noise, shape)
    logs = own[..., None] * DEPTH + rng.normal(0, noise / 5, (*shape, 5))
    changes = np.exp(logs - logs.max(-1, keepdims=True) - 0.1)
    return np.repeat(changes[..., None, :], measures, -2)


def control(rng, slope=STEEP, random=1.3, noise=0.1, units=10, accuracy=0.8, labels="true", second=None):
    """Units of the control with a slope by training and one by perturbations that change as much."""
    trained = with_slope(rng, slope, (units,), noise)
    if second is not None:
        trained[:, 1] = with_slope(rng, second, (units,), noise)[:, 0]
    matched = with_slope(rng, random, (units, 20), noise)
    matched *= trained.mean(-1)[:, None, :, None] / matched.mean(-1, keepdims=True)
    similarity = np.stack([np.ones_like(trained), 1 - trained], -1)
    return xr.Dataset(
        {
            "start_similarity": (("seed", "measure", "layer", "step"), similarity),
            "matched_similarity": (("seed", "draw", "matched_measure", "layer"), 1 - matched),
            "accuracy": (("seed", "step"), np.tile([0.1, accuracy], (units, 1))),
            "training_loss": (("seed", "step"), np.zeros((units, 2))),
        },
        coords={
            "measure": list(MATCHED),
            "matched_measure": list(MATCHED),
            "layer": list(LAYERS),
            "step": [0, 200],
            "labels": labels,
            "dataset": "simulated",
        },
        attrs={"config": json.dumps({"dataset": "simulated"}), "preset": "none"},
    )


def adaptation(rng, slope=1.2, noise=0.1, units=5):
    """Units of study 1 whose adaptation has a slope."""
    changes = with_slope(rng, slope, (units,), noise)
    return xr.Dataset(
        {
            "inner_similarity": (
                ("seed", "measure", "layer", "checkpoint", "inner_step"),
                1 - changes[..., None, None],
            ),
            "training_loss": (("seed", "checkpoint"), np.zeros((units, 1))),
        },
        coords={
            "measure": list(MATCHED), "layer": list(LAYERS), "checkpoint": [60], "inner_step": [1],
            "inner_steps": 1,
        },
        attrs={"config": json.dumps({"dataset": "simulated"}), "preset": "none"},
    )  # fmt: skip


def tasks(rng, maml=None, **effect):
    """Runs by the names that the rules know; an effect's key may name one task: ``gratings_slope``."""
    names = ("digits", "characters", "gratings", "random labels")
    shared = {key: value for key, value in effect.items() if key.partition("_")[0] not in names}
    runs = {}
    for name in names:
        own = {k.partition("_")[2]: v for k, v in effect.items() if k.partition("_")[0] == name}
        labels = {"labels": "random", "accuracy": 0.1} if name == "random labels" else {}
        runs[name] = control(rng, **{**shared, **labels, **own})
    return {**runs, "adaptation": adaptation(rng, **(maml or {}))}


def statuses(claim, count=40, **effect):
    rng = np.random.default_rng(11)
    found = [judge(claim, tasks(rng, **effect)).status for _ in range(count)]
    return {status: found.count(status) / count for status in set(found)}


@pytest.mark.parametrize("claim", ["M2a", "M2b", "M2c", "M2d", "M2"])
def test_an_effect_is_found(claim):
    assert statuses(claim).get("supported", 0) > 0.9


@pytest.mark.parametrize(
    ("claim", "effect"),
    [
        ("M2a", {"slope": -STEEP}),
        ("M2b", {"slope": 1.3, "random": STEEP}),
        ("M2c", {"maml": {"slope": 2.4}}),
        ("M2d", {"slope": -STEEP}),
    ],
)
def test_the_opposite_is_contradicted(claim, effect):
    assert statuses(claim, **effect).get("contradicted", 0) > 0.9


@pytest.mark.parametrize(
    ("claim", "effect"),
    [
        ("M2a", {"slope": FLAT}),
        ("M2b", {"random": STEEP}),
        ("M2c", {"maml": {"slope": STEEP}}),
        ("M2d", {"slope": FLAT}),
    ],
)
def test_without_an_effect_support_is_as_rare_as_stated(claim, effect):
    """Also where training and perturbations rise equally steeply, which version 1 could not tell."""
    found = statuses(claim, count=300, noise=0.3, **effect)
    # 2.5 % a side; a conjunction of several is rarer. Binomial 99.9 % bound for 300 runs: 0.063.
    assert found.get("supported", 0) < 0.063


@pytest.mark.parametrize("claim", ["M2a", "M2b", "M2c", "M2d"])
def test_measures_that_disagree_are_mixed_and_say_so(claim):
    runs = tasks(np.random.default_rng(0), second=-STEEP)
    verdict = judge(claim, runs)
    assert verdict.status == "mixed" and "Mixed (measure): by" in verdict.note
    alone = judge(claim, runs, MATCHED[1])
    assert alone.status == "contradicted" and len(alone.parts) == len(verdict.parts) / 2


def test_a_task_that_falls_makes_it_mixed_and_one_that_is_flat_undecided():
    rng = np.random.default_rng(1)
    runs = tasks(rng)
    assert judge("M2d", {**runs, "gratings": control(rng, -STEEP)}).status == "mixed"
    found = [judge("M2d", {**runs, "gratings": control(rng, FLAT, noise=0.5)}).status for _ in range(40)]
    assert found.count("undecided") > 30


def test_a_control_that_has_not_learned_decides_nothing():
    rng = np.random.default_rng(2)
    weak = {**tasks(rng), "characters": control(rng, accuracy=0.026)}
    for claim in ("M2a", "M2b", "M2c", "M2"):
        verdict = judge(claim, weak)
        assert verdict.status == "undecided" and "recognises only 2.6 %" in verdict.note
    # Random labels cannot be recognised.
    assert judge("M2d", weak).status == "supported"


def test_a_layer_that_did_not_change_decides_nothing():
    runs = tasks(np.random.default_rng(3))
    runs["digits"]["start_similarity"].loc[{"layer": "block1"}] = 1.0
    assert judge("M2a", runs).status == "undecided"


def test_a_measure_that_was_not_matched_decides_nothing():
    runs = tasks(np.random.default_rng(4))
    other = ["cka-linear", MATCHED[1]]
    runs = {
        name: run.assign_coords(measure=other) if name != "adaptation" else run for name, run in runs.items()
    }
    verdict = judge("M2b", runs, "cka-linear")
    assert verdict.status == "undecided" and "No perturbations match" in verdict.note


def test_parts_name_task_and_measure_and_the_note_the_slopes():
    verdict = judge("M2b", tasks(np.random.default_rng(5)))
    assert [part.name for part in verdict.parts][:2] == [
        "digits: slope, training − matched perturbations, RSA, correlation distance",
        "characters: slope, training − matched perturbations, RSA, correlation distance",
    ]
    assert len(verdict.parts) == 4 and all(part.n == 10 for part in verdict.parts)
    assert "Perturbations have a slope too: digits 1.3" in verdict.note
    maml = judge("M2c", tasks(np.random.default_rng(5)))
    assert [part.n for part in maml.parts] == [5, 5] and maml.parts[0].bound == "below 0"


def test_slopes_equal_numpys_fit():
    changes = np.exp(np.random.default_rng(6).normal(size=(3, 4, 5)))
    found = endpoints.depth_slope(xr.DataArray(changes, dims=("seed", "draw", "layer")))
    for i, j in np.ndindex(3, 4):
        assert float(found[i, j]) == pytest.approx(np.polyfit(np.arange(5), np.log(changes[i, j]), 1)[0])
    doubling = xr.DataArray([1.0, 2, 4, 8, 16], dims="layer")
    assert float(endpoints.depth_slope(doubling)) == pytest.approx(np.log(2))
    assert np.isnan(endpoints.depth_slope(xr.DataArray([0.0, 1, 2, 3, 4], dims="layer")))


def test_runs_of_study_1_come_from_its_preset_of_the_same_name():
    (case,) = cases(find_claim("M2"))
    assert list(case.conditions) == ["digits", "characters", "gratings", "random labels", "adaptation"]
    adapted = case.conditions["adaptation"]
    assert (adapted.config.study, adapted.seeds) == ("maml", (0, 1, 2, 3, 4))
    assert case.conditions["digits"].seeds == tuple(range(10, 20)) and case.decides
    assert case.commands == (
        "reprise run control --preset laptop --family tasks --seeds 10..19",
        "reprise run maml --preset laptop --seeds 0..4",
    )
    (former,) = find_claim("M2").former
    assert [own.preset for own in cases(former) if own.decides][1] == "laptop + omniglot-classes"
