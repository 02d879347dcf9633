"""Specification curves: rows, figure, widget."""

import json

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection

from reprise.claims import judge
from reprise.claims.specification import specifications, tally
from reprise.places import UserError
from reprise.plots.specification import specification_curve
from reprise.widgets import Specification

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def rows(tiny_run):
    runs = {
        "both": ({"similarity": tiny_run}, "reprise run maml --seeds 0..1"),
        "one": ({"similarity": tiny_run.isel(seed=[0])}, "reprise run maml"),
    }
    return specifications(["M1a", "M3a"], runs, ["rsa-correlation", "cka-linear"])


def test_rows_are_verdicts(rows, tiny_run):
    assert len(rows) == 8
    for row in rows[:2]:
        verdict = judge("M1a", {"similarity": tiny_run}, row["measure"])
        part = verdict.decisive
        assert part is not None
        assert (row["status"], row["estimate"], row["n"]) == (verdict.status, part.estimate, 2)
        assert row["low"] == part.low and row["effect"] == part.name
    assert [row["primary"] for row in rows[:4]] == [True, False, False, False]
    assert rows[2]["low"] is None and rows[2]["n"] == 1
    assert tally(rows[:4]) == "4 undecided"
    json.dumps(rows, allow_nan=False)


def test_what_cannot_be_judged_is_refused(tiny_run):
    runs = {"all": ({"similarity": tiny_run}, "c")}
    with pytest.raises(UserError, match="unknown claim"):
        specifications(["X9"], runs, ["cka-linear"])
    with pytest.raises(ValueError, match="no condition 'some'"):
        specifications(["M1a"], runs, ["cka-linear"], primary="some")


def test_the_figure_draws_every_row(rows):
    plate = specification_curve(rows, "maml-measures")
    assert [axes.get_title(loc="left").split(" ·")[0] for axes in plate.figure.axes] == ["M1a", "M3a"]
    marks = [line for line in plate.figure.axes[0].lines if len(np.atleast_1d(line.get_xdata())) == 1]
    assert [float(np.atleast_1d(line.get_xdata())[0]) for line in marks] == [
        row["estimate"] for row in rows[:4]
    ]
    assert all(row["condition"] in plate.alt and row["measure"] in plate.alt for row in rows)
    assert "M1a: 4 undecided" in plate.caption
    bold = [t.get_text() for t in plate.figure.axes[0].get_yticklabels() if t.get_fontweight() == "bold"]
    assert bold == ["rsa-correlation, both"]
    assert "The analysis in bold decides." in plate.caption
    beside = specification_curve([{**row, "primary": False} for row in rows], "maml-measures")
    assert "None of these analyses decides." in beside.caption and "bold" not in beside.caption
    plt.close("all")


def test_many_analyses_stand_side_by_side(rows):
    m1a, m3a = rows[:4], rows[4:]
    many = [
        {
            **row,
            "condition": f"{row['condition']} {k}",
            "primary": row["primary"] and k == 0,
            "estimate": row["estimate"] + k,
        }
        for group in (m1a, m3a)
        for row in group
        for k in range(7)
    ]
    many[3] |= {"estimate": None, "low": None, "high": None, "status": "not run"}
    plate = specification_curve(many, "maml-measures")
    assert len(plate.figure.axes) == 4
    effects, grid = plate.figure.axes[:2]
    own = sorted((row for row in many[:28]), key=lambda row: (row["estimate"] is None, row["estimate"] or 0))
    marks = [
        line for line in effects.lines if str(line.get_marker()) in "osDx" and line.get_markersize() < 10
    ]
    drawn = {
        int(x): float(y) for line in marks for x, y in zip(*map(np.asarray, line.get_data()), strict=True)
    }
    assert drawn == {k: row["estimate"] for k, row in enumerate(own) if row["estimate"] is not None}
    (bars,) = effects.collections
    assert isinstance(bars, LineCollection)
    spans = {int(low[0]): (low[1], high[1]) for low, high in map(np.asarray, bars.get_segments())}
    assert spans == {k: (row["low"], row["high"]) for k, row in enumerate(own) if row["low"] is not None}
    rings = [line for line in effects.lines if line.get_markersize() > 10]
    (primary,) = [k for k, row in enumerate(own) if row["primary"]]
    assert [int(np.atleast_1d(line.get_xdata())[0]) for line in rings] == [primary]
    names = [text.get_text() for text in grid.get_yticklabels()]
    (dots,) = [line for line in grid.lines if line.get_marker() == "o"]
    chosen = {(int(x), names[int(y)]) for x, y in zip(*map(np.asarray, dots.get_data()), strict=True)}
    assert chosen == {(k, row[key]) for k, row in enumerate(own) for key in ("measure", "condition")}
    assert "M1a: 28 analyses" in plate.alt and len(plate.alt) < 600
    assert "1 not run" in plate.alt and "M3a: 28 undecided" in plate.caption
    plt.close(plate.figure)


def test_a_row_without_a_number_is_said(rows):
    empty = {**rows[0], "estimate": None, "low": None, "high": None, "status": "not run"}
    plate = specification_curve([empty])
    assert "no number" in plate.alt
    assert any(text.get_text() == "no number" for text in plate.figure.axes[0].texts)
    plt.close(plate.figure)
    with pytest.raises(ValueError, match="no analyses"):
        specification_curve([])


def test_the_widget_takes_only_whole_rows(rows):
    widget = Specification([{**rows[0], "estimate": float("nan")}], twin="maml-measures")
    assert widget.about["rows"][0]["estimate"] is None and widget.about["twin"] == "maml-measures"
    with pytest.raises(ValueError, match="lacks command"):
        Specification([{key: value for key, value in rows[0].items() if key != "command"}])
    with pytest.raises(ValueError, match="status 'fine'"):
        Specification([{**rows[0], "status": "fine"}])
    with pytest.raises(ValueError, match="no analyses"):
        Specification([])


def test_a_further_measure_is_judged_where_units_hold_it(tiny_run, further, holding):
    held = holding(tiny_run)
    rows = specifications(
        ["M1a"], {"all": ({"similarity": held}, "reprise run maml")}, held["measure"].values.tolist()
    )
    assert rows[-1]["measure"] == further.id and rows[-1]["estimate"] == rows[-2]["estimate"]
    assert any(
        further.id in label.get_text() for label in specification_curve(rows).figure.axes[0].get_yticklabels()
    )
    assert Specification(rows).about["rows"][-1]["measure"] == further.id
