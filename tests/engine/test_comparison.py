"""Two runs side by side."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from reprise.engine.comparison import Row, Summary, compare, largest_difference, summarise, table
from reprise.engine.statistics import interval_over_seeds
from reprise.engine.study import study


@pytest.fixture
def one_endpoint(monkeypatch):
    """A study whose runs are one number a unit."""
    monkeypatch.setattr(type(study("maml")), "endpoints", lambda _, run: run)
    return study("maml")


def run(*values):
    return xr.Dataset({"accuracy": ("seed", np.array(values, float))})


def test_the_interval_of_the_difference_is_welchs(one_endpoint):
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.8, 0.01, 5), rng.normal(0.7, 0.05, 8)
    (row,) = compare(one_endpoint, run(*x), run(*y))
    # Welch (1947), written out
    a, b = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    freedom = (a + b) ** 2 / (a**2 / (len(x) - 1) + b**2 / (len(y) - 1))
    half = stats.t.ppf(0.975, freedom) * math.sqrt(a + b)
    gap = y.mean() - x.mean()
    assert (row.difference.mean, row.difference.low, row.difference.high) == pytest.approx(
        (gap, gap - half, gap + half), rel=1e-10
    )
    assert row.differs and row.difference.mean < 0
    assert (row.first.n, row.second.n, row.difference.n) == (5, 8, 5)


def test_summaries_are_means_with_t_intervals():
    half = 2.776445105 * math.sqrt(2.5 / 5)  # t(0.975, 4), variance 2.5
    summary = summarise([1, 2, 3, 4, 5])
    assert (summary.mean, summary.low, summary.high, summary.n) == pytest.approx((3, 3 - half, 3 + half, 5))
    assert str(summary) == "3.000 [1.037, 4.963] (n = 5)"
    assert str(summarise([0.5])) == "0.500 (n = 1)"
    assert summarise([0.5, 0.5, 0.5]) == Summary(0.5, 0.5, 0.5, 3)


def test_intervals_equal_scipys_column_by_column():
    values = np.random.default_rng(5).normal(size=(6, 2, 3))
    values[:, 1, 0] = 0.1  # all seeds agree: the point itself
    values[2, 0, 1] = np.nan
    values[0, 0, 2] = np.inf
    for level in (0.90, 0.95):
        mean, low, high = interval_over_seeds(values, level)
        for i, j in [(0, 0), (1, 1), (1, 2)]:
            expected = stats.ttest_1samp(values[:, i, j], 0.0).confidence_interval(level)
            assert (low[i, j], high[i, j]) == pytest.approx((expected.low, expected.high), rel=1e-12)
            assert mean[i, j] == pytest.approx(values[:, i, j].mean(), rel=1e-12)
        assert mean[1, 0] == low[1, 0] == high[1, 0] == 0.1
        assert np.isnan([low[0, 1], high[0, 1], low[0, 2], high[0, 2]]).all()
    assert np.isnan(interval_over_seeds(values[:1])[1:]).all()


def test_equal_runs_do_not_differ(one_endpoint):
    (row,) = compare(one_endpoint, run(0.1, 0.2, 0.4), run(0.1, 0.2, 0.4))
    assert row.difference.mean == 0 and not row.differs
    assert row.difference.low == pytest.approx(-row.difference.high) and row.difference.high > 0


@pytest.mark.parametrize(("first", "second"), [((0.1, 0.2), (0.3,)), ((0.5, 0.5), (0.5, 0.5))])
def test_without_spread_there_is_no_interval_and_no_verdict(one_endpoint, first, second):
    (row,) = compare(one_endpoint, run(*first), run(*second))
    assert row.difference.mean == pytest.approx(np.mean(second) - np.mean(first))
    assert math.isnan(row.difference.low) and math.isnan(row.difference.high) and not row.differs
    assert "[" not in table([row], "a", "b").splitlines()[1].split(")")[-1]


def test_the_studys_own_endpoints_are_compared(tiny_run):
    maml = study("maml")
    rows = compare(maml, tiny_run, tiny_run)
    assert [row.endpoint for row in rows] == list(maml.endpoints(tiny_run).data_vars)
    assert all(row.difference.mean == 0 and not row.differs for row in rows)
    accuracy = tiny_run["evaluation_accuracy"].sel(moment="trained").mean("task").values
    assert rows[0].first.mean == pytest.approx(accuracy.mean(), rel=1e-6)


def test_the_table_is_aligned_and_marks_what_differs():
    no_spread = Summary(0.1, 0.1, 0.1, 2)
    single = Summary(0.3, np.nan, np.nan, 1)
    same = Row("accuracy", Summary(0.8, 0.75, 0.85, 5), Summary(0.8, 0.7, 0.9, 5), Summary(0, -0.1, 0.1, 5))
    other = Row("a longer name", no_spread, single, Summary(0.2, 0.1, 0.3, 1))
    lines = table([same, other], "published", "this run").splitlines()
    assert lines[0].split() == ["published", "this", "run", "difference"]
    assert lines[1].startswith("accuracy") and lines[1].endswith("+0.000 [−0.100, +0.100]")
    assert lines[2].endswith("+0.200 [+0.100, +0.300]  ← differs")
    assert "0.300 (n = 1)" in lines[2]
    columns = [line.index("0.8") for line in lines[1:2]] + [
        lines[2].index("0.1"),
        lines[0].index("published"),
    ]
    assert len(set(columns)) == 1
    assert lines[0].index("difference") == lines[1].index("+0.000") == lines[2].index("+0.200")


def test_largest_difference_between_two_measurements(tiny_run):
    unit = tiny_run.isel(seed=0)
    assert largest_difference(unit, unit.copy(deep=True)) == 0
    changed = unit.copy(deep=True)
    changed["lag_similarity"][2, 3, 4] -= 0.125
    changed["accuracy"][0, 0, 0] += 0.0625
    assert largest_difference(unit, changed) == pytest.approx(0.125, rel=1e-5)
    assert largest_difference(changed, unit) == pytest.approx(0.125, rel=1e-5)


def test_a_number_against_none_is_no_small_difference(tiny_run):
    unit = tiny_run.isel(seed=0)
    assert unit["neighbour_similarity"].isnull().any()  # at the first checkpoint, which has no neighbour
    filled = unit.assign(neighbour_similarity=unit["neighbour_similarity"].fillna(1))
    assert largest_difference(unit, filled) == largest_difference(filled, unit) == np.inf
    bare = unit.drop_vars("accuracy")
    assert largest_difference(unit, bare) == largest_difference(bare, unit) == np.inf
