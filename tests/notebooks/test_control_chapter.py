"""The chapter of the supervised control executes with other parameters, and speaks of what it shows."""

import re
from pathlib import Path

import nbformat
import pytest

from reprise.book.driver import execute_notebook
from reprise.engine.labels import command
from reprise.engine.store import Store
from reprise.engine.study import Unit, study
from reprise.studies.control import ControlConfig

ROOT = Path(__file__).parents[2]
CONTROL = study("control")
CHAPTER = ROOT / CONTROL.notebook
TINY = {"classes": 6, "filters": 8, "steps": 4, "probe_every": 2, "batch": 20, "probe_images": 24, "draws": 2}


def shown(notebook, kind):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("control-chapter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRISE_STORE", str(folder / "runs"))
        patch.setenv("REPRISE_DATA", str(folder / "data"))
        parameters = {"preset": "smoke", "seeds": "0..1", **TINY}
        target = folder / "control.ipynb"
        execute_notebook(CHAPTER, target, parameters, progress=False, accepted=ControlConfig.model_fields)
    return nbformat.read(folder / "control.ipynb", as_version=4)


def test_the_chapter_shows_its_figures_with_provenance_and_its_verdicts(executed, verdicts_of):
    pages = shown(executed, "text/html")
    figures = [page for page in pages if "<figure" in page]
    names = ("control-slopes", "control-glyphs", "nulls", "alone", "control-specification")
    for name, page in zip(names, figures, strict=True):
        assert name in page
        assert "<figcaption" in page and "aria-label" in page and "preset smoke" in page
    # Two seeds, and no run of MAML in this store.
    undecided = dict.fromkeys(("m2a", "m2b", "m2d"), "undecided")
    assert verdicts_of(pages) == undecided | {"m2": "not run", "m2c": "not run"}


def test_its_sentences_speak_of_this_run_without_gaps(executed, without_source):
    said = "\n".join(shown(executed, "text/markdown"))
    config = CONTROL.configure("smoke", TINY)
    assert command(CONTROL, config, (0, 1), "smoke") in said
    tables = "\n".join(page for page in shown(executed, "text/html") if "dataframe" in page)
    assert "<td>16.7</td>" in tables and "<th>slope, training</th>" in tables
    assert not re.search(r"\bnan\b", without_source(said) + tables, re.IGNORECASE)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [o.text for o in outputs if o.get("name") == "stderr" and "Warning" in o.text]


@pytest.mark.parametrize("preset", ["laptop", "omniglot-classes"])
def test_what_the_chapter_shows_is_published(preset):
    store = Store(ROOT / "results", ROOT / "no-local-layer")
    config = CONTROL.configure(preset, {})
    units = [store.load(Unit(config, seed)) for seed in CONTROL.presets[preset].seeds]
    assert all(unit is not None for unit in units)
    assert all(not unit.attrs["provenance"].count('+"') for unit in units if unit is not None)
