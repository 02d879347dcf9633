"""The chapter of the supervised control executes with other parameters, and speaks of what it shows."""

import ast
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


def code():
    return [cell for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "code"]


def shown(notebook, kind):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def test_parameters_are_all_settings_and_are_passed_on():
    (cell,) = [cell for cell in code() if "parameters" in cell.metadata.get("tags", [])]
    values = {s.targets[0].id: ast.literal_eval(s.value) for s in ast.parse(cell.source).body}
    own = {"preset": "laptop", "compute": "missing", "seeds": None}
    assert values == {**own, **dict.fromkeys(ControlConfig.model_fields)}
    calls = [
        node for cell in code() for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)
    ]
    (call,) = [call for call in calls if ast.unparse(call.func) == "Chapter.open"]
    passed = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    assert passed == {name: name for name in ControlConfig.model_fields}


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("control-chapter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRISE_STORE", str(folder / "runs"))
        patch.setenv("REPRISE_DATA", str(folder / "data"))
        parameters = {"preset": "smoke", "seeds": "0..1", **TINY}
        execute_notebook(CHAPTER, folder / "control.ipynb", parameters, progress=False)
    return nbformat.read(folder / "control.ipynb", as_version=4)


def test_the_chapter_shows_its_figures_with_provenance_and_one_verdict(executed, verdicts_of):
    pages = shown(executed, "text/html")
    figures = [page for page in pages if "<svg" in page]
    names = ("glyphs", "nulls", "alone", "control-specification")
    for name, page in zip(names, figures, strict=True):
        assert name in page
        assert "<figcaption" in page and "aria-label" in page and "preset smoke" in page
    assert verdicts_of(pages) == {"m2": "undecided"}


def test_its_sentences_speak_of_this_run_without_gaps(executed):
    said = "\n".join(shown(executed, "text/markdown"))
    config = CONTROL.configure("smoke", TINY)
    assert command(CONTROL, config, (0, 1), "smoke") in said
    assert "4 steps take accuracy" in said and "(6 classes; chance is 16.7%)" in said and "nan" not in said
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [o.text for o in outputs if o.get("name") == "stderr" and "Warning" in o.text]


@pytest.mark.parametrize("preset", ["laptop", "omniglot-classes"])
def test_what_the_chapter_shows_is_published(preset):
    store = Store(ROOT / "results", ROOT / "no-local-layer")
    config = CONTROL.configure(preset, {})
    units = [store.load(Unit(config, seed)) for seed in CONTROL.presets[preset].seeds]
    assert all(unit is not None for unit in units)
    assert all(not unit.attrs["provenance"].count('+"') for unit in units if unit is not None)
