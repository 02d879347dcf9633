"""Segmentation explorer: what travels is what was measured, and what the page makes of it is Python's."""

import json

import numpy as np
import pytest
import xarray as xr

from reprise import similarity
from reprise.engine.comparison import summarise
from reprise.studies.segmentation import endpoints
from reprise.widgets import Segmentation
from reprise.widgets.segmentation import QUALITIES, Start, pack_classes
from reprise.widgets.states import LIMIT

LAYERS = ["encoder1", "decoder1", "logits"]
MEASURES = ["rsa-correlation", "cka-linear-debiased"]
CROPS, SIDE, STEPS = 9, 6, [0, 5, 10]
STARTS = {name: Start(name, colour) for name, colour in (("none", "#6e6e6e"), ("other", "#0072b2"))}
A, B = ("none", 0.1), ("other", 0.1)


def units(name, seeds, classes=3, grams=(), rng_seed=0):
    """Units of one condition with every variable that the explorer takes; some of them with their Grams."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng([rng_seed, seed, len(name)])
        layered = (len(MEASURES), len(LAYERS))
        unit = xr.Dataset(
            {
                **{quality: ((), np.float32(rng.uniform(0.3, 0.9))) for quality in QUALITIES},
                "curve_miou": ("curve_step", rng.uniform(0, 1, len(STEPS)).astype(np.float32)),
                "similarity": (("measure", "layer"), rng.uniform(0, 1, layered).astype(np.float32)),
                "fresh_similarity": (("measure", "layer"), rng.uniform(0, 1, layered).astype(np.float32)),
                "shown_classes": (
                    ("shown", "row", "column"),
                    rng.integers(0, classes, (2, SIDE, SIDE)).astype(np.uint8),
                ),
            },
            coords={
                "seed": seed, "curve_step": STEPS, "measure": MEASURES, "layer": LAYERS,
                "class_name": ["background", *(f"kind{i}" for i in range(1, classes))],
                "shown_index": ("shown", [3, 8]), "dataset": "shapes",
                "curve_images": 4, "probe_images": CROPS,
                "stimulus_index": ("stimulus", np.arange(CROPS)),
                "stimulus_name": ("stimulus", [f"p{i}" for i in range(CROPS)]),
            },
        )  # fmt: skip
        if seed in grams:
            # Stored in another order than that of the layers: the widget must not rely on it.
            rows = [(moment, layer) for moment in ("start", "end") for layer in LAYERS[::-1]]
            features = [rng.normal(size=(CROPS, 20)) + rng.normal(size=(1, 20)) for _ in rows]
            upper = np.triu_indices(CROPS)
            unit = unit.assign(
                gram=(("state", "entry"), np.array([(x @ x.T)[upper] for x in features], np.float32)),
                feature_mean=(("state", "stimulus"), np.array([x.mean(1) for x in features], np.float32)),
            ).assign_coords(
                state_name=("state", [moment for moment, _ in rows]),
                state_layer=("state", [layer for _, layer in rows]),
                state_features=("state", [20] * len(rows)),
            )
        found.append(unit)
    return found


def together(found):
    return xr.concat([unit.drop_dims("state", errors="ignore") for unit in found], "seed")


@pytest.fixture(scope="module")
def kept():
    return {A: units("none", [0], grams=[0])[0], B: units("other", [0], grams=[0])[0]}


@pytest.fixture(scope="module")
def runs():
    return {A: together(units("none", [0, 1, 2])), B: together(units("other", [0, 2, 5]))}


@pytest.fixture(scope="module")
def widget(runs, kept):
    return make(runs, kept=kept)


def make(runs, **given):
    return Segmentation(runs, STARTS, classes=["#dcdcdc", "#0072b2", "#e69f00"], **given)


def numbers(widget):
    """What the page gets, as node takes it."""
    arrays = {
        name: np.frombuffer(getattr(widget, name), "<f4") for name in ("quality", "curve", "change", "fresh")
    }
    return {"about": widget.about, **arrays}


OUTCOMES = """const typed = (name) => Float32Array.from(input[name]);
const data = new outcomes.Outcomes(input.about, { quality: typed("quality"), curve: typed("curve"),
  change: typed("change"), fresh: typed("fresh") });"""


def test_what_travels_is_what_was_measured(javascript, widget, runs):
    found = javascript(
        OUTCOMES + "return [[0, 0], [1, 0]].map((condition) => data.of(...condition).map((unit) => ({"
        "seed: data.units[unit][2], quality: [0, 1, 2].map((which) => data.quality(which, unit)),"
        "curve: data.curve(unit), change: [0, 1].map((m) => data.change(m, unit)),"
        "fresh: [0, 1].map((m) => data.change(m, unit, true)) })))",
        numbers(widget),
    )
    for condition, run in zip(found, runs.values(), strict=True):
        assert [unit["seed"] for unit in condition] == run["seed"].values.tolist()
        for unit, measured in zip(condition, (run.isel(seed=i) for i in range(3)), strict=True):
            np.testing.assert_array_equal(unit["quality"], [float(measured[name]) for name in QUALITIES])
            np.testing.assert_array_equal(unit["curve"], measured["curve_miou"].values)
            np.testing.assert_allclose(unit["change"], 1 - measured["similarity"].values, atol=1e-7)
            np.testing.assert_allclose(unit["fresh"], 1 - measured["fresh_similarity"].values, atol=1e-7)
    json.dumps(widget.about, allow_nan=False)


def test_means_and_differences_with_intervals_are_pythons(javascript, widget, runs):
    found = javascript(
        OUTCOMES
        + "return [0, 1, 2].map((which) => { const gains = data.gains(which, data.of(0, 0), data.of(1, 0));"
        "return { gains, of: outcomes.meanInterval(gains, input.about.quantiles),"
        "one: outcomes.meanInterval(data.of(0, 0).map((u) => data.quality(which, u)), input.about.quantiles),"
        "single: outcomes.meanInterval([0.5], input.about.quantiles) }; })",
        numbers(widget),
    )
    for name, page in zip(QUALITIES, found, strict=True):
        gains = endpoints.gain(runs[B], runs[A], name)  # seeds 0 and 2 are in both
        np.testing.assert_allclose(page["gains"], gains, atol=1e-7)
        for part, values in (("of", gains), ("one", runs[A][name].values)):
            expected = summarise(values)
            got = [page[part][key] for key in ("n", "mean", "low", "high")]
            np.testing.assert_allclose(
                got, [expected.n, expected.mean, expected.low, expected.high], atol=1e-6
            )
        assert (
            page["single"]["mean"] == 0.5 and np.isnan([page["single"]["low"], page["single"]["high"]]).all()
        )


def test_rates_travel_with_their_conditions(runs, widget):
    """What the page makes of them is tested in the browser."""
    assert widget.about["rates"] == []
    about = make(runs, rates={A: "0.003", B: "0.001"}).about
    assert about["rates"] == [[0, 0, "0.003"], [1, 0, "0.001"]]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_classes_are_unpacked_as_they_were_packed(javascript, bits):
    # 45 pixels: units do not end at a byte.
    classes = np.random.default_rng(bits).integers(0, 2**bits, (3, 5, 9)).astype(np.uint8)
    packed = np.frombuffer(pack_classes(classes, bits), np.uint8)
    assert len(packed) == 3 * -(-45 * bits // 8)
    found = javascript(
        "const bytes = Uint8Array.from(input.packed);"
        "return [0, 1, 2].map((k) => outcomes.unpackClasses(bytes, k, 45, input.bits))",
        {"packed": packed, "bits": bits},
    )
    np.testing.assert_array_equal(np.array(found).reshape(classes.shape), classes)
    if bits < 8:
        with pytest.raises(ValueError, match="does not fit"):
            pack_classes(np.full((1, 1), 2**bits, np.uint8), bits)


def test_predictions_travel_with_their_units(javascript, runs, widget):
    assert widget.about["shown"]["bits"] == 2 and widget.about["shown"]["names"] == ["3", "8"]
    found = javascript(
        f"return [0, 5].map((k) => outcomes.unpackClasses(Uint8Array.from(input), k, {2 * SIDE * SIDE}, 2))",
        np.frombuffer(widget.masks, np.uint8),
    )
    expected = [runs[A]["shown_classes"].values[0], runs[B]["shown_classes"].values[2]]
    np.testing.assert_array_equal(np.array(found).reshape(2, 2, SIDE, SIDE), expected)


def test_agreement_is_that_of_a_loop(javascript):
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    truth[:20] = 255
    found = javascript("return outcomes.agreement(input[0], input[1], 4)", [predicted, truth])
    expected = []
    for kind in range(4):
        both = either = 0
        for p, t in zip(predicted[20:], truth[20:], strict=True):
            both += p == kind and t == kind
            either += p == kind or t == kind
        expected.append(both / either if either else np.nan)
    np.testing.assert_allclose(np.array(found["iou"], float), expected, atol=1e-12)
    assert found["mean"] == pytest.approx(np.nanmean(expected)) and np.isnan(found["iou"][3])


def grams_of(unit, layer):
    rows = (unit["state_name"].values == "end") & (unit["state_layer"].values == layer)
    (row,) = np.flatnonzero(rows)
    full = np.zeros((CROPS, CROPS), np.float32)
    upper = np.triu_indices(CROPS)
    full[upper] = full.T[upper] = unit["gram"].values[row]
    return similarity.Grams(full, unit["feature_mean"].values[row], 20)


def packed_states(widget):
    entries = CROPS * (CROPS + 1) // 2
    return {
        "gram": np.frombuffer(widget.gram, "<f4").reshape(-1, entries),
        "mean": np.frombuffer(widget.mean, "<f4").reshape(-1, CROPS),
        **{key: widget.about[key] for key in ("features", "sets", "n")},
    }


@pytest.mark.parametrize("name", MEASURES)
def test_a_pair_layer_by_layer_is_pythons(javascript, widget, kept, name):
    starts = {tuple(unit[:2]): unit[3] for unit in widget.about["units"] if unit[2] == 0}
    found = javascript(
        f"const all = states(input.packed); const keep = every(input.packed.n);"
        f"const measure = measures['{name}'];"
        "return input.pairs.map(([a, b]) => core.similarity(core.form(all[a], measure, keep),"
        "core.form(all[b], measure, keep), measure))",
        {
            "packed": packed_states(widget),
            "pairs": [[starts[0, 0] + k, starts[1, 0] + k] for k in range(len(LAYERS))],
        },
    )
    expected = [
        similarity.measure(name).from_grams(grams_of(kept[A], x), grams_of(kept[B], x)) for x in LAYERS
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_intervals_of_pairs_are_those_of_each_alone(javascript, widget):
    found = javascript(
        "const all = states(input); const measure = measures['rsa-euclidean'];"
        "const keep = every(input.n); const asked = { measure, keep, resamples: 150, seed: 3 };"
        "return [finish(tasks.TASKS.intervals({ pairs: [[0, 3], [1, 4]], ...asked }, all)),"
        "[[0, 3], [1, 4]].map(([a, b]) => finish(tasks.TASKS.interval({ a, b, ...asked }, all)).interval),"
        "finish(tasks.TASKS.intervals({ pairs: [[0, 3]], ...asked },"
        "all.map((s, k) => ({ ...s, set: k }))))]",
        packed_states(widget),
    )
    np.testing.assert_array_equal(found[0], found[1])
    assert np.isnan(np.array(found[2], float)).all()  # other stimuli: nothing to compare


def test_what_is_missing_is_said_and_what_does_not_fit_is_refused(runs, kept):
    bare = make({A: runs[A]}, missing={"other, 10 % of the labels": "reprise run segmentation"})
    assert bare.gram == b"" and bare.truth == b"" and bare.pictures == b"" and bare.about["features"] == []
    assert {unit[3] for unit in bare.about["units"]} == {-1}
    assert bare.about["missing"] == [["other, 10 % of the labels", "reprise run segmentation"]]
    with pytest.raises(ValueError, match="no runs"):
        make({})
    with pytest.raises(ValueError, match="no condition"):
        make(runs, a=("none", 0.5))
    with pytest.raises(ValueError, match="differs from the other runs in class_name"):
        make({A: runs[A], B: together(units("other", [0], classes=2))})
    with pytest.raises(ValueError, match="2 colours for 3 classes"):
        Segmentation(runs, STARTS, classes=["#dcdcdc", "#0072b2"])
    with pytest.raises(ValueError, match=f"sides of {SIDE} pixels, got 4"):
        make(runs, images=np.zeros((2, 4, 4, 3), np.uint8))


def test_a_page_holds_so_many_states_and_no_more(kept):
    each = LIMIT // len(LAYERS)
    shares = np.linspace(0.01, 1, each + 5)
    many = {("none", float(share)): kept[A] for share in shares}
    runs = {condition: together(units("none", [0])) for condition in many}
    widget = make(runs, kept=many)
    places = [unit[3] for unit in widget.about["units"]]
    assert len(widget.about["features"]) == each * len(LAYERS) <= LIMIT and places.count(-1) == 5
    assert sorted(place for place in places if place >= 0) == list(range(0, each * len(LAYERS), len(LAYERS)))
