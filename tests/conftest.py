"""A tiny run of study 1, made once for all tests of this session."""

import ast
import re
import shutil
from pathlib import Path

import pytest
import xarray as xr

from reprise.engine.runner import run
from reprise.engine.study import study
from reprise.places import Places
from reprise.similarity import measures

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


@pytest.fixture(scope="session")
def walks():
    """Blocks of CONTRIBUTING.md that say where they belong: path → source."""
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.finditer(
        r"^```(?:python|js|yaml|toml)\n(?:#|//) (\S+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    )
    return {block[1]: block[2] for block in blocks}


@pytest.fixture(scope="session")
def last_value():
    """Execute a block in a namespace; gives the value of the expression at its end."""

    def value(source, namespace):
        *before, last = ast.parse(source).body
        assert isinstance(last, ast.Expr)
        exec(compile(ast.Module(before, []), "CONTRIBUTING.md", "exec"), namespace)
        return eval(compile(ast.Expression(last.value), "CONTRIBUTING.md", "eval"), namespace)

    return value


@pytest.fixture
def further(walks, last_value, monkeypatch):
    """The measure that CONTRIBUTING.md adds, which no unit holds, in the registry for the time of a test."""
    entry = last_value(walks["lib/reprise/similarity/measures.py"], dict(vars(measures)))
    monkeypatch.setitem(measures.MEASURES, entry.id, entry)
    return entry


@pytest.fixture
def holding(further):
    """What makes of a run one whose units hold that measure too, with the values of another one."""

    def hold(run):
        own = run.isel(measure=[-1]).assign_coords(measure=[further.id])
        along = [name for name, values in run.data_vars.items() if "measure" in values.dims]
        return (
            run.drop_vars(along)
            .drop_vars("measure")
            .merge(xr.concat([run[along], own[along]], "measure"), combine_attrs="no_conflicts")
            .assign_attrs(run.attrs)
        )

    return hold
