"""The figures of the sinusoid page: what is drawn is what the data set says, and it can be read."""

import itertools

import matplotlib
import numpy as np
import pytest
import xarray as xr

from reprise.studies.sinusoid import figures as figures
from reprise.studies.sinusoid.settings import INITIALISATIONS, LAYERS, MEASURES

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

DRAW = [figures.tasks, figures.learning, figures.adaptation, figures.error, figures.representation]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def result():
    """Made-up numbers in the shape of a run: no network is needed to test a drawing."""
    rng = np.random.default_rng(0)
    steps, tasks, x, shots, iterations = 5, 9, np.linspace(-5, 5, 21), 4, 60
    amplitude, phase = rng.uniform(0.1, 5, tasks), rng.uniform(0, np.pi, tasks)
    support = rng.uniform(-5, 5, (tasks, shots))
    per_layer = (3, len(MEASURES), 3)
    losses = rng.uniform(1, 4, (3, iterations))
    losses[2] = np.nan
    return xr.Dataset(
        {
            "error": (("initialisation", "inner_step", "task"), rng.uniform(0.05, 5, (3, steps + 1, tasks))),
            "prediction": (
                ("initialisation", "inner_step", "task", "x"),
                rng.normal(size=(3, steps + 1, tasks, len(x))),
            ),
            "truth": (("task", "x"), amplitude[:, None] * np.sin(x - phase[:, None])),
            "support_x": (("task", "shot"), support),
            "support_y": (("task", "shot"), amplitude[:, None] * np.sin(support - phase[:, None])),
            "similarity": (
                ("initialisation", "measure", "layer", "inner_step", "task"),
                rng.uniform(0.2, 1, (*per_layer, steps + 1, tasks)),
            ),
            "fresh_similarity": (("initialisation", "measure", "layer"), rng.uniform(0, 1, per_layer)),
            "training_loss": (("initialisation", "meta_iteration"), losses),
        },
        coords={
            "initialisation": list(INITIALISATIONS),
            "measure": list(MEASURES),
            "layer": list(LAYERS),
            "inner_step": np.arange(steps + 1),
            "x": x,
            "amplitude": ("task", amplitude),
            "phase": ("task", phase),
        },
        attrs={"settings": {"inner_steps": 2, "meta_batch": 7}},
    )


def heights(line):
    return np.asarray(line.get_ydata(), float)


@pytest.mark.parametrize("draw", DRAW)
def test_every_figure_has_a_name_words_and_axes_with_labels(draw, result):
    plate = draw(result)
    assert plate.name.startswith("sinusoid-")
    assert len(plate.alt) > 60 and len(plate.caption) > 60 and plate.alt != plate.caption
    for axes in plate.figure.axes:
        assert axes.get_xlabel()
    assert plate.figure.axes[0].get_ylabel()
    plate.figure.canvas.draw()


def test_names_differ(result):
    assert len({draw(result).name for draw in DRAW}) == len(DRAW)


@pytest.mark.parametrize("draw", DRAW)
def test_labels_at_line_ends_do_not_touch_each_other_or_the_next_panel(draw, result):
    figure = draw(result).figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    seen = 0
    for axes in figure.axes:
        labels = [t for t in axes.texts if t.get_anncoords() == "offset points" and t.xy[0] == 1.0]
        seen += len(labels)
        boxes = [label.get_window_extent(renderer) for label in labels]
        for box, other in itertools.combinations(boxes, 2):
            assert min(box.y1, other.y1) - max(box.y0, other.y0) < 0.15 * min(box.height, other.height)
        for neighbour in figure.axes[figure.axes.index(axes) + 1 :]:
            edge = neighbour.get_window_extent(renderer)
            assert all(box.x1 <= edge.x0 for box in boxes)
    assert seen >= 2


def test_tasks_are_drawn_with_their_support_points(result):
    (axes,) = figures.tasks(result, shown=2).figure.axes
    assert len(axes.lines) == 4
    for task in range(2):
        np.testing.assert_array_equal(heights(axes.lines[2 * task]), result["truth"][task])
        np.testing.assert_array_equal(heights(axes.lines[2 * task + 1]), result["support_y"][task])
    assert f"amplitude {float(result['amplitude'][1]):.1f}" in figures.tasks(result, shown=2).alt
    assert "9 new tasks" not in figures.tasks(result, shown=2).caption


def test_learning_draws_losses_and_their_running_median(result):
    plate = figures.learning(result, window=10)
    (axes,) = plate.figure.axes
    for i, name in enumerate(INITIALISATIONS[:2]):
        losses = result["training_loss"].sel(initialisation=name).values
        np.testing.assert_array_equal(heights(axes.lines[2 * i]), losses)
        smooth = [np.median(losses[k : k + 10]) for k in range(51)]
        np.testing.assert_allclose(heights(axes.lines[2 * i + 1]), smooth)
        assert f"{smooth[-1]:.2f}" in plate.alt
    assert "running median over 10" in plate.caption and "the 7 tasks" in plate.caption
    # A run that is shorter than the window is drawn as it is.
    assert "running median over 3" in figures.learning(result.isel(meta_iteration=slice(3))).caption


def test_adaptation_draws_one_task_before_as_trained_and_at_the_end(result):
    plate = figures.adaptation(result, task=4)
    for axes, name in zip(plate.figure.axes, INITIALISATIONS[:2], strict=True):
        assert axes.get_title(loc="left") == name
        one = result.isel(task=4).sel(initialisation=name)
        np.testing.assert_array_equal(heights(axes.lines[0]), one["truth"])
        for line, step in zip(axes.lines[1:4], (0, 2, 5), strict=True):
            np.testing.assert_array_equal(heights(line), one["prediction"].sel(inner_step=step))
            assert line.get_color() == figures.COLOURS[name]
            assert f"{float(one['error'].sel(inner_step=step)):.2f} after {step} inner step" in plate.alt
        np.testing.assert_array_equal(heights(axes.lines[4]), one["support_y"])
        labels = {text.get_text() for text in axes.texts}
        assert labels == {"truth", "before", "step 2", "step 5"}


def test_where_training_took_all_the_steps_no_curve_is_drawn_twice(result):
    plate = figures.adaptation(result.assign_attrs(settings={"inner_steps": 5}))
    assert all(len(axes.lines) == 4 for axes in plate.figure.axes)
    assert "dashed" not in plate.caption


def test_error_draws_medians_middle_halves_and_the_level_of_always_0(result):
    plate = figures.error(result)
    (axes,) = plate.figure.axes
    for i, name in enumerate(INITIALISATIONS):
        values = result["error"].sel(initialisation=name).values
        np.testing.assert_allclose(heights(axes.lines[i]), np.median(values, axis=1))
        outline = np.asarray(axes.collections[i].get_paths()[0].vertices)
        assert outline[:, 1].min() == pytest.approx(np.quantile(values, 0.25, axis=1).min())
        assert outline[:, 1].max() == pytest.approx(np.quantile(values, 0.75, axis=1).max())
    squares = (result["truth"].values ** 2).mean(axis=1)
    assert heights(axes.lines[3])[0] == pytest.approx(np.median(squares))
    assert axes.get_yscale() == "log" and "9 new tasks" in plate.caption


@pytest.mark.parametrize("measure", MEASURES)
def test_representation_draws_changes_and_nulls_of_the_measure(result, measure):
    plate = figures.representation(result, measure)
    sign = "ρ" if measure.startswith("rsa") else "CKA"
    assert plate.figure.axes[0].get_ylabel() == f"change, 1 − {sign} (0 = none)"
    for axes, name in zip(plate.figure.axes, INITIALISATIONS, strict=True):
        for i, layer in enumerate(LAYERS):
            chosen = result.sel(initialisation=name, layer=layer, measure=measure)
            median = np.median(1 - chosen["similarity"].values, axis=1)
            np.testing.assert_allclose(heights(axes.lines[i]), median)
            assert axes.lines[i].get_color() == figures.LAYER_COLOURS[layer]
            assert heights(axes.lines[len(LAYERS) + i])[0] == pytest.approx(
                1 - float(chosen["fresh_similarity"])
            )
            assert f"{layer} {median[-1]:.3f}" in plate.alt


def test_a_measure_that_is_not_there_is_refused(result):
    with pytest.raises(ValueError, match="no measure 'rsa-cosine'; there are: cka-linear, "):
        figures.representation(result, "rsa-cosine")


def test_a_further_measure_is_drawn_where_it_was_taken(result, further, holding):
    plate = figures.representation(holding(result), further.id)
    assert plate.figure.axes[0].get_ylabel() == "change, 1 − cosine (0 = none)"
