"""The figures of the supervised control: what is drawn is what was measured, and it can be read."""

import json

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.patches import Rectangle

from reprise.engine.statistics import interval_over_seeds
from reprise.studies.control import endpoints, figures_slopes
from reprise.studies.control import figures as figures
from reprise.studies.control.nulls import MATCHED
from reprise.studies.maml.states import LAYERS, MEASURES

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def simulated(seed=0, units=3):
    rng = np.random.default_rng(seed)

    def similarity(*more):
        return 1 - rng.uniform(0, 0.6, (units, len(MEASURES), len(LAYERS), *more))

    dims = ("seed", "measure", "layer")
    return xr.Dataset(
        {
            "start_similarity": ((*dims, "step"), similarity(4)),
            "fresh_similarity": ((*dims, "step"), similarity(4)),
            "half_similarity": (("half", *dims), np.stack([similarity(), similarity()])),
            "null_similarity": ((*dims, "null", "draw"), similarity(2, 3)),
            "alone_similarity": ((*dims, "moved"), similarity(5)),
        },
        coords={
            "measure": list(MEASURES), "layer": list(LAYERS), "moved": list(LAYERS), "step": [0, 5, 10, 15],
            "null": ["equal norm", "own norm"], "probe_images": 40, "draws": 3,
        },
        attrs={"config": json.dumps({"dataset": "simulated"})},
    )  # fmt: skip


@pytest.fixture
def runs():
    return {"mnist-test": simulated(0), "glyphs": simulated(1)}


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_over_training_draws_every_measure_and_layer(runs):
    run = runs["glyphs"]
    plate = figures.over_training(run, "glyphs")
    panels = plate.figure.axes
    assert len(panels) == len(MEASURES)
    for axes, measure in zip(panels, MEASURES, strict=True):
        for line, layer in zip(axes.lines, LAYERS, strict=True):
            expected = 1 - run["start_similarity"].sel(measure=measure, layer=layer).mean("seed")
            np.testing.assert_allclose(np.asarray(line.get_ydata(), float), expected)
            assert line.get_color() == figures.COLOURS[layer]
        assert len(axes.collections) == len(LAYERS)
    assert sorted(texts(panels[2])) == sorted(texts(panels[5])) == sorted(LAYERS)
    assert plate.name == "control-glyphs" and "40 test images of glyphs" in plate.caption
    assert "3 seeds; bands: 95 % t interval over seeds" in plate.caption
    value = 1 - float(run["start_similarity"].sel(measure="rsa-correlation", layer="block2")[:, -1].mean())
    assert f"block2 {value:.3f}" in plate.alt


def test_against_nulls_shows_training_two_perturbations_and_a_fresh_network(runs):
    plate = figures.against_nulls(runs, "cka-rbf")
    assert [axes.get_title(loc="left") for axes in plate.figure.axes] == list(runs)
    for axes, run in zip(plate.figure.axes, runs.values(), strict=True):
        assert axes.get_yscale() == "log"
        bars = axes.containers
        assert len(bars) == 4
        expected = [
            endpoints.final_change(run, "cka-rbf"),
            endpoints.null_change(run, "cka-rbf", "equal norm").mean("draw"),
            endpoints.null_change(run, "cka-rbf", "own norm").mean("draw"),
            1 - run["fresh_similarity"].sel(measure="cka-rbf").isel(step=0),
        ]
        for bar, values in zip(bars, expected, strict=True):
            mean, low, high = interval_over_seeds(values.transpose("seed", "layer").values)
            np.testing.assert_allclose(bar[0].get_ydata(), mean)
            assert axes.get_ylim()[0] < mean.min() and mean.max() < axes.get_ylim()[1]
            for segment, a, b in zip(bar[2][0].get_segments(), low, high, strict=True):
                np.testing.assert_allclose(segment[:, 1], [a, b])
    (legend,) = plate.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [bar.get_label() for bar in bars]
    trained = float(endpoints.final_change(runs["glyphs"], "cka-rbf").sel(layer="logits").mean())
    assert f"logits {trained:.3f} (" in plate.alt and "3 draws" in plate.caption


def test_alone_writes_every_number_of_its_matrix_legibly(runs):
    plate = figures.alone(runs)
    panels = plate.figure.axes[: len(runs)]
    for axes, run in zip(panels, runs.values(), strict=True):
        table = figures.alone_table(run, "rsa-correlation")
        for i, moved in enumerate(LAYERS):
            for j, layer in enumerate(LAYERS):
                similarity = run["alone_similarity"].sel(measure="rsa-correlation", moved=moved, layer=layer)
                assert table[i, j] == pytest.approx(1 - float(similarity.mean()))
        np.testing.assert_allclose(table[-1], endpoints.final_change(run).mean("seed"))
        assert texts(axes) == [f"{value:.3f}" for value in table.ravel()]
        assert axes.images[0].get_clim() == (0, 1)
    for axes, run in zip(plate.figure.axes[len(runs) : 2 * len(runs)], runs.values(), strict=True):
        table = figures.alone_table(run, "rsa-correlation")
        heights = np.array([bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle)])
        own = table.diagonal()
        np.testing.assert_allclose(heights[:5], own)
        np.testing.assert_allclose(heights[5:], np.where(table[-1] > own, table[-1] - own, 0))
    assert [label.get_text() for label in panels[0].get_yticklabels()] == [*LAYERS, "all"]
    assert plate.name == "control-alone" and "mnist-test: block1 " in plate.alt


def matching(seed, units=3, unmatched=False):
    """Units with perturbations that change as much as training, of which one may have found none."""
    rng = np.random.default_rng(seed)
    changes = rng.uniform(0.01, 0.9, (units, 2, 3, 5))
    if unmatched:
        changes[1, :, 2] = np.nan
    run = simulated(seed, units)
    run["matched_similarity"] = (("seed", "matched_measure", "draw", "layer"), 1 - changes)
    return run.assign_coords(matched_measure=list(MATCHED))


def test_slopes_are_drawn_for_every_task_beside_moves_that_change_as_much():
    tasks = {"digits": matching(1), "characters": matching(2), "gratings": matching(3, unmatched=True)}
    maml = xr.Dataset(
        {
            "inner_similarity": (
                ("seed", "measure", "layer", "checkpoint", "inner_step"),
                1 - np.random.default_rng(4).uniform(0.01, 0.9, (5, len(MEASURES), 5, 2, 1)),
            )
        },
        coords={"measure": list(MEASURES), "layer": list(LAYERS), "inner_step": [1], "inner_steps": 1},
    )
    plate = figures_slopes.slopes(tasks, maml)
    for axes, measure in zip(plate.figure.axes, MATCHED, strict=True):
        drawn = {(h.get_label(), round(h[0].get_xdata()[0])): h[0].get_ydata()[0] for h in axes.containers}
        for i, run in enumerate(tasks.values()):
            trained, moved = endpoints.control_slope(run, measure), endpoints.matched_slope(run, measure)
            assert drawn["training", i] == pytest.approx(float(trained.mean()))
            assert drawn["random moves that change as much", i] == pytest.approx(
                float(moved.mean(skipna=False)), nan_ok=True
            )
        adapted = float(endpoints.adaptation_slope(maml, measure).mean())
        assert drawn["adaptation in MAML", 1] == pytest.approx(adapted) and len(drawn) == 7
        assert f"adaptation in MAML {adapted:.2f}" in plate.alt
    (legend,) = plate.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(figures_slopes.LEGEND)
    assert "On gratings, some seeds have no random move that changes as much." in plate.caption
    assert plate.name == "control-slopes" and "3 to 5 seeds" in plate.caption
    alone = figures_slopes.slopes({"digits": tasks["digits"]})
    assert "no random move" not in alone.caption and "adaptation" not in alone.alt


@pytest.mark.parametrize("units", [1, 3])
def test_one_data_set_and_one_seed_are_enough(units):
    runs = {"glyphs": simulated(units=units)}
    for plate in (
        figures.against_nulls(runs), figures.alone(runs), figures.over_training(runs["glyphs"], "glyphs"),
    ):  # fmt: skip
        plate.figure.canvas.draw()
        assert ("two seeds" in plate.caption) == (units == 1 and plate.name != "control-alone")


def test_a_further_measure_has_its_panel_and_its_sign(runs, further, holding):
    held = {name: holding(run) for name, run in runs.items()}
    plate = figures.over_training(held["glyphs"], "glyphs")
    drawn = [axes for axes in plate.figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in drawn][6:] == [further.title]
    assert drawn[6].get_ylabel() == "change, 1 − cosine (0 = none)"
    assert drawn[0].get_ylabel() == "change, 1 − ρ (0 = none)" and sorted(texts(drawn[6])) == sorted(LAYERS)
    assert "seven measures" in plate.caption and plate.alt.startswith("Seven panels")
    assert (
        figures.against_nulls(held, further.id).figure.axes[0].get_ylabel().startswith("change, 1 − cosine")
    )
    assert further.title in figures.alone(held, further.id).caption
