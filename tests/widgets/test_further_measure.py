"""A measure that is added to the registry and to ``core.js``, and nowhere else: every explorer offers it."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr

from reprise import similarity
from reprise.engine import runner
from reprise.engine.grams import kept_states, unfold, with_page_measures
from reprise.engine.store import Store
from reprise.engine.study import Unit, study
from reprise.places import Places
from reprise.similarity import Grams
from reprise.studies.maml import explorers as maml
from reprise.studies.segmentation.measure import kept_similarities
from reprise.studies.transfer import explorers as transfer
from reprise.studies.transfer.states import REFERENCE_WORDS
from reprise.widgets import Segmentation, joining
from reprise.widgets.segmentation import QUALITIES, Start


@pytest.fixture
def unit(tiny_run, tiny_config, tiny_places):
    return Store(tiny_places.published, tiny_places.local).load(Unit(tiny_config, 0))


def explicit(a, b):
    """The measure by its formula, of two stored upper triangles."""
    x, y = (unfold(triangle.astype(np.float64)) for triangle in (a, b))
    return float(np.sum(x * y) / np.sqrt(np.sum(x * x) * np.sum(y * y)))


def state(unit, **labels):
    """The upper triangle of one state."""
    match = np.logical_and.reduce([unit[f"state_{name}"].values == value for name, value in labels.items()])
    (row,) = np.flatnonzero(match)
    return unit["gram"].values[row]


def titles(widget):
    return [entry["title"] for entry in widget.about["measures"]]


def test_any_two_states_of_study_1_are_compared_in_the_page(
    unit, further, walks, node, tmp_path, monkeypatch
):
    widget = maml.representation(unit)
    assert titles(widget)[-1] == further.title
    for path in joining.FOLDER.glob("*.js"):
        shutil.copy(path, tmp_path)
    core = tmp_path / "core.js"
    text = core.read_text().replace("import { ", "import { keptGram, ", 1)
    core.write_text(text + walks["lib/reprise/widgets/core.js"])
    monkeypatch.setattr(joining, "FOLDER", tmp_path)
    joining.worker_source.cache_clear()
    chosen = [0, 3, 7]
    request = {"chosen": chosen, "measure": widget.about["measures"][-1], "keep": [0, 1, 2, 4, 5, 6]}
    pair = {"a": 0, "b": 3, "measure": request["measure"], "keep": request["keep"], "resamples": 9, "seed": 0}
    packed = {key: widget.about[key] for key in ("features", "sets", "n")}
    packed |= {name: np.frombuffer(getattr(widget, name), "<f4").tolist() for name in ("gram", "mean")}
    script = tmp_path / "worker.cjs"
    script.write_text(
        joining.worker_source()
        + f"const packed = {json.dumps(packed)};"
        + "packed.gram = Float32Array.from(packed.gram); packed.mean = Float32Array.from(packed.mean);"
        + "const said = []; const answer = server(unpack(packed), ({ value }) => value && said.push(value));"
        + f"Promise.all([answer({{ kind: 'matrix', id: 0, request: {json.dumps(request)} }}),"
        + f"answer({{ kind: 'interval', id: 1, request: {json.dumps(pair)} }})])"
        + ".then(() => console.log(JSON.stringify([Array.from(said[0]), said[1].interval])));"
    )
    joining.worker_source.cache_clear()
    done = subprocess.run([node, str(script)], check=True, capture_output=True, text=True)
    values, interval = json.loads(done.stdout)
    keep = np.array(request["keep"])

    def kept(index, out=None):
        full = unfold(unit["gram"].values[index].astype(np.float64))
        rest = keep if out is None else keep[np.arange(len(keep)) != out]
        return full[np.ix_(rest, rest)][np.triu_indices(len(rest))]

    expected = [[explicit(kept(a), kept(b)) for b in chosen] for a in chosen]
    np.testing.assert_allclose(np.reshape(values, (3, 3)), expected, atol=1e-12)
    # It has no value in a resample, where stimuli occur several times: the interval leaves out each in turn.
    without = np.array([explicit(kept(0, out), kept(3, out)) for out in range(len(keep))])
    error = np.sqrt((len(keep) - 1) / len(keep) * np.sum((without - without.mean()) ** 2))
    expected = np.clip(explicit(kept(0), kept(3)) + np.array([-1, 1]) * 1.959964 * error, 0, 1)
    np.testing.assert_allclose(interval, expected, atol=1e-6)


def test_change_in_study_1_follows_from_the_grams_that_one_seed_keeps(tiny_run, unit, further):
    widget = maml.dynamics(tiny_run, unit)
    about = widget.about
    assert titles(widget)[-1] == further.title
    assert [entry["id"] for entry in about["measures"][:6]] == tiny_run["measure"].values.tolist()
    shape = [len(about[key]) for key in ("references", "measures", "seeds", "layers", "x")]
    change = np.frombuffer(widget.change, "<f4").reshape(shape)
    named = {text.split(" (")[0]: k for k, text in enumerate(about["references"])}
    start, inner = named["the start of meta-training"], about["references"].index(about["references"][0])
    spacing = int(unit["checkpoint"][-1]) // 60
    x = [int(place) for place in about["x"]]
    for k, layer in enumerate(about["layers"]):
        before = {s: state(unit, layer=layer["name"], sixtieth=s, step=0) for s in (0, 4, 60)}
        for sixtieth, gram in before.items():
            place = x.index(sixtieth * spacing)
            expected = 1 - explicit(before[0], gram)
            assert change[start, -1, 0, k, place] == pytest.approx(expected, abs=1e-6)
        after = [
            explicit(before[60], state(unit, layer=layer["name"], sixtieth=60, step=1, task=task))
            for task in range(unit["state_task"].values.max() + 1)
        ]
        assert change[inner, -1, 0, k, x.index(60 * spacing)] == pytest.approx(1 - np.mean(after), abs=1e-6)
    assert np.isnan(change[:, -1, 1]).all()  # the other seed keeps none
    without = maml.dynamics(tiny_run)
    assert titles(without)[-1] == further.title
    assert np.isnan(np.frombuffer(without.change, "<f4").reshape(shape)[:, -1]).all()
    # What units hold stays what it was.
    held = np.frombuffer(without.change, "<f4").reshape(shape)[:, :6]
    np.testing.assert_array_equal(change[:, :6], held)


@pytest.fixture(scope="module")
def transfer_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer")
    places = Places(folder / "data", folder / "results", folder / "runs")
    config = study("transfer").configure("smoke", {"images": 40, "epochs": 2, "probe_images": 20}).pretraining
    run = runner.run(study("transfer"), config, (1, 2), places, preset="smoke", progress=False)
    return run, Store(places.published, places.local).load(Unit(config, 1))


def test_change_in_study_2_follows_and_so_does_the_ceiling(transfer_run, further):
    run, unit = transfer_run
    widget = transfer.dynamics(run, unit)
    assert titles(widget)[-1] == further.title == titles(transfer.representation({"it": unit}))[-1]
    about = widget.about
    shape = [len(about[key]) for key in ("references", "measures", "seeds", "layers", "x")]
    change = np.frombuffer(widget.change, "<f4").reshape(shape)
    reference = about["references"].index(REFERENCE_WORDS["start"])
    for k, layer in enumerate(about["layers"]):
        grams = [state(unit, layer=layer["name"], epoch=epoch) for epoch in (0, 2)]
        assert change[reference, -1, 0, k, -1] == pytest.approx(1 - explicit(*grams), abs=1e-6)
    levels = np.frombuffer(widget.levels, "<f4").reshape(-1, *shape[1:4])
    assert about["levels"][-1]["kind"] == "ceiling"
    ends = run["common_gram"].sel(moment="end", layer="logits").values
    np.testing.assert_allclose(levels[-1, -1, :, -1], 1 - explicit(*ends), atol=1e-6)


def test_both_networks_of_study_3_have_it_layer_by_layer(further):
    rng = np.random.default_rng(0)
    layers, seeds = ["encoder1", "logits"], (0, 1)
    states = {
        (name, layer): rng.normal(size=(8, 20)) + 1 for name in ("start", "end", "fresh") for layer in layers
    }
    names = dict(zip(("name", "layer"), map(np.array, zip(*states, strict=True)), strict=True))
    held = rng.uniform(size=(2, 2))

    def one(seed):
        return xr.Dataset(
            {
                **dict.fromkeys(QUALITIES, 0.5),
                "curve_miou": ("curve_step", [0.1, 0.5]),
                "similarity": (("measure", "layer"), held),
                "fresh_similarity": (("measure", "layer"), held / 2),
                "shown_classes": (("shown", "row", "column"), np.zeros((1, 4, 4), np.uint8)),
            },
            coords={
                "seed": seed, "curve_step": [0, 9], "measure": ["cka-linear", "rsa-cosine"], "layer": layers,
                "class_name": ["background", "shape"], "shown_index": ("shown", [0]), "dataset": "shapes",
                "curve_images": 1, "probe_images": 8, "stimulus_index": ("stimulus", np.arange(8)),
            },
        )  # fmt: skip

    unit = one(0).merge(kept_states([Grams.of(x) for x in states.values()], **names))
    run = xr.concat([one(seed) for seed in seeds], "seed")
    start = {"nothing": Start("nothing", "#000000")}
    run = with_page_measures(run, unit, kept_similarities)
    widget = Segmentation(
        {("nothing", 1.0): run}, start, {("nothing", 1.0): unit}, classes=["#000000", "#ffffff"]
    )
    assert titles(widget)[:2] == [similarity.measure(m).title for m in ("cka-linear", "rsa-cosine")]
    assert titles(widget)[-1] == further.title
    shape = (2, len(widget.about["measures"]), 2)
    for trait, other in (("change", "start"), ("fresh", "fresh")):
        values = np.frombuffer(getattr(widget, trait), "<f4").reshape(shape)
        expected = [
            1 - explicit(*(state(unit, name=name, layer=layer) for name in ("end", other)))
            for layer in layers
        ]
        np.testing.assert_allclose(values[0, -1], expected, atol=1e-6)
        assert np.isnan(values[1, -1]).all()
    np.testing.assert_allclose(np.frombuffer(widget.change, "<f4").reshape(shape)[1, :2], 1 - held, atol=1e-6)


def test_a_page_takes_symmetric_similarities_alone(further):
    import dataclasses

    for change in ({"is_similarity": False}, {"symmetric": False}, {"prepare": None}):
        with pytest.raises(ValueError, match="a page takes symmetric similarities"):
            dataclasses.replace(further, **change)
