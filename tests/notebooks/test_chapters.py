"""The chapters' sources, and that the chapter of study 1 executes with other parameters."""

import ast
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from reprise.book.driver import ChapterError, execute_notebook
from reprise.engine.labels import command
from reprise.engine.study import Unit, study
from reprise.studies.maml import MamlConfig

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "chapters").rglob("*.ipynb"))
MAML = ROOT / "chapters" / "maml" / "maml.ipynb"
FIELDS = MamlConfig.model_fields


def _code(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def _tagged(cells, tag):
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


def test_there_are_chapters():
    assert MAML in CHAPTERS and len(CHAPTERS) >= 2


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_sources_are_free_of_outputs_and_have_fixed_ids_and_one_parameters_cell(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    assert (notebook.nbformat, notebook.nbformat_minor >= 5) == (4, True)
    nbformat.validate(notebook)
    for cell in _code(path):
        assert not cell.outputs and cell.execution_count is None
        assert "papermill" not in cell.metadata and "execution" not in cell.metadata
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    # Names that a person gave: random ones are eight hexadecimal digits and change with every new cell.
    assert not [name for name in ids if len(name) == 8 and set(name) <= set("0123456789abcdef")]
    assert len(_tagged(_code(path), "parameters")) == 1


def test_chapters_define_no_classes_and_no_loops_over_training():
    for path in CHAPTERS:
        for cell in _code(path):
            tree = ast.parse(cell.source)
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.While)]
            assert "os.environ" not in cell.source


@pytest.fixture(scope="module")
def parameters(tiny_settings):
    return {"preset": "smoke", "seeds": "0..1", "compute": "missing", **tiny_settings}


@pytest.fixture(scope="module")
def executed(tmp_path_factory, parameters, tiny_config, tiny_places):
    """The chapter on the tiny run, of which the second unit is left for the chapter to compute."""
    folder = tmp_path_factory.mktemp("chapter")
    shutil.copytree(tiny_places.local, folder / "runs")
    second = folder / "runs" / "maml" / f"{Unit(tiny_config, 1).id}.nc"
    second.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRISE_STORE", str(folder / "runs"))
        patch.setenv("REPRISE_DATA", str(folder / "data"))
        execute_notebook(MAML, folder / "maml.ipynb", parameters, progress=False, accepted=FIELDS)
    assert second.is_file(), "the missing unit was not computed"
    return nbformat.read(folder / "maml.ipynb", as_version=4)


def _shown(notebook, kind):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def test_the_chapter_shows_six_figures_with_caption_alternative_text_and_provenance(executed):
    pages = _shown(executed, "text/html")
    titles = "levels", "base", "neighbours", "second-order", "accuracy", "measures"
    names = [f"maml-{title}" for title in titles]
    figures = [page for page in pages if "<figure" in page]
    assert len(figures) == len(names)
    for name, page in zip(names, figures, strict=True):
        assert f'id="{name}"' in page
        assert "<figcaption" in page and "aria-label" in page
        assert "preset smoke" in page and "data glyphs" in page and "commit " in page
    # The second-order figure is of one seed, and says so.
    assert "seeds 0 " in figures[3] and "seeds 0..1" in figures[0]


def test_the_chapter_shows_four_verdicts(executed, verdicts_of):
    pages = _shown(executed, "text/html")
    # Two seeds decide nothing.
    assert verdicts_of(pages) == dict.fromkeys(("m1a", "m3a", "m3b", "m3"), "undecided")
    assert any("n = 2" in page for page in pages if 'class="verdicts"' in page)


def test_sentences_and_command_speak_of_this_run(executed, tiny_config):
    said = "\n".join(_shown(executed, "text/markdown"))
    assert "5-way 1-shot" in said and "over 2 seeds" in said
    assert command(study("maml"), tiny_config, (0, 1), "smoke") in said
    assert not re.search(r"\bnan\b", said)


def test_nothing_is_warned_of(executed):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [o.text for o in outputs if o.get("name") == "stderr" and "Warning" in o.text]


def test_with_compute_never_the_missing_units_and_their_command_are_named(
    tmp_path, parameters, tiny_config, monkeypatch
):
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))
    with pytest.raises(ChapterError) as caught:
        never = {**parameters, "compute": "never"}
        execute_notebook(MAML, tmp_path / "maml.ipynb", never, progress=False, accepted=FIELDS)
    assert caught.value.cause.startswith("UnitsMissing: 2 of 2 units of maml")
    assert command(study("maml"), tiny_config, (0, 1), "smoke") in caught.value.cause
    assert not (tmp_path / "runs").exists()


def test_a_parameter_out_of_range_is_answered_with_the_range(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))
    with pytest.raises(ChapterError, match="ways=500: omniglot-minimal has 456 classes"):
        execute_notebook(MAML, tmp_path / "maml.ipynb", {"ways": 500}, progress=False)
    with pytest.raises(ValueError, match=r"unknown parameter 'way'; did you mean ways\?"):
        execute_notebook(MAML, tmp_path / "maml.ipynb", {"way": 5}, progress=False, accepted=FIELDS)
