"""What all chapters of the studies share: few parameters, any other by name, and science in plain sight."""

import ast
import json
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from reprise.book.parameters import OPENING, declared
from reprise.engine.study import study

FOLDER = Path(__file__).parents[2] / "chapters"
# The paper of study 3 publishes no settings: beside its laptop stands full scale.
SCALE = {"as_described": "paper", "full": "full"}
STUDIES = {
    "maml/maml": "maml",
    "maml/control": "control",
    "maml/reuse": "maml",
    "maml/settings": "maml",
    "transfer/transfer": "transfer",
    "transfer/audit": "transfer",
    "segmentation/segmentation": "segmentation",
}
OWN = {"maml/settings": ("main",), "transfer/transfer": ("measure",), "transfer/audit": ("measure",)}
chapters = pytest.mark.parametrize("name", STUDIES)


def path(name):
    return FOLDER / f"{name}.ipynb"


def code(name):
    cells = nbformat.read(path(name), as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def visible(name):
    return [cell for cell in code(name) if "hide-input" not in cell.metadata.get("tags", [])]


def words(value):
    return value if isinstance(value, str) else json.dumps(value)


@chapters
def test_the_parameters_are_few_and_each_says_the_laptops_and_the_papers_value(name):
    chosen, parameters = study(STUDIES[name]), declared(path(name))
    assert len(parameters) <= 8 and list(parameters)[:3] == ["preset", "compute", "seeds"]
    settings = [key for key in parameters if key not in ("preset", "compute", "seeds", *OWN.get(name, ()))]
    values = {
        who: chosen.configure(preset, {}).model_dump(mode="json")
        for preset, who in {"laptop": "laptop", **SCALE}.items()
        if preset in chosen.presets
    }
    for key in settings:
        assert parameters[key] == ", ".join(f"{who} {words(v[key])}" for who, v in values.items())
    assert all(parameters.values())


@chapters
def test_the_chapter_is_opened_by_its_variables_and_no_cell_takes_a_settings_name(name):
    fields = set(study(STUDIES[name]).config.model_fields)
    opening = [cell for cell in code(name) if OPENING in cell.source]
    assert len(opening) == 1
    calls = [node for node in ast.walk(ast.parse(opening[0].source)) if isinstance(node, ast.Call)]
    (call,) = [node for node in calls if ast.unparse(node.func) == "Chapter.open"]
    own = [repr(key) for key in OWN.get(name, ())]
    assert [ast.unparse(argument) for argument in call.args] == [repr(STUDIES[name]), "globals()", *own]
    # Opened again after the chapter has run, it must not take a variable for a setting.
    for cell in code(name):
        if "parameters" not in cell.metadata.get("tags", []):
            body = ast.parse(cell.source)
            inner = [node for node in ast.walk(body) if isinstance(node, ast.FunctionDef | ast.comprehension)]
            scoped = {leaf for node in inner for leaf in ast.walk(node)}
            stores = [n for n in ast.walk(body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            imported = {a.asname or a.name for n in ast.walk(body) for a in getattr(n, "names", ()) if a}
            assert not ({node.id for node in stores if node not in scoped} | imported) & fields, cell.id


@chapters
def test_the_science_is_in_plain_sight(name):
    sources = [cell.source for cell in visible(name)]
    whole = "\n".join(sources)
    assert "run" in [line for source in sources for line in source.splitlines()[-1:]]
    for shown in ("settings_beside(", "show_source(", "show_rules(", "chapter.show(", ".sel(", "assert "):
        assert shown in whole, shown
    assert len(sources) > 0.6 * len(code(name))
    # Code is read beside prose: short cells, whose lines fit the column.
    for cell in visible(name):
        assert len(cell.source.splitlines()) <= 32, cell.id
        assert max(len(line) for line in cell.source.splitlines()) <= 88, cell.id


@chapters
def test_a_name_that_is_no_setting_is_refused_under_plain_papermill(name, tmp_path, monkeypatch):
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))
    with pytest.raises(PapermillExecutionError) as caught:
        papermill.execute_notebook(
            path(name), tmp_path / "out.ipynb", {"sede": 1}, progress_bar=False, cwd=path(name).parent
        )
    assert "unknown parameter 'sede'; did you mean seeds?" in str(caught.value)
