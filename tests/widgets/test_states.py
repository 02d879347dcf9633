"""From units to what explorers carry."""

import json
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from reprise import similarity
from reprise.engine.store import Store
from reprise.engine.study import Unit
from reprise.plots.palette import CONDITIONS, LAYER_RAMP, matrix_stops
from reprise.similarity.compare import PAGE_METHODS
from reprise.similarity.measures import measure_menu, on_pages
from reprise.studies.maml import explorers as maml
from reprise.studies.maml.endpoints import changes
from reprise.studies.maml.states import state_grams
from reprise.widgets import Dynamics, Representation, states_of
from reprise.widgets.states import LIMIT


@pytest.fixture(scope="module")
def unit(tiny_run, tiny_config, tiny_places):
    """The unit of the tiny run that keeps Grams."""
    return Store(tiny_places.published, tiny_places.local).load(Unit(tiny_config, 0))


def small(seed=0, n=5, classes=(0, 0, 1, 1, 2), **scalars):
    rng = np.random.default_rng(seed)
    steps = np.array([3, 1, 2])
    return xr.Dataset(
        {
            "gram": (("state", "entry"), rng.random((3, n * (n + 1) // 2), np.float32)),
            "feature_mean": (("state", "stimulus"), rng.random((3, n), np.float32)),
        },
        coords={
            "state_layer": ("state", ["b", "a", "b"]),
            "state_step": ("state", steps),
            "state_features": ("state", [7, 8, 7]),
            "layer": ["b", "a"],
            "stimulus_class": ("stimulus", list(classes)),
            "stimulus_index": ("stimulus", np.arange(n) + 10),
            "seed": seed,
            **scalars,
        },
    )


def test_columns_keep_the_order_of_layers_and_numbers():
    states = states_of([small()], {"step": "Step"}, {"step": lambda step: f"s{step}"})
    assert [(c.name, c.title, c.levels) for c in states.columns] == [
        ("step", "Step", ("s1", "s2", "s3")),
        ("layer", "layer", ("b", "a")),
        ("seed", "seed", ("0",)),
    ]
    assert states.columns[0].codes.tolist() == [2, 0, 1]
    assert states.columns[1].codes.tolist() == [0, 1, 0]
    assert states.stimuli == ((("0", "10"), ("0", "11"), ("1", "12"), ("1", "13"), ("2", "14")),)
    assert states.find(layer="b", step="s2") == 2
    assert states.features.tolist() == [7, 8, 7]
    assert states.gram.dtype == np.dtype("<f4") and states.gram.tobytes() == small()["gram"].values.tobytes()


def test_what_differs_between_units_tells_their_states_apart():
    one, two = small(0, dataset="x", algorithm="m"), small(1, dataset="y", algorithm="m")
    states = states_of([one, two])
    assert [c.name for c in states.columns] == ["layer", "step", "seed", "dataset"]
    assert len(states) == 6 and states.sets.tolist() == [0] * 6
    other = small(2, classes=(0, 1, 1, 1, 2), dataset="x", algorithm="m")
    assert states_of([one, other]).sets.tolist() == [0, 0, 0, 1, 1, 1]


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match="keeps no Grams"):
        states_of([small().drop_vars("gram")])
    with pytest.raises(ValueError, match="different numbers of stimuli"):
        states_of([small(), small(n=4, classes=(0, 0, 1, 1))])
    with pytest.raises(ValueError, match=f"at most {LIMIT}"):
        states_of([small(seed) for seed in range(LIMIT // 3 + 1)])
    with pytest.raises(ValueError, match="different columns"):
        states_of([small(), small(1).drop_vars("state_step")])
    states = states_of([small()])
    with pytest.raises(ValueError, match="there are: b, a"):
        states.find(layer="c")
    with pytest.raises(ValueError, match="no column 'depth'"):
        states.find(depth="1")
    with pytest.raises(ValueError, match="no state 3"):
        Representation(states, 0, 3)
    with pytest.raises(ValueError, match="does not follow from Grams"):
        Representation(states, 0, 1, measure="svcca")
    with pytest.raises(ValueError, match=r"\(5, height, width\)"):
        Representation(states, 0, 1, pictures=np.zeros((5, 3, 3)))


def test_a_unit_of_study_1_travels_unchanged(unit):
    widget = maml.representation(unit)
    about = widget.about
    n = unit.sizes["stimulus"]
    grams = np.frombuffer(widget.gram, "<f4").reshape(unit.sizes["state"], -1)
    np.testing.assert_array_equal(grams, unit["gram"].values)
    names = [column["name"] for column in about["columns"]]
    assert names[:4] == ["layer", "sixtieth", "task", "step"]
    # Index by name gives the very Gram that Python would use.
    layer = about["columns"][0]
    index = layer["codes"].index(layer["levels"].index("logits"))
    full, _ = state_grams(unit, "logits")
    np.testing.assert_array_equal(grams[index], full.gram[0][np.triu_indices(n)].astype(np.float32))
    picked = [
        {c["name"]: c["levels"][c["codes"][widget.selection[side]]] for c in about["columns"]}
        for side in "ab"
    ]
    assert [(p["layer"], p["step"], p["task"]) for p in picked] == [
        ("logits", "0", "none"),
        ("logits", "1", "1"),
    ]
    json.dumps(about, allow_nan=False)


def test_pictures_travel_unchanged(unit):
    n = unit.sizes["stimulus"]
    for shape in ((n, 3, 4), (n, 3, 4, 3)):
        images = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
        widget = maml.representation(unit, images)
        assert widget.about["picture"] == [3, 4, 3 if len(shape) == 4 else 1]
        np.testing.assert_array_equal(np.frombuffer(widget.pictures, np.uint8).reshape(shape), images)


def test_curves_are_one_minus_similarity(tiny_run, unit):
    widget = maml.dynamics(tiny_run, unit)
    about = widget.about
    shape = [len(about[key]) for key in ("references", "measures", "seeds", "layers", "x")]
    change = np.frombuffer(widget.change, "<f4").reshape(shape)
    at = about["references"].index("the start of meta-training")
    expected = 1 - tiny_run["start_similarity"].transpose("measure", "seed", "layer", "checkpoint").values
    np.testing.assert_array_equal(change[at], expected.astype(np.float32))
    null = np.frombuffer(widget.levels, "<f4").reshape(shape[1:4])
    np.testing.assert_allclose(
        null,
        1 - tiny_run["fresh_similarity"].isel(checkpoint=-1).transpose("measure", "seed", "layer").values,
    )
    assert about["references"][about["reference"]] == "before adaptation (1 inner step)"
    frames = about["states"]["frames"]
    assert len(frames) == len(about["layers"]) and frames[0] == sorted(frames[0])
    assert {place for place, _ in frames[0]} <= set(about["x"])
    assert about["quantiles"] == pytest.approx([12.706204736])
    json.dumps(about, allow_nan=False)


def test_without_states_or_with_one_seed_there_are_still_curves(tiny_run):
    widget = maml.dynamics(tiny_run.isel(seed=[0]))
    assert widget.about["states"] is None and widget.gram == b"" and widget.about["quantiles"] == []
    with pytest.raises(ValueError, match="no reference 'yesterday'; there are: before adaptation"):
        Dynamics(changes(tiny_run), reference="yesterday")


def test_menus_are_the_registry():
    follow = [name for name, entry in similarity.MEASURES.items() if entry.follows_from_grams]
    assert [entry["id"] for entry in measure_menu()] == on_pages() == follow
    assert set(PAGE_METHODS) <= set(similarity.METHODS)
    assert [entry["title"] for entry in measure_menu(["cka-rbf"])] == ["CKA, RBF"]


def test_colours_are_those_of_the_figures(tiny_run):
    from reprise.plots import style

    assert (style.CONDITIONS, style.LAYER_RAMP) == (CONDITIONS, LAYER_RAMP)
    layers = maml.dynamics(tiny_run).about["layers"]
    assert {layer["name"]: layer["colour"] for layer in layers} == style.layer_colours(
        [layer["name"] for layer in layers]
    )
    import matplotlib
    from matplotlib.colors import to_hex

    assert matrix_stops()[-1] == to_hex(matplotlib.colormaps[style.MATRIX_MAP](1.0))


def test_widgets_take_no_torch():
    code = "import reprise.widgets, reprise.studies.maml.explorers, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
