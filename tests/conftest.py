"""A tiny run of study 1, made once for all tests of this session."""

import shutil

import pytest

from reprise.engine.runner import run
from reprise.engine.study import study
from reprise.places import Places

TINY = {"filters": 8, "analysis_tasks": 2, "evaluation_tasks": 4, "analysis_queries": 2, "analysis_steps": 2}


@pytest.fixture(scope="session")
def tiny_settings():
    """What makes the smoke preset tiny."""
    return dict(TINY)


@pytest.fixture(scope="session")
def tiny_config(tiny_settings):
    return study("maml").configure("smoke", tiny_settings)


@pytest.fixture(scope="session")
def _tiny(tiny_config, tmp_path_factory):
    """The run and the places that it was computed in, which no test sees: each works on a copy."""
    folder = tmp_path_factory.mktemp("tiny")
    places = Places(folder / "data", folder / "results", folder / "runs")
    return run(study("maml"), tiny_config, (0, 1), places, preset="smoke", progress=False), places


@pytest.fixture(scope="session")
def tiny_run(_tiny):
    return _tiny[0]


@pytest.fixture(scope="module")
def tiny_places(_tiny, tmp_path_factory):
    """Places with the tiny run, for a module that reads them, or whose own fixtures add to them."""
    return _copy(_tiny[1], tmp_path_factory.mktemp("places"))


@pytest.fixture
def lone_places(_tiny, tmp_path):
    """Places with the tiny run and nothing else, for one test, which may change them."""
    return _copy(_tiny[1], tmp_path / "lone")


@pytest.fixture
def empty_places(tmp_path):
    return Places(tmp_path / "data", tmp_path / "results", tmp_path / "runs")


def _copy(places, folder):
    shutil.copytree(places.local, folder / "runs")
    return Places(folder / "data", folder / "results", folder / "runs")
