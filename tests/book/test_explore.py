"""Explorers in a chapter."""

import dataclasses

import numpy as np
import pytest

from reprise.book import explore
from reprise.book.chapter import Chapter
from reprise.book.units import study_records
from reprise.data import load_few_shot
from reprise.engine.store import Store
from reprise.engine.study import Unit, study

pytest.importorskip("IPython")


@pytest.fixture
def chapter(tiny_run, tiny_settings, tiny_places):
    return Chapter.load("maml", tiny_places, "smoke", "never", (0, 1), **tiny_settings)


@pytest.fixture
def shown(monkeypatch):
    seen = []
    monkeypatch.setattr("IPython.display.display", lambda *things: seen.extend(things))
    return seen


def test_pictures_are_the_probe(chapter):
    unit = chapter.unit(0)
    found = explore.pictures(chapter, unit)
    splits = load_few_shot("glyphs", chapter.places.data)
    first = splits.test.images[int(unit["stimulus_class"][0]), int(unit["stimulus_drawing"][0])]
    assert found is not None and found.dtype == np.uint8 and len(found) == unit.sizes["stimulus"]
    np.testing.assert_allclose(
        found[0] / 255, np.squeeze(first) / (255 if first.dtype == np.uint8 else 1), atol=0.01
    )


def test_without_data_there_are_no_pictures(chapter, tmp_path):
    unit = chapter.unit(0).assign_coords(dataset="omniglot-minimal")
    away = dataclasses.replace(chapter, places=dataclasses.replace(chapter.places, data=tmp_path))
    assert explore.pictures(away, unit) is None


def test_published_settings_and_rates(tiny_run, tiny_config, tiny_places, tmp_path):
    store = Store(tmp_path, tiny_places.local)
    for seed in (1, 0):
        store.publish(Unit(tiny_config, seed))
    maml, records = study("maml"), study_records("maml", tmp_path)
    (entry,) = explore.published_settings(maml, records)
    assert entry["settings"] == tiny_config.model_dump(mode="json") and entry["seeds"] == [0, 1]
    assert (
        entry["label"].startswith("smoke, ") and entry["label"].endswith("seeds 0..1") and entry["link"] == ""
    )
    label = entry["label"].removesuffix(", seeds 0..1")
    (linked,) = explore.published_settings(maml, records, {label: "page.html"})
    assert linked["link"] == "page.html"
    links = {"laptop*": "a.html", "smoke, *": "b.html", "smoke*": "c.html"}
    assert explore.published_settings(maml, records, links)[0]["link"] == "b.html"
    (device, rate), *_ = explore.rates(maml, records).items()
    assert device and rate > 0


def test_the_panel_comes_with_its_table(chapter, shown):
    explore.parameters(chapter)
    table, word, widget = shown
    assert 'id="maml-parameters"' in table.data and all(name in table.data for name in ("ways", "filters"))
    assert "Published: none yet" in table.data
    assert "<noscript>" in word.data and 'href="#maml-parameters"' in word.data
    assert widget.about["twin"] == "maml-parameters" and widget.about["preset"] == "smoke"


def test_analyses_are_those_in_the_store(chapter, tiny_config):
    wanted = {
        "itself": (None, {}),
        "another": (None, {"inner_loss": "sum"}),
        "a preset": ("sweep", {"dataset": "glyphs"}),
    }
    there, missing = explore.analyses(chapter, wanted)
    assert there == {} and list(missing) == ["another", "a preset"]
    assert missing["another"].startswith("reprise run maml --preset smoke --set")
    assert "inner_loss=sum" in missing["another"] and missing["another"].endswith("--seeds 0..1")
    assert missing["a preset"] == "reprise run maml --preset sweep --set dataset=glyphs --seeds 0..2"
    # From a chapter of one setting, that of this run is another analysis, with the seeds that it has.
    changed = dataclasses.replace(
        chapter, config=tiny_config.parse({**tiny_config.model_dump(), "inner_loss": "sum"}), seeds=(0, 1, 2)
    )
    there, missing = explore.analyses(changed, {"as it is": (None, {"inner_loss": "mean"})})
    assert missing == {} and there["as it is"].seeds == (0, 1)
    assert there["as it is"].run.sizes["seed"] == 2 and there["as it is"].command.endswith("--seeds 0..1")
