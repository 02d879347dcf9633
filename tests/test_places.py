"""Where data, results and runs lie."""

from pathlib import Path

import pytest

from reprise.places import Places

LIBRARY = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "chapters" / "maml").mkdir(parents=True)
    (tmp_path / "_toc.yml").touch()
    return tmp_path.resolve()


def test_without_variables_all_lies_in_the_checkout_around(checkout):
    for start in (checkout, checkout / "chapters" / "maml"):
        places = Places.from_environment({}, start)
        assert places == Places(checkout / "data", checkout / "results", checkout / "_runs", checkout)


def test_variables_move_data_and_runs_but_not_what_is_published(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    variables = {"REPRISE_DATA": "~/sets", "REPRISE_STORE": str(tmp_path / "a" / ".." / "runs")}
    places = Places.from_environment(variables, checkout)
    assert places.data == tmp_path / "home" / "sets" and places.local == tmp_path / "runs"
    assert places.published == checkout / "results"
    assert Places.from_environment({"REPRISE_DATA": ""}, checkout).data == checkout / "data"


def test_the_environment_and_the_current_folder_are_the_defaults(checkout, tmp_path, monkeypatch):
    monkeypatch.chdir(checkout / "chapters")
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("REPRISE_DATA", raising=False)
    places = Places.from_environment()
    assert (places.root, places.local) == (checkout, tmp_path / "elsewhere")
    assert places.data == checkout / "data"


def test_outside_a_checkout_the_one_of_the_library_is_taken(tmp_path):
    (tmp_path / "_toc.yml").touch()  # a book, but none of ours: it has no chapters
    assert Places.from_environment({}, tmp_path).root == LIBRARY


def test_an_installed_library_works_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("reprise.places._is_checkout", lambda _folder: False)
    places = Places.from_environment({}, tmp_path)
    here = tmp_path.resolve()
    assert places == Places(here / "data", here / "results", here / "_runs", None)
