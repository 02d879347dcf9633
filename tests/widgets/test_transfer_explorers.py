"""From units of study 2 to explorers."""

import json

import numpy as np
import pytest

from reprise import similarity
from reprise.book import explore
from reprise.book.chapter import Chapter
from reprise.engine import runner
from reprise.engine.grams import unfold
from reprise.engine.store import Store
from reprise.engine.study import Unit, study
from reprise.places import Places
from reprise.similarity import measure
from reprise.studies.transfer import explorers as transfer
from reprise.studies.transfer.config import TransferConfig
from reprise.studies.transfer.states import REFERENCE_WORDS, REFERENCES, kept_grams

TINY = {"images": 40, "epochs": 2, "target_images": 40, "target_epochs": 2, "probe_images": 20}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer")
    return Places(folder / "data", folder / "results", folder / "runs")


@pytest.fixture(scope="module")
def conditions():
    base = study("transfer").configure("smoke", TINY)
    assert isinstance(base, TransferConfig)
    return {
        "pre-training": base.pretraining,
        "true labels": study("transfer").family("targets", base)["true labels"],
    }


@pytest.fixture(scope="module")
def runs(conditions, places):
    return {
        name: runner.run(study("transfer"), config, (1, 2), places, preset="smoke", progress=False)
        for name, config in conditions.items()
    }


@pytest.fixture(scope="module")
def units(runs, conditions, places):
    """The units of the seed that keeps Grams."""
    store = Store(places.published, places.local)
    return {name: store.load(Unit(config, 1)) for name, config in conditions.items()}


@pytest.fixture
def chapter(runs, places):
    return Chapter.load("transfer", places, "smoke", "never", (1, 2), **TINY)


def test_states_are_told_apart_by_network_layer_and_epoch(units):
    states = transfer.network_states(units)
    assert [column.name for column in states.columns] == ["network", "layer", "epoch", "seed"]
    assert states.columns[0].levels == ("pre-training", "true labels")
    assert states.columns[1].levels == ("pool1", "pool2", "pool3", "pool4", "logits")
    assert len(states) == sum(unit.sizes["state"] for unit in units.values())
    index = states.find(network="true labels", layer="pool2", epoch="2")
    unit = units["true labels"]
    row = np.flatnonzero((unit["state_layer"].values == "pool2") & (unit["state_epoch"].values == 2))[0]
    np.testing.assert_array_equal(states.gram[index], unit["gram"].values[row])
    # One data set, so that both networks were looked at with the same stimuli and can be compared.
    assert set(states.sets.tolist()) == {0}


def test_the_page_compares_states_of_two_networks_as_python_does(javascript, units):
    widget = transfer.representation(units)
    states = transfer.network_states(units)
    a = states.find(network="pre-training", layer="pool4", epoch="0")
    b = states.find(network="true labels", layer="pool4", epoch="2")
    n = states.mean.shape[1]
    found = javascript(
        "const all = states(input.packed); const measure = measures['cka-linear'];"
        "return finish(tasks.TASKS.matrix({ chosen: input.pair, measure, keep: every(all[0].n) }, all))[1]",
        {
            "packed": {
                "gram": np.frombuffer(widget.gram, "<f4").reshape(len(states), -1),
                "mean": np.frombuffer(widget.mean, "<f4").reshape(len(states), n),
                **{key: widget.about[key] for key in ("features", "sets", "n")},
            },
            "pair": [a, b],
        },
    )
    grams = [
        similarity.Grams(unfold(states.gram[k]), states.mean[k], int(states.features[k])) for k in (a, b)
    ]
    assert found == pytest.approx(similarity.measure("cka-linear").from_grams(*grams), abs=1e-6)
    json.dumps(widget.about, allow_nan=False)


def test_it_begins_with_the_last_network_before_and_after(units):
    widget = transfer.representation(units)
    picked = [
        {c["name"]: c["levels"][c["codes"][widget.selection[side]]] for c in widget.about["columns"]}
        for side in "ab"
    ]
    assert [(p["network"], p["layer"], p["epoch"]) for p in picked] == [
        ("true labels", "logits", "0"),
        ("true labels", "logits", "2"),
    ]
    assert widget.selection["measure"] == "cka-linear"


def test_curves_are_the_stored_similarities(runs):
    run = runs["true labels"]
    about, change, levels = _numbers(transfer.dynamics(run))
    there = [name for name in REFERENCES if run["similarity"].sel(reference=name).notnull().any()]
    assert about["references"] == [REFERENCE_WORDS[name] for name in there]
    for place, name in enumerate(there):
        expected = 1 - run["similarity"].sel(reference=name).transpose("measure", "seed", "layer", "epoch")
        np.testing.assert_array_equal(change[place], expected.values.astype("<f4"))
    kinds = [level["kind"] for level in about["levels"]]
    assert kinds == ["null"] * (len(kinds) - 1) + ["ceiling"] and len(kinds) > 1
    ceiling = dict(zip([entry["id"] for entry in about["measures"]], levels[-1], strict=True))
    assert np.isnan(ceiling["cka-linear"]).all()
    first, *others = (kept_grams(run.isel(seed=[i]), "pool4")[0] for i in range(run.sizes["seed"]))
    for name in ("cka-linear-debiased", "rsa-euclidean"):
        expected = 1 - np.mean([measure(name).from_grams(first, other) for other in others])
        assert ceiling[name][0, 3] == pytest.approx(expected, abs=1e-6)
    single, _, _ = _numbers(transfer.dynamics(run.isel(seed=[0])))
    assert [level["kind"] for level in single["levels"]] == ["null"] * (len(kinds) - 1)
    null = 1 - run["similarity"].sel(reference="fresh").isel(epoch=-1).transpose("measure", "seed", "layer")
    np.testing.assert_allclose(levels[0], null.values, rtol=1e-6)


def _numbers(widget):
    """What the page is given: the description, changes and levels as it reads them."""
    about = widget.about
    shape = [len(about[key]) for key in ("references", "measures", "seeds", "layers", "x")]
    change = np.frombuffer(widget.change, "<f4").reshape(shape)
    return about, change, np.frombuffer(widget.levels, "<f4").reshape(-1, *shape[1:4])


def test_dynamics_begin_with_the_reference_of_their_kind(runs, units):
    for name, reference in (("pre-training", "start"), ("true labels", "pretrained")):
        about = transfer.dynamics(runs[name], units[name]).about
        assert about["references"][about["reference"]] == REFERENCE_WORDS[reference]
        frames = about["states"]["frames"]
        assert [place for place, _ in frames[0]] == sorted({*units[name]["state_epoch"].values.tolist()})
    assert "pre-trained" not in " ".join(transfer.dynamics(runs["pre-training"]).about["references"])


def test_a_chapter_shows_them_in_one_line(chapter, runs):
    widget = explore.transfer_states(chapter, runs)
    assert widget is not None and widget.about["picture"] == [32, 32, 3]
    tiles = np.frombuffer(widget.pictures, np.uint8).reshape(widget.about["n"], 32, 32, 3)
    assert len(np.unique(tiles.reshape(len(tiles), -1), axis=0)) == len(tiles)
    change = explore.transfer_change(chapter, runs["true labels"])
    assert change.about["states"] is not None and "seed 1" in change.about["unit"]
    other = runs["true labels"].isel(seed=[1])
    assert explore.transfer_states(chapter, {"seed 2": other}) is None  # its unit keeps no Grams
    assert explore.transfer_change(chapter, other).about["states"] is None
