"""Figures that compare conditions of study 1: what is drawn is what was measured, and it can be read."""

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.transforms import Bbox

from reprise.engine.runner import run
from reprise.engine.study import study
from reprise.plots import style
from reprise.studies.maml import endpoints, figures
from reprise.studies.maml import figures_function as algorithms
from reprise.studies.maml.families import SWITCHES
from reprise.studies.maml.interventions import KINDS
from reprise.studies.maml.states import LAYERS

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

T = 12.7062047362  # t(0.975, 1): all runs here have two seeds
PARTS = (*LAYERS, "body")
NAMES = ("maml", "fomaml", "anil", "boil")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def varied(dataset, seed, low=0.2, high=0.95):
    """The same run with other numbers in it: a condition for which nothing has to be trained."""
    random = np.random.default_rng(seed)
    names = [name for name, values in dataset.data_vars.items() if values.dtype.kind == "f"]
    return dataset.assign(
        {name: (dataset[name].dims, random.uniform(low, high, dataset[name].shape)) for name in names}
    )


def shifted(dataset, *names):
    """The same run, its accuracies moved off fractions of few queries, which round up as easily as down."""
    return dataset.assign({name: dataset[name] + 0.0023 for name in names})


@pytest.fixture(scope="module")
def similarity_run(tiny_run):
    return shifted(tiny_run, "evaluation_accuracy")


@pytest.fixture(scope="module")
def function_run(tiny_run, tiny_config, tiny_places):
    """Units of function on the weights of the tiny run."""
    config = tiny_config.model_copy(update={"analysis": "function"})
    return shifted(run(study("maml"), config, (0, 1), tiny_places, progress=False), "function_accuracy")


@pytest.fixture(scope="module")
def by_algorithm(similarity_run):
    return {"maml": similarity_run, **{name: varied(similarity_run, i) for i, name in enumerate(NAMES[1:])}}


@pytest.fixture(scope="module")
def function_by_algorithm(function_run):
    return {"maml": function_run, **{name: varied(function_run, i) for i, name in enumerate(NAMES[1:])}}


@pytest.fixture(scope="module")
def swept(similarity_run):
    """A setting that keeps the layers, and one that is the depth."""
    depths = {
        2: varied(similarity_run.sel(layer=["block1", "block2", "logits"]), 6),
        3: varied(similarity_run.sel(layer=["block1", "block2", "block3", "logits"]), 5),
        4: similarity_run,
    }
    ways = {10: varied(similarity_run, 7), 2: varied(similarity_run, 8), 5: similarity_run}
    return {"ways": ways, "blocks": depths}


@pytest.fixture(scope="module")
def switched(similarity_run):
    others = tuple(SWITCHES)
    return {
        "as it is": similarity_run,
        **{name: varied(similarity_run, 20 + i) for i, name in enumerate(others)},
    }


def spans(container):
    """Ends of the bars of one set of marks, (marks, 2)."""
    segments = container[2][0].get_segments()
    axis = 1 if np.ptp([segment[:, 0] for segment in segments], axis=1).max() == 0 else 0
    return np.array([segment[:, axis] for segment in segments])


def interval(values):
    """Mean over two seeds and its 95 % t interval, (…, 2)."""
    half = T * values.std(0, ddof=1) / np.sqrt(2)
    return values.mean(0), np.stack([values.mean(0) - half, values.mean(0) + half], -1)


def legend_of(axes):
    legend = axes.get_legend()
    assert legend is not None
    return legend


def shown_in(image):
    return np.ma.getdata(image.get_array())


def tick_words(axis):
    return [" ".join(label.get_text().split()) for label in axis.get_ticklabels()]


def luminance(colour):
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


def written(figure):
    """Every text that is drawn, as (words, centre, width, height, angle) in pixels."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    found = []
    for axes in figure.axes:
        if not axes.get_visible():
            continue
        texts = [axes.title, axes._left_title, axes._right_title, axes.xaxis.label, axes.yaxis.label]  # type: ignore[attr-defined]
        texts += axes.texts + (axes.get_legend().get_texts() if axes.get_legend() else [])
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        for text in texts:
            if not text.get_visible() or not text.get_text().strip():
                continue
            box, angle = text.get_window_extent(renderer), text.get_rotation()
            text.set_rotation(0)
            level = text.get_window_extent(renderer)
            text.set_rotation(angle)
            middle = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
            found.append((text.get_text(), middle, level.width, level.height, np.radians(angle)))
    return found


def corners(entry):
    """Corners of a text's (turned) rectangle, without the leading, in which letters never stand."""
    _, middle, width, height, angle = entry
    across = np.array([np.cos(angle), np.sin(angle)]) * width / 2
    up = np.array([-np.sin(angle), np.cos(angle)]) * height / 2 * 0.8
    return np.array([middle + a * across + b * up for a, b in itertools.product((-1, 1), repeat=2)])


def touch(a, b):
    """Whether two texts' rectangles overlap: no axis along an edge of either separates them."""
    first, second = corners(a), corners(b)
    for angle in (a[4], a[4] + np.pi / 2, b[4], b[4] + np.pi / 2):
        way = np.array([np.cos(angle), np.sin(angle)])
        p, q = first @ way, second @ way
        if p.max() <= q.min() or q.max() <= p.min():
            return False
    return True


def draw(name, request):
    """One of the five figures."""
    given = {
        "accuracy_and_change": (algorithms.accuracy_and_change, "by_algorithm"),
        "function": (algorithms.function, "function_by_algorithm"),
        "nulls": (figures.nulls, "function_run"),
        "sweeps": (algorithms.sweeps, "swept"),
        "switches": (algorithms.switches, "switched"),
    }
    make, fixture = given[name]
    return make, request.getfixturevalue(fixture)


def each_run(given, change):
    """The same mapping of runs (or of mappings of runs, or one run) with every run changed."""
    if hasattr(given, "data_vars"):
        return change(given)
    return {key: each_run(value, change) for key, value in given.items()}


FIGURES = ["accuracy_and_change", "function", "nulls", "sweeps", "switches"]


@pytest.mark.parametrize("name", FIGURES)
def test_captions_say_over_how_many_seeds_and_figures_are_told_in_words(name, request):
    make, given = draw(name, request)
    plate = make(given)
    assert plate.name.startswith("maml-") and plate.name == plate.name.lower()
    assert "2 seeds" in plate.caption and len(plate.alt) > 60 and plate.alt != plate.caption
    assert ("95 % t interval over seeds" in plate.caption) == (name != "function")  # a table has no bars
    assert "nan" not in (plate.caption + plate.alt).lower()
    one = make(each_run(given, lambda dataset: dataset.isel(seed=[0])))
    assert "1 seed" in one.caption and "1 seeds" not in one.caption and "interval" not in one.caption
    assert "nan" not in (one.caption + one.alt).lower()
    one.figure.canvas.draw()


def test_names_of_figures_differ(request):
    plates = [make(given) for make, given in (draw(name, request) for name in FIGURES)]
    assert len({plate.name for plate in plates}) == len(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_touches_another_and_all_of_it_is_on_the_page(name, request):
    make, given = draw(name, request)
    plate = make(given)
    texts = written(plate.figure)
    assert len(texts) > 10
    clashes = [(a[0], b[0]) for a, b in itertools.combinations(texts, 2) if touch(a, b)]
    assert not clashes
    # The book crops to what is drawn, but a line of text is no wider than the column.
    everything = Bbox.union([Bbox.from_extents(*corners(t).min(0), *corners(t).max(0)) for t in texts])
    assert everything.width <= (style.WIDTH + 0.9) * plate.figure.dpi


def test_accuracies_and_changes_of_algorithms_are_those_of_their_runs(by_algorithm):
    plate = algorithms.accuracy_and_change(by_algorithm)
    left, right = plate.figure.axes
    titles = ["MAML", "first-order MAML", "ANIL", "BOIL"]
    assert tick_words(left.xaxis) == titles and tick_words(right.xaxis) == list(LAYERS)
    assert [text.get_text() for text in legend_of(right).get_texts()] == titles
    for i, (title, dataset) in enumerate(zip(titles, by_algorithm.values(), strict=True)):
        judged = dataset["evaluation_accuracy"].transpose("seed", "moment", "task").values
        assert list(dataset["moment"].values) == ["untrained", "trained"]
        mean, ends = interval(judged[:, 1].mean(-1))
        mark, bars = left.containers[i][0], spans(left.containers[i])
        assert mark.get_xdata() == [i] and mark.get_ydata()[0] == pytest.approx(mean)
        np.testing.assert_allclose(bars[0], ends, rtol=1e-5)
        # after the one inner step of training, at the last checkpoint
        similarity = dataset["inner_similarity"].sel(measure="rsa-correlation", inner_step=1)
        change, ends = interval(1 - similarity.transpose("seed", "layer", "checkpoint").values[..., -1])
        marks = right.containers[i]
        np.testing.assert_allclose(marks[0].get_ydata(), change, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(spans(marks), ends, rtol=1e-5, atol=1e-6)
        assert np.abs(marks[0].get_xdata() - np.arange(5)).max() < 0.4
        assert mark.get_color() == marks[0].get_color() == algorithms.COLOURS[NAMES[i]]
        assert mark.get_marker() == marks[0].get_marker()
        said = (
            f"{title}: accuracy {mean:.0%}, change of block4 {change[3]:.2f}, of the logits {change[4]:.2f}"
        )
        assert said in plate.alt
    chance = [
        np.asarray(line.get_ydata())[0]
        for line in left.lines
        if line.get_linestyle() == "--" or line.is_dashed()
    ]
    assert chance == [pytest.approx(1 / 5)]
    assert "1 inner step " in plate.caption


def test_marks_of_algorithms_stand_beside_each_other(by_algorithm):
    _, right = algorithms.accuracy_and_change(by_algorithm).figure.axes
    x = np.sort(np.concatenate([marks[0].get_xdata() for marks in right.containers]))
    assert np.diff(x).min() > 0.1
    assert len({marks[0].get_marker() for marks in right.containers}) == 4  # not by colour alone


def test_other_measures_are_drawn_and_named(by_algorithm):
    plate = algorithms.accuracy_and_change(by_algorithm, "cka-linear")
    _, right = plate.figure.axes
    similarity = by_algorithm["anil"]["inner_similarity"].sel(measure="cka-linear", inner_step=1)
    expected = 1 - similarity.isel(checkpoint=-1).mean("seed").values
    np.testing.assert_allclose(right.containers[2][0].get_ydata(), expected, rtol=1e-5)
    assert "CKA" in right.get_ylabel() and "ρ" not in right.get_ylabel()
    assert "CKA" in plate.caption


def cells(axes):
    """Texts of a table by (row, column)."""
    return {(int(text.get_position()[1]), int(text.get_position()[0])): text for text in axes.texts}


def test_tables_of_function_hold_the_accuracies(function_by_algorithm):
    plate = algorithms.function(function_by_algorithm)
    assert set(algorithms.KIND_TITLES) == set(KINDS)
    panels = plate.figure.axes
    assert [tick_words(axes.yaxis) for axes in panels] == [list(PARTS), []] * 2  # a row shares its names
    for axes, (name, dataset) in zip(panels, function_by_algorithm.items(), strict=True):
        measured = {
            (str(kind), str(part)): float(np.mean([float(value) for value in values]))
            for kind, part, values in zip(
                dataset["intervention_kind"].values,
                dataset["intervention_part"].values,
                dataset["function_accuracy"]
                .sel(adapted="as trained")
                .transpose("intervention", "seed")
                .values,
                strict=True,
            )
        }
        wanted = [" ".join(title.split()) for title in algorithms.KIND_TITLES.values()]
        assert tick_words(axes.xaxis) == wanted
        image, texts = axes.images[0], cells(axes)
        assert image.get_clim() == (0, 1) and len(texts) == len(PARTS) * len(KINDS)
        for (i, part), (j, kind) in itertools.product(enumerate(PARTS), enumerate(algorithms.KIND_TITLES)):
            value = measured[kind, part]
            assert shown_in(image)[i, j] == pytest.approx(value, rel=1e-5)
            assert texts[i, j].get_text() == f"{100 * value:.0f}"
        full, none = measured["full", ""], measured["none", ""]
        title = f"{algorithms.TITLES[name]}: {full:.0%} (no adaptation {none:.0%})"
        assert axes.get_title(loc="left") == title
        frozen = measured["freeze", "body"]
        assert (
            f"{algorithms.TITLES[name]}: {full:.0%} in full, {frozen:.0%} with the body frozen" in plate.alt
        )
    assert "of 4 tasks" in plate.caption


def test_a_place_without_an_algorithm_stays_empty(function_by_algorithm):
    three = {name: function_by_algorithm[name] for name in NAMES[:3]}
    panels = algorithms.function(three).figure.axes
    assert [axes.get_visible() for axes in panels] == [True, True, True, False]
    (only,) = algorithms.function({"maml": three["maml"]}).figure.axes
    assert only.get_visible() and tick_words(only.yaxis) == list(PARTS)


def test_numbers_in_fields_stand_out_from_any_field(function_run):
    """Whatever the value, its ink and its field have the contrast that small text needs."""
    spread = function_run.copy(deep=True)
    count = spread.sizes["intervention"]
    spread["function_accuracy"][:] = np.linspace(0, 1, count)[None, :, None]
    (axes,) = algorithms.function({"maml": spread}).figure.axes
    image = axes.images[0]
    for (i, j), text in cells(axes).items():
        field = to_hex(tuple(image.cmap(image.norm(shown_in(image)[i, j]))))  # type: ignore[arg-type]
        inks = (style.ON_LIGHT, style.ON_DARK)
        assert text.get_color() in inks
        assert contrast(text.get_color(), field) >= 4, (i, j, field)


def test_nulls_are_those_of_the_run(function_run):
    plate = figures.nulls(function_run)
    left, right = plate.figure.axes
    change = 1 - function_run["null_similarity"].sel(measure="rsa-correlation").transpose(
        "seed", "null", "layer"
    )
    titles = {
        "adaptation": "adaptation",
        "perturbation, own": "random, each layer as far as it adapts",
        "perturbation, equal": "random, every layer equally far",
    }
    assert [bars.get_label() for bars in left.containers] == list(titles.values())
    for bars, null in zip(left.containers, titles, strict=True):
        mean, ends = interval(change.sel(null=null).values)
        np.testing.assert_allclose(bars[0].get_ydata(), mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(spans(bars), ends, rtol=1e-4, atol=1e-6)
    assert tick_words(left.xaxis) == tick_words(right.xaxis) == tick_words(right.yaxis) == list(LAYERS)
    shown, texts = shown_in(right.images[0]), cells(right)
    for i, j in itertools.product(range(5), range(5)):
        alone = float(change.sel(null=f"only {LAYERS[i]}", layer=LAYERS[j]).mean())
        assert shown[i, j] == pytest.approx(alone, abs=1e-6)
        # What comes before the moved layer cannot change: nothing is written there.
        assert ((i, j) in texts) == (j >= i)
        if j >= i:
            assert texts[i, j].get_text() == f"{alone:.2f}"
    for layer in LAYERS:
        length = float(function_run["relative_update"].sel(weights=layer).mean())
        assert f"{layer} {length:.3f}" in plate.caption
        moved = float(change.sel(null="adaptation", layer=layer).mean())
        random = float(change.sel(null="perturbation, own", layer=layer).mean())
        assert f"{layer}: adaptation {moved:.2f}, random moves as long {random:.2f}." in plate.alt
    assert "2 tasks" in plate.caption


def test_nulls_of_layers_that_do_not_move_are_nought(function_run):
    """ANIL's blocks: no update, so no change by it, and none below nought by rounding."""
    still = function_run.copy(deep=True)
    for layer in LAYERS[:-1]:
        still["null_similarity"].loc[{"null": f"only {layer}"}] = 1 + 1e-7
    _, right = figures.nulls(still).figure.axes
    texts = {text.get_text() for (i, _), text in cells(right).items() if i < 4}
    assert texts == {"0.00"}


def quantities(dataset):
    """The columns of the figure of switches, written out: accuracy, M1a, M3a and M3b of every seed."""
    counted = slice(7, 61)  # a checkpoint each meta-iteration; the first tenth does not count
    pick = dataset.sel(measure="rsa-correlation")
    found = {"accuracy": [], "M1a": [], "M3a": [], "M3b": []}
    for unit in range(2):
        one = pick.isel(seed=unit)
        judged = one["evaluation_accuracy"].sel(moment="trained").values
        inner = 1 - one["inner_similarity"].sel(inner_step=1).transpose("layer", "checkpoint").values
        outer = 1 - one["neighbour_similarity"].transpose("layer", "checkpoint").values
        shares = []
        for values in (inner, outer):
            mean = values[:, counted].mean(1)
            shares.append((mean / mean.sum(), mean))
        found["accuracy"].append(sum(judged) / len(judged))
        found["M1a"].append(min(inner[-1, -1] - inner[block, -1] for block in range(4)))
        found["M3a"].append(np.log(shares[0][1][:4].mean() / shares[1][1][:4].mean()))
        found["M3b"].append(1 / (shares[0][0] ** 2).sum() - 1 / (shares[1][0] ** 2).sum())
    return {name: np.array(values) for name, values in found.items()}


def test_effects_are_those_of_the_claims(switched):
    assert list(algorithms.EFFECTS) == ["accuracy", "M1a", "M3a", "M3b"]
    for dataset in switched.values():
        for name, values in quantities(dataset).items():
            found = endpoints.effect(dataset, name)
            assert found.shape == (2,)
            np.testing.assert_allclose(found, values, rtol=1e-4, atol=1e-5)
    base = switched["max-pooling"]
    assert not np.allclose(endpoints.effect(base, "M1a", "cka-linear"), endpoints.effect(base, "M1a"))
    np.testing.assert_array_equal(
        endpoints.effect(base, "accuracy", "cka-linear"), endpoints.effect(base, "accuracy")
    )


def test_switches_are_rows_under_the_base_and_beside_the_bounds(switched):
    plate = algorithms.switches(switched)
    panels = plate.figure.axes
    assert tick_words(panels[0].yaxis) == list(switched)
    expected = [quantities(dataset) for dataset in switched.values()]
    for axes, name in zip(panels, algorithms.EFFECTS, strict=True):
        assert axes.yaxis_inverted()  # the base is on top
        for row, (marks, values) in enumerate(zip(axes.containers, expected, strict=True)):
            mean, ends = interval(values[name])
            assert marks[0].get_ydata() == [row]
            assert marks[0].get_xdata()[0] == pytest.approx(mean, rel=1e-4, abs=1e-5)
            np.testing.assert_allclose(spans(marks)[0], ends, rtol=1e-3, atol=1e-4)
            assert (marks[0].get_color() == "black") == (row == 0)
        lines = [line for line in axes.lines if np.asarray(line.get_ydata()).tolist() == [0, 1]]
        levels = {"--" if line.is_dashed() else "-": np.asarray(line.get_xdata())[0] for line in lines}
        assert levels.pop("-") == pytest.approx(expected[0][name].mean(), rel=1e-4, abs=1e-5)
        assert levels == ({} if name == "accuracy" else {"--": 0})
    for name, values in zip(switched, expected, strict=True):
        assert f"{name}: accuracy {values['accuracy'].mean():.0%}" in plate.alt


def test_sweeps_draw_each_layer_where_a_network_has_it(swept):
    plate = algorithms.sweeps(swept)
    panels = np.array(plate.figure.axes).reshape(2, 2)
    colours = style.layer_colours(LAYERS)
    for (above, below), (title, runs) in zip(panels.T, swept.items(), strict=True):
        values = sorted(runs)
        assert above.get_title(loc="left") == title == below.get_xlabel()
        assert [float(word) for word in tick_words(below.xaxis)] == values
        for line, layer in zip(above.lines, LAYERS, strict=True):
            there = [value for value in values if layer in runs[value]["layer"].values]
            expected = []
            for value in there:
                similarity = runs[value]["inner_similarity"].sel(
                    measure="rsa-correlation", inner_step=1, layer=layer
                )
                expected.append(1 - float(similarity.isel(checkpoint=-1).mean()))
            assert line.get_xdata().tolist() == there
            np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-5, atol=1e-7)
            assert line.get_color() == colours[layer]
        judged = [runs[value]["evaluation_accuracy"].sel(moment="trained") for value in values]
        (line,) = below.lines
        np.testing.assert_allclose(line.get_ydata(), [float(a.mean()) for a in judged], rtol=1e-6)
        assert below.get_ylim() == (0, 1)
        ends = [above.lines[-1].get_ydata()[i] for i in (0, -1)]
        said = (
            f"{title} {values[0]} to {values[-1]}: accuracy {float(judged[0].mean()):.0%} to "
            f"{float(judged[-1].mean()):.0%}, change of the logits {ends[0]:.2f} to {ends[1]:.2f}"
        )
        assert said in plate.alt
    assert not panels[0, 0].texts
    assert [text.get_text() for text in panels[0, 1].texts] == list(LAYERS)
    assert [text.get_color() for text in panels[0, 1].texts] == [colours[layer] for layer in LAYERS]


def test_bands_of_sweeps_are_t_intervals(swept):
    panels = np.array(algorithms.sweeps(swept).figure.axes).reshape(2, 2)
    runs = swept["ways"]
    accuracy = np.stack(
        [runs[v]["evaluation_accuracy"].sel(moment="trained").mean("task").values for v in sorted(runs)], 1
    )
    _, ends = interval(accuracy)
    outline = panels[1, 0].collections[0].get_paths()[0].vertices
    for x, (low, high) in zip(sorted(runs), ends, strict=True):
        heights = outline[outline[:, 0] == x, 1]
        assert (heights.min(), heights.max()) == pytest.approx((low, high), rel=1e-5)


@pytest.mark.parametrize("name", ["accuracy_and_change", "nulls", "sweeps", "switches"])
def test_a_further_measure_is_drawn_where_units_hold_it(name, request, further, holding):
    make, given = draw(name, request)
    assert further.title in make(each_run(given, holding), further.id).caption
