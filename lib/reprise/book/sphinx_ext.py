"""Sphinx extension of the book: offline assets, folded code, figure links, and checks of the built pages.

Loaded by ``_config.yml``, so that ``make book`` and a plain ``jupyter-book build .`` give the same book.
"""

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import SphinxError
from sphinx.util import logging

from reprise import __version__
from reprise.book import assets, checks

_LOG = logging.getLogger(__name__)
_FIGURE = re.compile(r'<figure id="([^"]+)" class="reprise-figure"')
# Tags with which an author has already said how a cell's code is to be shown.
_DECIDED = {
    *("parameters", "show-input", "hide-input", "hide-cell", "remove-input", "remove-cell"),
    *("hide-output", "remove-output"),
}


class BookError(SphinxError):
    """The built book does not hold what its checks ask for."""

    category = "Book check"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    # The folder with package-lock.json; the staged build names it, a plain build finds it above its sources.
    app.add_config_value("reprise_root", "", "")
    app.add_config_value("reprise_page_limit", checks.PAGE_LIMIT, "", [int])
    app.connect("config-inited", use_local_scripts)
    app.connect("builder-inited", copy_scripts)
    app.connect("source-read", fold_code)
    app.connect("doctree-read", label_figures)
    app.connect("build-finished", check_pages)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}


def use_local_scripts(app: Sphinx, config: Config) -> None:
    """Point MathJax and the widgets to the copies that the book carries."""
    config.mathjax_path = assets.MATHJAX
    # MathJax's menu would load more scripts when used; assistive MathML stays on without it.
    options = {**(config.mathjax3_config or {}).get("options", {}), "enableMenu": False}
    config.mathjax3_config = {**(config.mathjax3_config or {}), "options": options}
    config.nb_ipywidgets_js = assets.WIDGET_SCRIPTS


def copy_scripts(app: Sphinx) -> None:
    """Copy the scripts into the output folder, before any page needs them."""
    if app.builder.format != "html":
        return
    try:
        assets.collect(_root(app), Path(app.outdir) / "_static")
    except assets.AssetError as error:
        raise BookError(str(error)) from error


def fold_code(app: Sphinx, docname: str, content: list[str]) -> None:
    """Fold every code cell except the parameters; drop the cell that papermill injected."""
    if not str(app.env.doc2path(docname)).endswith(".ipynb"):
        return
    notebook = json.loads(content[0])
    for cell in notebook.get("cells", []):
        tags = cell["metadata"].setdefault("tags", [])
        if "injected-parameters" in tags:
            tags.append("remove-cell")
        elif cell["cell_type"] == "code" and not _DECIDED & set(tags):
            tags.append("hide-input")
    content[0] = json.dumps(notebook)


def label_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Make figures shown by chapters link targets: ``[text](#name)`` works from any page."""
    domain = app.env.get_domain("std")
    for node in doctree.findall(nodes.raw):
        for name in _FIGURE.findall(node.astext()):
            before = domain.data["anonlabels"].get(name)
            if before and before[0] != app.env.docname:
                _LOG.warning("figure name %s is used on %s too", name, before[0], location=node)
            domain.data["anonlabels"][name] = (app.env.docname, name)
            domain.data["labels"][name] = (app.env.docname, name, name)


def check_pages(app: Sphinx, exception: Exception | None) -> None:
    """Read all built pages and fail the build on any finding."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    # Pages of this build only: an output folder can hold leftovers of an earlier one.
    names = {*app.env.found_docs, "index", "genindex", "search"}
    pages = [f"{name}.html" for name in names if (folder / f"{name}.html").is_file()]
    problems = checks.check_book(folder, pages=pages, limit=app.config.reprise_page_limit)
    for problem in problems:
        _LOG.error("book check: %s", problem)
    if problems:
        raise BookError(f"{len(problems)} finding{'s' if len(problems) > 1 else ''}, listed above")
    _LOG.info("book check: %d pages are sound", len(pages))


def _root(app: Sphinx) -> Path:
    if app.config.reprise_root:
        return Path(app.config.reprise_root)
    source = Path(app.srcdir)
    for folder in (source, *source.parents):
        if (folder / "package-lock.json").is_file():
            return folder
    return source
