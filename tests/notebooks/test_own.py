"""The worked examples of a network and of data of one's own, executed with small parameters."""

from pathlib import Path

import nbformat
import pytest

from reprise.book.driver import execute_notebook

OWN = Path(__file__).parents[2] / "chapters" / "own.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    target = tmp_path_factory.mktemp("own") / "own.ipynb"
    parameters = {"stimuli": 16, "steps": 20, "meta_iterations": 3}
    return nbformat.read(execute_notebook(OWN, target, parameters, progress=False), as_version=4)


def outputs(notebook, cell):
    (found,) = [one for one in notebook.cells if one.id == cell]
    return [output["data"] for output in found.outputs if "data" in output]


def test_the_profile_is_drawn_with_words(executed):
    (figure,) = outputs(executed, "own-profile-figure")
    assert 'id="own-profile"' in figure["text/html"] and "16 images" in figure["text/html"]
    assert figure["text/html"].count("layer ") >= 4


def test_measures_that_ignore_rotations_find_the_same(executed):
    (said,) = outputs(executed, "own-arrays")
    values = eval(said["text/plain"], {"np": __import__("numpy")})
    assert set(values) == {"linear CKA", "RSA, Euclidean"}
    assert all(value == pytest.approx(1, abs=1e-9) for value in values.values())


def test_own_images_become_tasks_that_can_be_learned_from(executed):
    (shape,) = outputs(executed, "own-data")
    assert "[4, 5, 1, 28, 28]" in shape["text/plain"]
    (said,) = outputs(executed, "own-learned")
    assert "in the last three of 3; chance is 20%" in said["text/markdown"]
