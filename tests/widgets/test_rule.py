"""Rules computed in the page: endpoints, intervals, verdicts and sentences are Python's."""

import json

import matplotlib
import numpy as np
import pytest

from reprise.claims.choices import Asks, Choices, Comparison
from reprise.claims.scales import Scale, Sets
from reprise.plots.rule import rule_curve
from reprise.studies.maml.explorers import breadth_by_layers, distance_by_lag
from reprise.studies.segmentation import endpoints
from reprise.widgets import Rule

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

EVERYTHING = """
  const rule = new choices.Choices(input.about);
  return input.about.options.map(({ id }) => ({
    sentence: rule.sentence(id),
    registered: rule.registered(id).map((part) => [part.estimate, part.low, part.high, part.status]),
    at: rule.values.map((choice) => rule.parts(id, choice).map((p) =>
      ({ values: p.values, numbers: [p.estimate, p.low, p.high], status: p.status, bound: p.bound }))),
  }));
"""


def compare(rule, javascript):
    """Everything that the page says of a rule is what Python says, at every choice."""
    about = json.loads(json.dumps(Rule(rule).about))
    pages = javascript(EVERYTHING, {"about": about})
    for option, page in zip(rule.options, pages, strict=True):
        assert page["sentence"] == rule.sentence(option)
        expected = [(p.estimate, p.low, p.high, p.status) for p in rule.as_registered(option)]
        for own, other in zip(page["registered"], expected, strict=True):
            assert own[3] == other[3]
            np.testing.assert_allclose(own[:3], other[:3], rtol=0, atol=1e-9)
        for choice, found in zip(rule.choice.values, page["at"], strict=True):
            for comparison, own in zip(rule.comparisons, found, strict=True):
                part = comparison.part(option, choice)
                assert (own["status"], own["bound"]) == (part.status, part.bound), choice
                np.testing.assert_allclose(own["values"], comparison.endpoint(option, choice)[0], atol=1e-9)
                np.testing.assert_allclose(
                    own["numbers"], [part.estimate, part.low, part.high], rtol=0, atol=1e-9
                )
    return pages


@pytest.mark.parametrize("make", [distance_by_lag, breadth_by_layers])
def test_study_1_is_pythons(make, tiny_run, javascript):
    compare(make(tiny_run), javascript)


def ratios(rng, seeds=7):
    change = rng.uniform(0.02, 0.06, seeds)
    curves = np.cumsum(rng.uniform(0, 0.02, (seeds, 12)), axis=1)
    places = 25.0 * np.arange(1, 13)

    def endpoint(_, at):
        return np.log(change / [np.interp(at, [0, *places], [0, *row]) for row in curves]), 0

    numbers = {"m": {"change": change, "places": places, "curves": curves}}
    scale = Scale(
        "Lag", tuple(np.round(rng.uniform(1, 320, 40), 2).cumsum().tolist()), (30.0,), (70.0,), "it"
    )
    comparison = Comparison("log ratio", "above", "ratio", numbers, endpoint)
    return Choices("A", "t", "e", scale, (comparison,), {"m": "m"}, ("m",))


def steps(rng, seeds=6):
    import xarray as xr

    own, other = (
        np.sort(rng.uniform(0, 1, (seeds, 15)), axis=1) + 0.1 * rng.random((seeds, 15)) for _ in "ab"
    )
    end, at = other[:, -1], 25.0 * np.arange(15)

    def endpoint(_, percent):
        runs = (
            xr.Dataset({"curve_miou": (("seed", "curve_step"), c), "curve_step": at}) for c in (own, other)
        )
        times = [endpoints.steps_to(run, percent / 100 * end) for run in runs]
        first, second = (np.clip(np.minimum(time, at[-1]), 1, None) for time in times)
        return np.log(first / second), int(np.isinf(times[0]).sum())

    numbers = {"m": {"steps": at, "own": own, "other": other, "end": end}}
    comparison = Comparison("log steps", "below", "steps", numbers, endpoint)
    scale = Scale("Level", tuple(map(float, range(1, 121))), (80.0, 90.0, 95.0), (90.0,), "%")
    return Choices("B", "t", "e", scale, (comparison,), {"m": "m"}, ("m",))


def margins(rng, seeds=5):
    values = {m: rng.normal(rng.uniform(-0.1, 0.1, 2), 0.02, (seeds, 2)).T for m in ("one", "two")}
    # A difference without spread has an interval of no width.
    values["one"][0] = 0.05
    asked: list[tuple[str, Asks]] = [("random labels", "within"), ("true labels", "beyond")]
    comparisons = tuple(
        Comparison(
            f"{name}: difference",
            asks,
            "values",
            {m: {"values": own[k]} for m, own in values.items()},
            lambda m, _, k=k: (values[m][k], 0),
        )
        for k, (name, asks) in enumerate(asked)
    )
    scale = Scale("Margin", tuple(round(0.005 * k, 3) for k in range(1, 41)), (0.05,), digits=3)
    return Choices("C", "t", "e", scale, comparisons, {"one": "1", "two": "2"}, ("one", "two"))


def layers(rng, seeds=6):
    own, other = rng.uniform(-0.02, 1, (2, seeds, 4)) * [0.1, 0.2, 0.5, 2]

    def effective(rows):
        kept = np.clip(rows, 0, None)
        shares = kept / kept.sum(1, keepdims=True)
        return 1 / (shares**2).sum(1)

    names = ("a", "b", "c", "head")

    def endpoint(_, chosen):
        places = [names.index(name) for name in chosen]
        return effective(own[:, places]) - effective(other[:, places]), 0

    comparison = Comparison("spread", "above", "spread", {"m": {"own": own, "other": other}}, endpoint)
    choice = Sets("Layers", names, (names, names[:3]))
    return Choices("D", "t", "e", choice, (comparison,), {"m": "m"}, ("m",))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [ratios, steps, margins, layers])
def test_pages_come_to_pythons_numbers_and_words(make, seed, javascript):
    rule = make(np.random.default_rng(seed))
    if rule.claim == "B":
        times = [rule.comparisons[0].endpoint("m", value)[1] for value in rule.choice.values]
        assert max(times) > 0, "no run is censored: the case is not tested"
    compare(rule, javascript)


def test_few_seeds_and_undefined_ones_decide_nothing(javascript):
    few = ratios(np.random.default_rng(0), seeds=3)
    assert set(few.statuses("m")) == {"undecided"}
    compare(few, javascript)
    nothing = ratios(np.random.default_rng(0))
    nothing.comparisons[0].numbers["m"]["change"][0] = (
        0  # a network that does not move: its logarithm has no end
    )
    with np.errstate(divide="ignore"):
        pages = compare(nothing, javascript)
    assert pages[0]["sentence"].startswith("Undecided over the whole range")


def test_runs_that_decide_nothing_say_so_in_the_page(javascript):
    rule = Choices(**{**vars(steps(np.random.default_rng(0))), "withheld": "Two rates."})
    pages = compare(rule, javascript)
    assert {own["status"] for found in pages[0]["at"] for own in found} == {"undecided"}
    assert pages[0]["sentence"].startswith("Two rates. By its intervals alone")


def test_the_widget_refuses_what_has_no_numbers():
    rule = margins(np.random.default_rng(0))
    lacking = Choices(**{**vars(rule), "options": {"one": "1", "three": "3"}})
    with pytest.raises(ValueError, match="no numbers of three"):
        Rule(lacking)
    with pytest.raises(ValueError, match="nothing to choose in C"):
        Rule(Choices(**{**vars(rule), "comparisons": ()}))


@pytest.mark.parametrize("make", [steps, margins, layers])
def test_the_static_twin_says_the_same(make):
    rule = make(np.random.default_rng(0))
    plate = rule_curve(rule, "rule-x")
    assert all(rule.sentence(option) in plate.caption and rule.sentence(option) in plate.alt
               for option in rule.registered)  # fmt: skip
    axes = plate.figure.axes[0]
    if make is layers:
        rings = [line for line in axes.lines if line.get_markersize() > 10]
        assert len(rings) == len(rule.choice.registered)
    else:
        lines = [(line.get_marker(), *map(np.asarray, line.get_data())) for line in axes.lines]
        expected = [own for own in (rule.choice.former, rule.choice.registered) if own]
        assert [tuple(x) for marker, x, _ in lines if marker == "^"] == expected
        mean = next(y for _, x, y in lines if len(x) == len(rule.choice.values))
        assert mean[3] == rule.parts(rule.registered[0], rule.choice.values[3])[0].estimate
    plt.close(plate.figure)
