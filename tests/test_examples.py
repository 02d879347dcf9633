"""Examples in docstrings say what happens: all of `similarity` and `training` run."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

from reprise import similarity, training

MODULES = sorted(
    info.name
    for package in (similarity, training)
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)


@pytest.mark.parametrize("name", ["reprise.similarity", *MODULES])
def test_examples_give_what_they_say(name):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert not failed


@pytest.mark.parametrize(
    "name", [name for name in similarity.__all__ if inspect.isfunction(getattr(similarity, name))]
)
def test_every_function_that_a_reader_takes_home_has_an_example(name):
    assert ">>> " in (inspect.getdoc(getattr(similarity, name)) or ""), name
