"""The landing page's picture."""

import re

import numpy as np
import pytest
import xarray as xr

from reprise.book.overview import overview
from reprise.book.overview_figure import Kept, kept
from reprise.claims.ledger import open_layer
from reprise.places import Places
from reprise.plots.style import tick_labels


def part(title="Adapting", null=True):
    places = {"layer": ["a", "b", "logits"]}
    values = xr.DataArray([[1.0, 0.8, 0.2], [1.0, 0.9, 0.3]], places, ("seed", "layer"))
    lines, colours = {"one": values, "two": values - 0.1}, {"one": "#0072b2", "two": "#e69f00"}
    level = xr.DataArray([0.9, 0.5, 0.1], places, ("layer",)) if null else None
    return Kept(title, lines, colours, level, "toy, seeds 0..1")


def test_lines_are_means_over_seeds_and_each_is_named():
    plate = kept([part(), part("Tuning", null=False)], ["segmenting"])
    axes = plate.figure.axes
    assert len(axes) == 2
    drawn = [np.asarray(line.get_ydata()) for line in axes[0].lines]
    np.testing.assert_allclose(drawn[0], [1, 0.85, 0.25])
    np.testing.assert_allclose(drawn[1], [0.9, 0.75, 0.15])
    np.testing.assert_allclose(drawn[2], [0.9, 0.5, 0.1])
    assert {text.get_text() for text in axes[0].texts} == {"one", "two", "null: fresh network"}
    assert len(axes[1].lines) == 2
    assert "Not run yet: segmenting" in plate.caption and "toy, seeds 0..1" in plate.caption
    assert "Adapting, one: most similar a (1.00), least logits (0.25)" in plate.alt


def test_a_line_has_a_null_of_its_own_where_a_fresh_network_learned_the_same():
    from dataclasses import replace

    whole = part()
    own = xr.DataArray([0.9, 0.7, 0.1], {"layer": ["a", "b", "logits"]}, ("layer",))
    plate = kept([replace(whole, own={"two": own}), part("Tuning")])
    (axes, other) = plate.figure.axes
    matching = [line for line in axes.lines if line.get_color() == whole.colours["two"]]
    np.testing.assert_allclose(np.asarray(matching[1].get_ydata()), own)
    assert len(axes.lines) == len(other.lines) + 1
    assert "Dotted in a line's colour (Adapting)" in plate.caption
    assert "a fresh network that learned two: b 0.70, beside 0.75" in plate.alt
    assert "line's colour" not in kept([whole]).caption


def test_without_a_study_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="no study"):
        kept([])


def test_what_is_not_published_is_named_and_nothing_is_computed(tmp_path):
    places = Places(tmp_path, tmp_path / "results", tmp_path / "runs")
    assert overview(open_layer(places, "published")) == (None, [])


def test_published_units_are_drawn_with_their_records():
    from pathlib import Path

    root = Path(__file__).parents[2]
    plate, records = overview(open_layer(Places(root, root / "results", root / "_nowhere"), "published"))
    assert plate is not None and plate.name == "kept"
    assert "Dotted in a line's colour (Fine-tuning on new labels)" in plate.caption
    assert "a fresh network that learned true labels: pool4" in plate.alt
    assert records and all(re.fullmatch("[0-9a-f]{16}", record["unit"]) for record in records)


def test_many_layers_share_the_name_that_they_have_in_common():
    few = ["block1", "block2", "logits"]
    assert tick_labels(few) == few
    parts = [f"{part}{i}" for part in ("encoder", "decoder") for i in range(1, 4)]
    assert tick_labels([*parts, "logits"]) == ["1", "2\nencoder", "3", "1", "2\ndecoder", "3", "logits"]
    # Nothing in common: names stay whole.
    assert tick_labels(list("abcdefg")) == list("abcdefg")
