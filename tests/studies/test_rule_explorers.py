"""Rules with their choices open: at the registered choice they are the studies' own endpoints."""

import json

import numpy as np
import pytest

from reprise.book.chapter import Chapter
from reprise.claims import judge
from reprise.claims.scales import Scale
from reprise.places import Places
from reprise.studies.maml import endpoints as maml
from reprise.studies.maml.explorers import breadth_by_layers, distance_by_lag
from reprise.studies.segmentation import endpoints as segmentation
from reprise.studies.segmentation.explorers import speed_by_level
from reprise.studies.transfer import endpoints as transfer
from reprise.studies.transfer.explorers import excess_by_margin

xr = pytest.importorskip("xarray")


def test_lag_and_layers_are_the_endpoints_of_m3(tiny_run):
    lag, layers = distance_by_lag(tiny_run), breadth_by_layers(tiny_run)
    for name in tiny_run["measure"].values.tolist():
        (at,) = lag.choice.registered
        own, _ = lag.comparisons[0].endpoint(name, at)
        np.testing.assert_allclose(own, maml.further(tiny_run, name).values, rtol=2e-4)
        own, _ = layers.comparisons[0].endpoint(name, layers.choice.registered[0])
        np.testing.assert_allclose(own, maml.broader(tiny_run, name).values, atol=1e-4)
    assert layers.choice.registered == (tuple(tiny_run["layer"].values), tuple(maml.blocks(tiny_run)))


def test_the_ratio_is_one_where_the_break_even_is(tiny_run):
    rule = distance_by_lag(tiny_run)
    spacing = int(tiny_run["checkpoint"][-1]) // 60
    even = maml.break_even(tiny_run).values * spacing
    for seed in np.flatnonzero(np.isfinite(even)):
        own, _ = rule.comparisons[0].endpoint(maml.PRIMARY, float(even[seed]))
        assert own[seed] == pytest.approx(0, abs=1e-4)


def curves(rows, **more):
    """Units of study 3 with given learning curves."""
    rows = np.asarray(rows, float)
    config = json.dumps({"source": "shapes-source", "dataset": "shapes", **more})
    steps = 25.0 * np.arange(rows.shape[1])
    return xr.Dataset(
        {"curve_miou": (("seed", "curve_step"), rows)},
        {"seed": np.arange(len(rows)), "curve_step": steps},
        attrs={"config": config},
    )


@pytest.fixture
def crossing():
    """Early the first run is ahead, late the second: the sign depends on the level."""
    rng = np.random.default_rng(0)
    share = np.linspace(0, 1, 17)
    end = 0.6 + 0.02 * rng.standard_normal((10, 1))
    return curves(end * share**0.5 * (1 - 0.25 * share**3)), curves(end * share)


def test_at_its_old_level_speed_is_the_endpoint_of_version_1(crossing):
    rule = speed_by_level(*crossing)
    own, censored = rule.comparisons[0].endpoint("miou", 90.0)
    first, second, never = segmentation.times_to_level(*crossing)
    np.testing.assert_allclose(own, np.log(first / second), rtol=1e-12)
    assert censored == never == 10
    assert isinstance(rule.choice, Scale)
    assert rule.choice.former == (100 * segmentation.LEVEL,)
    assert rule.choice.registered == tuple(round(100 * level, 6) for level in segmentation.LEVELS)


def test_the_verdict_on_speed_turns_with_the_level_where_curves_cross(crossing):
    rule = speed_by_level(*crossing)
    assert rule.status("miou", 50.0) == "supported" and rule.status("miou", 99.0) != "supported"
    faster = speed_by_level(curves(np.full((10, 17), 0.7)), crossing[1])
    assert set(faster.statuses("miou")) == {"supported"}
    same = speed_by_level(crossing[1], crossing[1])
    assert "supported" not in same.statuses("miou")


def test_runs_at_two_rates_decide_nothing(crossing):
    first, second = (run.assign(rate=("seed", np.full(10, 0.001))) for run in crossing)
    assert speed_by_level(first, second).withheld == ""
    fast = speed_by_level(first.assign(rate=("seed", np.full(10, 0.003))), second)
    assert "different rates, at 0.003 and 0.001" in fast.withheld
    assert set(fast.statuses("miou")) == {"undecided"}


@pytest.mark.slow
def test_excess_is_the_endpoint_of_t3b():
    places = Places.from_environment()
    chapter = Chapter.load("transfer", places, "laptop", "never")
    tuned, fresh = (chapter.family(name, "never") for name in ("targets", "fresh"))
    # Of one pair alone the common loss is the pair's own.
    words = "random labels"
    alone = excess_by_margin({words: tuned[words]}, {words: fresh[words]})
    own, other = transfer.at_equal_loss(tuned[words], fresh[words], "pretrained", transfer.DEBIASED)
    found, _ = alone.comparisons[0].endpoint(transfer.DEBIASED, 0.1)
    np.testing.assert_allclose(found, own - other, atol=1e-6)
    rule = excess_by_margin(tuned, fresh)
    assert [comparison.asks for comparison in rule.comparisons] == ["within", "beyond"]
    assert rule.registered == (transfer.PRIMARY, transfer.DEBIASED)


def test_the_registered_lag_is_what_the_claim_is_judged_by(tiny_run):
    (own,) = distance_by_lag(tiny_run).as_registered(maml.PRIMARY)
    judged = judge("M3a", {"similarity": tiny_run}).parts[0]
    assert own.status == judged.status and own.n == judged.n
    assert own.estimate == pytest.approx(judged.estimate, rel=1e-3)
