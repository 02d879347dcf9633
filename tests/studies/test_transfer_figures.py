"""Figures of study 2 on simulated units: they draw, say what they show, and hold the numbers."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.container import ErrorbarContainer
from matplotlib.text import Text

from reprise.book.display import figure_html
from reprise.engine.grams import fold
from reprise.studies.transfer import authors, endpoints, figures, figures_audit, figures_function
from reprise.studies.transfer.states import COUNTS, MEASURES, REFERENCES, between_seeds

ROOT = Path(__file__).parents[2]
LAYERS = ["pool1", "pool2", "pool3", "pool4", "logits"]


def simulated(seed, units=3, **config):
    """A run with every variable of a unit, of random numbers."""
    rng = np.random.default_rng(seed)
    epochs = np.array([0, 1, 2, 5, 10])
    size = (units, len(REFERENCES), len(MEASURES), len(LAYERS))
    end = np.clip(np.linspace(0.95, 0.4, 5) + rng.normal(0, 0.02, size), 0, 1)
    course = 1 - (1 - end[..., None]) * np.linspace(0, 1, len(epochs))
    features = rng.normal(size=(units, 2, 5, 50, 80))
    settings = {
        "dataset": "cifar10-jpeg", "model": "conv4", "target": "none", "epoch_steps": 0,
        "target_shift": False,
        "start": "pretrained", "moving": "all", "noise": 0, "target_noise": 0, "images": 1024,
        "target_images": 5000,
    } | config  # fmt: skip
    per_layer = ("reference", "measure", "layer")
    return xr.Dataset(
        {
            "similarity": (("seed", *per_layer, "epoch"), course),
            "half_similarity": (("seed", "half", *per_layer), np.stack([end - 0.01, end + 0.01], 1)),
            "count_similarity": (("seed", "stimuli", *per_layer), np.stack([end] * len(COUNTS), 1)),
            "test_accuracy": (("seed", "epoch"), rng.uniform(0.3, 0.6, (units, len(epochs)))),
            "train_accuracy": (("seed", "epoch"), rng.uniform(0.6, 0.9, (units, len(epochs)))),
            "train_loss": (("seed", "epoch"), np.tile(np.linspace(2.3, 0.1, len(epochs)), (units, 1))),
            "test_loss": (("seed", "epoch"), np.tile(np.linspace(2.3, 1.1, len(epochs)), (units, 1))),
            "tested": ("seed", np.full(units, 5000)),
            "common_gram": (
                ("seed", "moment", "layer", "entry"), fold(features @ np.swapaxes(features, -1, -2)),
            ),
            "common_mean": (("seed", "moment", "layer", "stimulus"), features.mean(-1)),
        },
        coords={
            "seed": ("seed", np.arange(1, units + 1)), "reference": list(REFERENCES),
            "measure": list(MEASURES),
            "layer": LAYERS, "epoch": epochs, "stimuli": list(COUNTS), "moment": ["start", "end"],
            "features": ("layer", [80] * 5), "images": settings["images"],
        },
        attrs={"config": json.dumps(settings), "preset": "none"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs():
    return {name: simulated(i) for i, name in enumerate(("64 images", "256 images", "1024 images"))}


def _frozen():
    return {
        f"{domain}, {n} images, {moving}": simulated(n + len(moving))
        for domain in ("true labels", "other domain")
        for n in (100, 5000)
        for moving in ("all", "after-2", "head")
    }


def _plates(runs):
    one = next(iter(runs.values()))
    yield figures.over_epochs(runs)
    yield figures.maps(runs)
    yield figures_function.learning(runs)
    yield figures.by_layer(runs)
    yield figures.by_layer(runs, "pretrained", "rsa-correlation", "transfer-targets")
    yield figures.pretrained_or_initial(runs)
    yield figures.excess(runs, dict(zip(runs, reversed(runs.values()), strict=True)))
    yield figures_audit.levels(one)
    yield figures_audit.stimuli(one)
    yield figures_function.freezing(_frozen())
    yield figures_function.gain_against_change(runs, "pool4")
    yield figures_audit.audit(runs, "start", next(iter(runs)), "transfer-audit")
    yield figures_audit.beside_authors(authors.beside(authors.read_table(ROOT), runs))


@pytest.mark.parametrize("units", [1, 3])
def test_every_figure_draws_with_name_caption_and_words(units):
    names = set()
    for plate in _plates({name: simulated(i, units) for i, name in enumerate(("a", "b", "c"))}):
        page = figure_html(
            plate.figure, caption=plate.caption, alt=plate.alt, name=plate.name, provenance="simulated"
        )
        assert f'id="{plate.name}"' in page and "nan" not in plate.alt
        assert plate.name not in names
        names.add(plate.name)
        plt.close(plate.figure)
    assert len(names) == 13


def test_curves_show_the_means(runs):
    plate = figures.over_epochs(runs)
    axes = plate.figure.axes[1]
    assert axes.get_title(loc="left") == "256 images"
    lines = [np.asarray(line.get_ydata()) for line in axes.get_lines()]
    values = runs["256 images"]["similarity"].sel(measure="cka-linear").mean("seed")
    for i, layer in enumerate(LAYERS):  # the curves, then the marks of their nulls
        expected = values.sel(reference="start", layer=layer).values
        np.testing.assert_allclose(lines[i], expected)
        null = float(values.sel(reference="fresh", layer=layer)[-1])
        np.testing.assert_allclose(lines[len(LAYERS) + i], [null])
    plt.close(plate.figure)


def test_a_line_has_the_null_of_a_fresh_network_trained_on_the_same_labels(runs):
    name, other, *_ = runs
    plate = figures.by_layer(runs, "pretrained", trained={name: runs[other], "another": runs[other]})
    expected = endpoints.similarity(runs[other], "pretrained").mean("seed")
    (axes,) = plate.figure.axes
    colour = axes.lines[0].get_color()
    dotted = [line for line in axes.lines if line.get_color() == colour][1:]
    assert len(dotted) == 1
    np.testing.assert_allclose(np.asarray(dotted[0].get_ydata()), expected)
    assert "trained on the same labels" in plate.caption
    assert "same labels" not in figures.by_layer(runs, "pretrained").caption


def marks_between_seeds(plate) -> list[ErrorbarContainer]:
    found = plate.figure.axes[0].containers
    return [c for c in found if isinstance(c, ErrorbarContainer) and "two seeds" in str(c.get_label())]


def test_levels_hold_what_seeds_share(runs):
    run = runs["64 images"]
    plate = figures_audit.levels(run)
    (marks,) = marks_between_seeds(plate)
    expected = between_seeds(run, "cka-linear-debiased").mean("seed")
    np.testing.assert_allclose(np.asarray(marks.lines[0].get_ydata(), float), expected)
    assert np.abs(expected).max() < 0.2  # independent noise: nothing in common
    assert marks_between_seeds(figures_audit.levels(run.isel(seed=[0]))) == []
    plt.close("all")


def test_the_audit_pairs_seeds(runs):
    plate = figures_audit.audit(runs, "start", "64 images", "transfer-audit")
    a, b = (
        endpoints.similarity(runs[name]).sel(layer="pool1").mean() for name in ("256 images", "64 images")
    )
    assert f"256 images, pool1: {float(a - b):+.3f}".replace("-", "−") in plate.alt
    plt.close(plate.figure)
    with pytest.raises(ValueError, match="no condition 'x'; there are: 64 images"):
        figures_audit.audit(runs, "start", "x", "transfer-audit")


def test_rows_that_were_not_run_are_named(runs):
    rows = authors.beside(authors.read_table(ROOT), {"only": runs["1024 images"]})
    plate = figures_audit.beside_authors(rows)
    texts = [text.get_text() for text in plate.figure.axes[0].texts]
    assert texts.count("not run") == 6
    assert "30 rows were not run" in plate.alt
    plt.close(plate.figure)


def test_learning_draws_training_beside_test(runs):
    plate = figures_function.learning(runs)
    drawn = [np.asarray(axes.get_lines()[1].get_ydata()) for axes in plate.figure.axes]
    one = runs["256 images"]
    for line, name in zip(drawn, ("train_loss", "test_loss", "train_accuracy", "test_accuracy"), strict=True):
        np.testing.assert_allclose(line, one[name].mean("seed").values)
    plt.close(plate.figure)


def test_a_further_measure_is_drawn_where_units_hold_it(runs, further, holding):
    held = {name: holding(run) for name, run in runs.items()}
    first = next(iter(held.values()))
    plates = [
        figures.over_epochs(held, measure=further.id),
        figures.maps(held, measure=further.id),
        figures.by_layer(held, measure=further.id),
        figures.pretrained_or_initial(held, further.id),
        figures_audit.levels(first, measure=further.id),
        figures_audit.stimuli(first, measures=("cka-linear", further.id)),
        figures_function.gain_against_change(held, "pool4", further.id),
        figures_audit.audit(held, "start", next(iter(held)), "transfer-audit", further.id),
    ]
    for plate in plates:
        labels = [text.get_text() for text in plate.figure.findobj(Text) if isinstance(text, Text)]
        assert further.title in " ".join([*labels, plate.caption]), plate.name
    plt.close("all")


def test_excess_is_the_similarity_that_a_fresh_network_does_not_have(runs):
    name, *_, other = runs
    plate = figures.excess({name: runs[name], "no fresh one": runs[other]}, {name: runs[other]})
    axes = plate.figure.axes[0]
    linear, debiased = (
        np.asarray(c.lines[0].get_ydata()) for c in axes.containers if isinstance(c, ErrorbarContainer)
    )
    for drawn, kind in ((linear, "cka-linear"), (debiased, endpoints.DEBIASED)):
        ours, theirs = (endpoints.similarity(runs[n], "pretrained", kind).values for n in (name, other))
        np.testing.assert_allclose(drawn, (ours - theirs).mean(0), atol=1e-9)
    assert [one.get_title(loc="left") for one in plate.figure.axes if one.get_visible()] == [name]
    assert "no fresh one" not in plate.alt and "±0.05" in plate.caption
