"""The figures of study 1: what is drawn is what was measured, and it can be read."""

import itertools
from typing import Literal

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from reprise.engine.grams import unfold
from reprise.engine.store import Store
from reprise.engine.study import Unit
from reprise.plots import style
from reprise.similarity.embedding import mds, mds_of_scaled_rows
from reprise.studies.maml import endpoints
from reprise.studies.maml import figures as figures
from reprise.studies.maml.figures_states import dissimilarity, second_order
from reprise.studies.maml.states import LAYERS, MATRIX_SIXTIETHS

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

OF_RUNS = [figures.levels, figures.base_analysis, figures.neighbour_analysis, figures.accuracy]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def units(tiny_run, tiny_config, tiny_places):
    """The two units of the tiny run as stored; the first keeps Grams."""
    store = Store(tiny_places.published, tiny_places.local)
    return [store.load(Unit(tiny_config, seed)) for seed in (0, 1)]


def points(line):
    """Positions and heights of one line."""
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def curves(axes):
    """Heights of the lines of one panel, without levels (which are of two points)."""
    return [y for x, y in map(points, axes.lines) if len(x) > 2]


def level_heights(axes):
    return [float(y[0]) for x, y in map(points, axes.lines) if len(x) == 2]


def bands(axes):
    """Outlines of bands and bars that have a height."""
    outlines = [path.vertices for collection in axes.collections for path in collection.get_paths()]
    return [outline for outline in outlines if np.ptp(outline[:, 1]) > 0]


@pytest.mark.parametrize("draw", OF_RUNS)
def test_every_figure_says_what_it_shows_and_over_how_many_seeds(draw, tiny_run):
    plate = draw(tiny_run)
    assert plate.name.startswith("maml-") and plate.name == plate.name.lower()
    assert "2 seeds" in plate.caption and "95 % t interval" in plate.caption
    assert len(plate.alt) > 60 and plate.alt != plate.caption
    for axes in plate.figure.axes:
        assert axes.get_xlabel() or axes.get_xticklabels()
    assert plate.figure.axes[0].get_ylabel()


@pytest.mark.parametrize("draw", OF_RUNS)
def test_one_seed_has_lines_but_no_band(draw, tiny_run):
    two, one = draw(tiny_run), draw(tiny_run.isel(seed=[0]))
    assert "1 seed" in one.caption and "interval" not in one.caption and "two seeds" in one.caption
    for panel, other in zip(one.figure.axes, two.figure.axes, strict=True):
        assert len(curves(panel)) == len(curves(other))
        assert all(np.isfinite(y).all() for y in curves(panel))
        assert not bands(panel)
    # Single tasks are of one seed however many there are.
    of_seeds = [panel for panel in two.figure.axes if not panel.get_title(loc="left").startswith("single")]
    assert of_seeds and all(bands(panel) for panel in of_seeds)
    one.figure.canvas.draw()


def test_names_of_figures_differ(tiny_run, units):
    plates = [draw(tiny_run) for draw in OF_RUNS] + [second_order(units[0])]
    assert len({plate.name for plate in plates}) == 5


def test_levels_are_the_endpoints(tiny_run):
    plate = figures.levels(tiny_run)
    (axes,) = plate.figure.axes
    drawn = {bars.get_label(): bars[0].get_ydata() for bars in axes.containers}
    _, outer = endpoints.layer_changes(tiny_run)
    last = {name: tiny_run[name].sel(measure=endpoints.PRIMARY).isel(checkpoint=-1) for name in
            ("start_similarity", "fresh_similarity")}  # fmt: skip
    expected = {
        "adapting to one task, 1 inner step": endpoints.inner_change(tiny_run).isel(checkpoint=-1),
        "adapting to one task, 2 inner steps": endpoints.inner_change(tiny_run, inner_step=2).isel(
            checkpoint=-1
        ),
        "1/60 of meta-training": outer,
        "all of meta-training": 1 - last["start_similarity"],
        "null: a fresh network": 1 - last["fresh_similarity"],
    }
    assert list(drawn) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(drawn[name], values.mean("seed").sel(layer=list(LAYERS)).values, rtol=1e-6)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(LAYERS)
    value = float(expected["adapting to one task, 1 inner step"].mean("seed").sel(layer="block2"))
    assert f"block2: adaptation changes it by {value:.2f}" in plate.alt


def test_bars_of_levels_are_t_intervals(tiny_run):
    (axes,) = figures.levels(tiny_run).figure.axes
    values = endpoints.inner_change(tiny_run).isel(checkpoint=-1).sel(layer="logits").values
    low, high = axes.containers[0][2][0].get_segments()[-1][:, 1]
    half = 12.7062047362 * values.std(ddof=1) / np.sqrt(2)  # t(0.975, 1)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-6)


def test_base_analysis_draws_every_layer_after_the_trained_and_the_last_step(tiny_run):
    plate = figures.base_analysis(tiny_run)
    assert [axes.get_title(loc="left") for axes in plate.figure.axes] == [
        "after 1 inner step, as trained", "after 2 inner steps",
    ]  # fmt: skip
    for axes, step in zip(plate.figure.axes, (1, 2), strict=True):
        changes = endpoints.inner_change(tiny_run, inner_step=step).mean("seed")
        for line, layer in zip(axes.lines, LAYERS, strict=True):
            x, y = points(line)
            np.testing.assert_array_equal(x, tiny_run["checkpoint"])
            np.testing.assert_allclose(y, changes.sel(layer=layer).values, rtol=1e-6)
            assert line.get_color() == figures.COLOURS[layer]
    end = endpoints.inner_change(tiny_run).mean("seed").isel(checkpoint=-1)
    assert f"logits {float(end.sel(layer='logits')):.2f}" in plate.alt


def test_neighbours_and_lags_are_those_of_the_run(tiny_run):
    left, right = figures.neighbour_analysis(tiny_run).figure.axes
    neighbours = 1 - tiny_run["neighbour_similarity"].sel(measure=endpoints.PRIMARY).mean("seed")
    neighbours = neighbours.dropna("checkpoint", how="all")
    for y, layer in zip(curves(left), LAYERS, strict=True):
        np.testing.assert_allclose(y, neighbours.sel(layer=layer).values, atol=1e-6)
    assert len(curves(left)[0]) == 60
    lags = 1 - tiny_run["lag_similarity"].sel(measure=endpoints.PRIMARY, layer=endpoints.blocks(tiny_run))
    (curve,) = curves(right)
    np.testing.assert_allclose(curve, lags.mean(["seed", "layer"]).values, atol=1e-6)
    inner, _ = endpoints.layer_changes(tiny_run)
    (adaptation,) = level_heights(right)
    assert adaptation == pytest.approx(float(inner.sel(layer=endpoints.blocks(tiny_run)).mean()), rel=1e-5)


def test_accuracies_are_those_of_the_run_beside_chance_and_the_untrained_network(tiny_run):
    plate = figures.accuracy(tiny_run)
    axes, _ = plate.figure.axes
    expected = [
        *(
            tiny_run["accuracy"].sel(accuracy_step=step).mean(["analysed", "seed"]).values
            for step in (0, 1, 2)
        ),
        tiny_run["validation_accuracy"].mean("seed").values,
    ]
    for y, values in zip(curves(axes), expected, strict=True):
        np.testing.assert_allclose(y, values, rtol=1e-6)
    untrained = float(tiny_run["evaluation_accuracy"].sel(moment="untrained").mean())
    assert sorted(level_heights(axes)) == pytest.approx(sorted([0.2, untrained]))
    assert f"{expected[1][-1]:.0%}" in plate.alt


def test_accuracy_without_a_validation_split_draws_what_there_is(tiny_run):
    bare = tiny_run.assign(validation_accuracy=tiny_run["validation_accuracy"] * np.nan)
    axes, _ = figures.accuracy(bare).figure.axes
    assert len(curves(axes)) == 3


def test_single_tasks_are_those_of_the_first_seed(tiny_run):
    plate = figures.accuracy(tiny_run.isel(seed=[1, 0]))
    _, axes = plate.figure.axes
    assert axes.get_title(loc="left") == "single tasks, seed 1"
    tasks = tiny_run["accuracy"].isel(seed=1).sel(accuracy_step=1)
    drawn = curves(axes)
    assert len(drawn) == tiny_run.sizes["analysed"] + 1
    for task, y in enumerate(drawn[:-1]):
        np.testing.assert_allclose(y, tasks.isel(analysed=task).values, rtol=1e-6)
    np.testing.assert_allclose(drawn[-1], tasks.mean("analysed").values, rtol=1e-6)
    assert level_heights(axes) == pytest.approx([0.2])
    queries = int(tiny_run["ways"]) * int(tiny_run["analysis_queries"])
    assert "Right: 2 single tasks and the mean of all 2 analysed tasks of one seed" in plate.caption
    assert f"a task has {queries} query images" in plate.caption
    ends = tasks.isel(checkpoint=-1).values
    assert f"Single tasks differ by up to {np.ptp(ends):.0%}" in plate.alt


def test_no_more_single_tasks_are_drawn_than_the_paper_shows(tiny_run):
    many = tiny_run.isel(analysed=[0, 1, 0, 1, 0, 1])
    _, axes = figures.accuracy(many).figure.axes
    assert len(curves(axes)) == 4 + 1
    assert {text.get_text() for text in axes.texts} == {"task 1", "task 2", "task 3", "task 4", "mean"}


@pytest.mark.parametrize("draw", [figures.base_analysis, figures.neighbour_analysis, figures.accuracy])
def test_labels_at_line_ends_do_not_touch_each_other_or_the_next_panel(draw, tiny_run):
    figure = draw(tiny_run).figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    for axes in figure.axes:
        labels = [
            text for text in axes.texts if text.get_anncoords() == "offset points" and text.xy[0] == 1.0
        ]
        assert len(labels) >= 2
        boxes = [label.get_window_extent(renderer) for label in labels]
        for box, other in itertools.combinations(boxes, 2):
            # a line's leading may touch, letters may not
            assert min(box.y1, other.y1) - max(box.y0, other.y0) < 0.15 * box.height
        for neighbour in figure.axes[figure.axes.index(axes) + 1 :]:
            edge = neighbour.yaxis.get_tightbbox(renderer) or neighbour.get_window_extent(renderer)
            assert all(box.x1 <= edge.x0 for box in boxes)


def test_labels_of_many_inner_steps_do_not_reach_the_single_tasks(tiny_run):
    many = tiny_run.assign_coords(accuracy_step=[0, 1, 10])
    figure = figures.accuracy(many).figure
    figure.canvas.draw()
    left, right = figure.axes
    labels = {text.get_text(): text for text in left.texts}
    assert {"unseen, 10 inner steps", "unseen, no adaptation", "validation, 1 inner step"} <= set(labels)
    edge = right.get_window_extent().x0
    assert all(text.get_window_extent().x1 < edge for text in labels.values())


@settings(deadline=None)
@given(
    heights=st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=12),
    gap=st.sampled_from([0.062, 0.03, 0.08]),
)
def test_end_labels_keep_their_distance_and_order(heights, gap):
    figure, axes = plt.subplots()
    axes.set_ylim(0, 1)
    style.end_labels(axes, [(height, str(i), "black") for i, height in enumerate(heights)], gap=gap)
    placed = {int(text.get_text()): text.xy[1] for text in axes.texts}
    plt.close(figure)
    assert sorted(placed) == list(range(len(heights)))
    positions = sorted(placed.values())
    assert positions[-1] <= 1.02 + 1e-9
    assert all(b - a >= gap - 1e-9 for a, b in itertools.pairwise(positions))
    # Lines that end together (to a hundredth of the height) keep the order in which they were given.
    ends = np.round(np.clip(heights, 0, 1), 2)
    for i, j in itertools.permutations(placed, 2):
        if (ends[i], i) < (ends[j], j):
            assert placed[i] < placed[j]


def test_a_label_stands_at_its_line_where_there_is_room():
    _, axes = plt.subplots()
    axes.set_ylim(0, 2)
    style.end_labels(axes, [(0.4, "low", "black"), (1.0, "middle", "black")])
    assert {text.get_text(): text.xy[1] for text in axes.texts} == pytest.approx({"low": 0.2, "middle": 0.5})


def luminance(colour):
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 6, 17])
def test_layers_go_from_light_to_dark_and_the_head_stands_apart(depth):
    body = [f"layer{i}" for i in range(depth)]
    colours = style.layer_colours([*body, "logits"])
    assert list(colours) == [*body, "logits"]
    ramp = [luminance(colours[layer]) for layer in body]
    assert all(a > b for a, b in itertools.pairwise(ramp))
    # the one warm colour: more red than blue, where all of the ramp has more blue than red
    assert to_rgb(colours["logits"])[0] > to_rgb(colours["logits"])[2]
    assert all(to_rgb(colours[layer])[0] < to_rgb(colours[layer])[2] for layer in body)


@pytest.mark.parametrize("layer", ["block1", "logits"])
def test_second_order_matrix_equals_the_unit_and_is_in_order(units, layer):
    unit = units[0]
    states, matrix = dissimilarity(unit, layer, endpoints.PRIMARY)
    per_checkpoint = 1 + 2 * 2  # two tasks × inner steps 1 and 2
    assert matrix.shape == (5 * per_checkpoint,) * 2 == (states.sizes["state"],) * 2
    np.testing.assert_array_equal(matrix, matrix.T)
    assert not np.diag(matrix).any() and (matrix >= 0).all() and matrix.max() > 0
    order = list(
        zip(*(states[f"state_{name}"].values.tolist() for name in ("sixtieth", "task", "step")), strict=True)
    )
    assert order == sorted(order)
    assert [key[0] for key in order[::per_checkpoint]] == list(MATRIX_SIXTIETHS)
    assert order[:per_checkpoint] == [(0, -1, 0), (0, 0, 1), (0, 0, 2), (0, 1, 1), (0, 1, 2)]
    # All tasks of the tiny run are kept, so their mean is what the base analysis says.
    for position, sixtieth in enumerate(MATRIX_SIXTIETHS):
        start = position * per_checkpoint
        for step in (1, 2):
            stored = unit["inner_similarity"].sel(measure=endpoints.PRIMARY, layer=layer, inner_step=step)
            stored = stored.sel(checkpoint=sixtieth * int(unit["checkpoint"][-1]) // 60)
            assert matrix[start, [start + step, start + 2 + step]].mean() == pytest.approx(
                1 - float(stored), abs=2e-3
            )


def test_second_order_figure_has_a_row_a_layer_unless_some_are_named(units):
    plate = second_order(units[0])
    images = [axes.images[0] for axes in plate.figure.axes if axes.images]
    titles = [axes.get_title(loc="left") for axes in plate.figure.axes if axes.images]
    assert titles == list(LAYERS)
    for image, layer in zip(images, LAYERS, strict=False):
        np.testing.assert_array_equal(image.get_array(), dissimilarity(units[0], layer, endpoints.PRIMARY)[1])
    assert all(f"{layer}: dissimilarities up to" in plate.alt for layer in LAYERS)


def test_maps_are_made_from_dissimilarities_or_from_their_rows(units):
    _, matrix = dissimilarity(units[0], "logits", endpoints.PRIMARY)
    start = np.arange(5) * (1 + 2 * 2)  # meta-initialisations: the first state of each checkpoint
    made = {"dissimilarities": mds, "rows": mds_of_scaled_rows}
    drawn = {}
    modes: dict[Literal["dissimilarities", "rows"], str] = {
        "dissimilarities": "the dissimilarities",
        "rows": "the rows of their scaled matrix",
    }
    for mode, words in modes.items():
        plate = second_order(units[0], ["logits"], mode=mode)
        axes = plate.figure.axes[1]
        drawn[mode] = np.column_stack(points(axes.lines[-1]))
        np.testing.assert_allclose(drawn[mode], made[mode](matrix, method="metric").points[start])
        assert f"stress {made[mode](matrix, method='metric').stress:.2f}" in axes.texts[-1].get_text()
        assert f"(metric MDS of {words})" in plate.caption
    assert not np.allclose(drawn["rows"], drawn["dissimilarities"])


def test_second_order_figure_draws_that_matrix_with_fixed_limits(units):
    plate = second_order(units[0], layers=("block4", "logits"))
    images = [axes.images[0] for axes in plate.figure.axes if axes.images]
    for image, layer in zip(images, ("block4", "logits"), strict=False):
        _, matrix = dissimilarity(units[0], layer, endpoints.PRIMARY)
        np.testing.assert_array_equal(image.get_array(), matrix)
        assert image.get_clim() == (0, 1)
        assert f"{layer}: dissimilarities up to {matrix.max():.2f}" in plate.alt
    assert "Seed 0" in plate.caption and "5 checkpoints × 2 tasks × inner steps 0, 1, 2" in plate.caption
    maps = [axes for axes in plate.figure.axes if len(axes.lines) > 20]
    assert len(maps) == 2
    for axes in maps:
        texts = [text.get_text() for text in axes.texts]
        assert texts[:5] == list("01234") and texts[-1].startswith("stress 0.")
    plate.figure.canvas.draw()


def test_a_unit_without_grams_or_layer_is_refused(units):
    with pytest.raises(ValueError, match="keeps no Grams; see the config's explorer_seeds"):
        second_order(units[1])
    with pytest.raises(ValueError, match=f"no layer 'block9'; there are: {', '.join(LAYERS)}"):
        dissimilarity(units[0], "block9", endpoints.PRIMARY)


def test_a_further_measure_is_drawn_where_units_hold_it(tiny_run, further, holding):
    held = holding(tiny_run)
    for draw in (figures.levels, figures.base_analysis, figures.neighbour_analysis):
        plate = draw(held, further.id)
        assert plate.figure.axes[0].get_ylabel() == "change, 1 − cosine (0 = none)"


def test_the_second_order_matrix_takes_a_measure_that_units_do_not_hold(units, further):
    assert further.title in second_order(units[0], ["logits"], further.id).caption
    states, matrix = dissimilarity(units[0], "logits", further.id)
    a, b = (unfold(states["gram"].values[k].astype(float)) for k in (0, 5))
    expected = 1 - np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))
    assert matrix[0, 5] == pytest.approx(expected, abs=1e-9)
