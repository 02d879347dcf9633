"""Parameters of chapters: declared in a notebook, given by papermill or a reader, refused if unknown."""

import math

import pytest

from reprise.book.parameters import assigned_since_opened, declared, given
from reprise.places import UserError

KNOWN = ("preset", "seeds", "ways")
OPEN = "from reprise.book.chapter import Chapter\nchapter = Chapter.open('maml', globals())"


def test_declared_parameters_come_with_what_is_said_of_them(tmp_path, write_notebook):
    cell = "# of all\nways: int = 5  # laptop 5, paper 20\npreset = 'laptop'\nseeds = [\n    1,\n]  # a list"
    source = write_notebook(tmp_path / "one.ipynb", ["# Title", (cell, ["parameters"]), "other = 1"])
    assert declared(source) == {"ways": "laptop 5, paper 20", "preset": "", "seeds": "a list"}
    assert declared(write_notebook(tmp_path / "none.ipynb", ["other = 1"])) == {}


def test_files_that_are_no_notebooks_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no notebook at .*nowhere\.ipynb"):
        declared(tmp_path / "nowhere.ipynb")
    (tmp_path / "text.ipynb").write_text("hello")
    with pytest.raises(ValueError, match="is not a notebook"):
        declared(tmp_path / "text.ipynb")


def test_values_are_read_by_name_whatever_else_a_notebook_holds():
    variables = {"In": ["", "ways = 5", OPEN], "ways": 5, "rows": [1], "math": math, "preset": None}
    assert given(variables, KNOWN, "study maml") == {"ways": 5, "preset": None}


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["preset = 'a'", "# Parameters\nway = float('nan')\nx: int = 2 * 5", OPEN], "way x preset"),
        # A notebook that has run, and is opened again: its own variables are none.
        (["way = 1", OPEN, "rows = chapter.run", "ways = 3", "text = f'{rows}'", OPEN], "ways"),
        # What was refused before is forgotten.
        (["way = 1", OPEN, OPEN], ""),
        (["%matplotlib inline", "a, b = 1, 2", "a.b = 1", "print(1)", "a = 1\nprint(a)", OPEN], ""),
    ],
)  # fmt: skip
def test_parameters_are_told_from_variables_by_the_kernels_history(cells, names):
    assert sorted(assigned_since_opened(["", *cells])) == sorted(names.split())


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(
        UserError, match=r"unknown parameter 'way'; did you mean ways\?; study maml has: preset, seeds, ways"
    ):
        given({"In": ["", "way = 5", OPEN], "way": 5}, KNOWN, "study maml")
    with pytest.raises(UserError, match="unknown parameter 'zzz'; study maml has: preset, seeds, ways"):
        given({"zzz": 1, "_private": 2, "math": math, "print": print}, KNOWN, "study maml")
