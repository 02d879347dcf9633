"""Tiny notebooks and books."""

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from reprise.book import assets

Cell = str | tuple[str, list[str]]

CONFIG = """\
title: Tiny
author: Nobody
only_build_toc_files: true
execute: {execute_notebooks: force}
sphinx:
  config:
    extensions:
      - myst_nb
      - jupyter_book
      - sphinx_comments
      - sphinx_external_toc
      - sphinx_book_theme
      - reprise.book.sphinx_ext
    html_theme_options: {navbar_persistent: [], search_bar_text: Search}
"""


def _notebook(path: Path, cells: list[Cell]) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    for cell in cells:
        source, tags = (cell, []) if isinstance(cell, str) else cell
        new = nbformat.v4.new_markdown_cell if source.startswith("# ") else nbformat.v4.new_code_cell
        notebook.cells.append(new(source, metadata={"tags": tags}))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def write_notebook() -> Callable[[Path, list[Cell]], Path]:
    """Write a notebook of code cells; a source that starts with '# ' becomes Markdown."""
    return _notebook


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of one page and one chapter; its npm packages are stand-ins, so that no test installs any."""
    root = tmp_path / "book"
    root.mkdir()
    (root / "_config.yml").write_text(CONFIG)
    (root / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters:\n  - file: chapters/one\n")
    (root / "intro.md").write_text("# Tiny\n\nSee [the chapter](chapters/one.ipynb).\n")
    cells: list[Cell] = ["# One", ("compute = 'missing'", ["parameters"]), "print('compute is', compute)"]
    _notebook(root / "chapters" / "one.ipynb", cells)
    (root / "package-lock.json").write_text("{}")
    modules = root / "node_modules"
    stand_ins = {
        "requirejs/require.js": "",
        "mathjax/es5/tex-svg.js": "",
        "@jupyter-widgets/html-manager/dist/embed-amd.js": "n.p=`${s.origin}${s.pathname}`",
    }
    for name, text in stand_ins.items():
        (modules / name).parent.mkdir(parents=True, exist_ok=True)
        (modules / name).write_text(text)
    shutil.copyfile(root / "package-lock.json", modules / ".reprise-lock")
    assert assets.install(root) == modules
    return root
