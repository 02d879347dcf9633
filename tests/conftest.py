"""A tiny run of study 1, made once for all tests of this session."""

import dataclasses
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
def tiny_places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    return Places(folder / "data", folder / "results", folder / "runs")


@pytest.fixture(scope="session")
def tiny_run(tiny_config, tiny_places):
    return run(study("maml"), tiny_config, (0, 1), tiny_places, preset="smoke", progress=False)


@pytest.fixture
def empty_places(tmp_path, tiny_places):
    return dataclasses.replace(tiny_places, published=tmp_path / "results", local=tmp_path / "runs")


@pytest.fixture
def lone_places(empty_places, tiny_run, tiny_places):
    """Places with the tiny run alone: other tests leave units of other conditions in the shared store."""
    (empty_places.local / "maml").mkdir(parents=True)
    for record in tiny_run.attrs["records"]:
        name = f"{record['unit']}.nc"
        shutil.copy(tiny_places.local / "maml" / name, empty_places.local / "maml" / name)
    return empty_places
