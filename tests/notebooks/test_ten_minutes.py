"""The page "MAML in ten minutes": its parameters are the study's, and it executes with others."""

import ast
import dataclasses
import re
from pathlib import Path

import nbformat
import pytest

from reprise.book.driver import ChapterError, execute_notebook
from reprise.studies.sinusoid import SinusoidSettings

PAGE = Path(__file__).parents[2] / "chapters" / "maml" / "ten_minutes.ipynb"
QUICK = {"meta_iterations": 30, "meta_batch": 5, "tasks": 8, "steps": 3, "stimuli": 16, "shots": 7, "seed": 2}
FIGURES = ("tasks", "learning", "adaptation", "error", "representation")


def _code():
    return [cell for cell in nbformat.read(PAGE, as_version=4).cells if cell.cell_type == "code"]


def test_parameters_are_all_settings_with_their_defaults_and_every_one_is_passed_on():
    (cell,) = [cell for cell in _code() if "parameters" in cell.metadata.tags]
    values = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(cell.source).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    assert values == dataclasses.asdict(SinusoidSettings())
    calls = [
        node
        for cell in _code()
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "sinusoid.SinusoidSettings"
    ]
    (call,) = calls
    passed = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    assert passed == {name: name for name in values} and not call.args


def test_all_other_cells_are_live_and_say_whether_their_code_folds():
    for cell in _code():
        tags = set(cell.metadata.tags)
        assert tags == {"parameters"} or ("live" in tags and len(tags & {"hide-input", "show-input"}) == 1)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    target = tmp_path_factory.mktemp("page") / "ten_minutes.ipynb"
    execute_notebook(PAGE, target, QUICK, progress=False)
    return nbformat.read(target, as_version=4)


def _shown(notebook, kind):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def test_the_page_shows_its_figures_with_caption_alternative_text_and_provenance(executed):
    drawn = [page for page in _shown(executed, "text/html") if "<figure" in page]
    assert len(drawn) == len(FIGURES)
    for name, page in zip(FIGURES, drawn, strict=True):
        assert f'id="sinusoid-{name}"' in page
        assert "<figcaption" in page and "aria-label" in page
        assert "trained on this page · seed 2 · new tasks 8 · commit " in page


def test_sentences_speak_of_this_run(executed):
    said = "\n".join(_shown(executed, "text/markdown"))
    assert "on 7 points of it" in said and "after 3:" in said
    assert not re.search(r"\bnan\b|\binf\b", said)


def test_the_walk_through_runs_and_shows_the_loop_that_trained(executed):
    printed = [
        output["text"]
        for cell in executed.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stdout"
    ]
    text = "".join(printed)
    before, after = (float(v) for v in re.findall(r"support points, [a-z ]+: ([0-9.]+)", text))
    assert after < before  # a step of gradient descent on these very points
    ((first, second),) = re.findall(r"meta-iteration: ([0-9.]+), ([0-9.]+)", text)
    assert float(second) < float(first)  # the same tasks again
    assert "head.weight (1, 40)" in text
    (listing,) = [text for text in _shown(executed, "text/markdown") if text.startswith("```python")]
    assert "def train(settings" in listing and "learner.step" in listing


def test_nothing_is_warned_of(executed):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [output["text"] for output in outputs if output.get("name") == "stderr"]


def test_a_parameter_out_of_range_is_answered_before_anything_is_trained(tmp_path):
    with pytest.raises(ChapterError, match="shots=0: a whole number of points is needed, at least 1"):
        execute_notebook(PAGE, tmp_path / "page.ipynb", {"shots": 0}, progress=False)
