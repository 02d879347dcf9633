"""Sphinx extension of the book: offline assets, figure links, and checks of the built pages.

Loaded by ``_config.yml``, so that ``make book`` and a plain ``jupyter-book build .`` give the same book.
"""

import html
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError
from sphinx.util import logging

from reprise import __version__
from reprise.book import assets, checks, links, prose, status

_LOG = logging.getLogger(__name__)
CARD = "card.png"
"""Picture below ``assets/`` that stands for the book where a page is shared."""

_FIGURE = re.compile(r'<figure id="([^"]+)" class="reprise-figure"')
# Icons of a dataset's representation, beside labels that have titles: a listener need not hear of them.
_ICON = re.compile(r"<svg(?= (?:class='icon xr-|style=\"position: absolute; width: 0))")


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
    app.connect("builder-inited", write_results)
    app.connect("source-read", drop_injected)
    app.connect("source-read", read_prose)
    app.connect("env-purge-doc", forget_prose)
    app.connect("env-merge-info", merge_prose)
    app.connect("doctree-read", label_figures)
    app.connect("html-page-context", finish_page)
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


def write_results(app: Sphinx) -> None:
    """Put the table of all published results into the output folder, for pages to offer."""
    published = _root(app) / "results"
    if app.builder.format == "html" and published.is_dir():
        from reprise.book.tables import write_tables

        write_tables(published, Path(app.outdir) / "_static")


def read_prose(app: Sphinx, docname: str, content: list[str]) -> None:
    """Look for results that were typed by hand into a page."""
    notebook = str(app.env.doc2path(docname)).endswith(".ipynb")
    text = prose.prose_of(json.loads(content[0])) if notebook else content[0]
    constants = prose.declared_constants(_root(app) / "chapters")
    _typed(app.env)[docname] = prose.typed_results(text, constants.get(docname, constants["*"]))


def forget_prose(_app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """A page that is read again is checked again."""
    _typed(env).pop(docname, None)


def merge_prose(_app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Take over what another process has read."""
    _typed(env).update({name: found for name, found in _typed(other).items() if name in docnames})


def finish_page(app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Put addresses into links by name, and the table of executed notebooks where a page asks for it."""
    if "body" not in context or app.builder.format != "html":
        return
    context["metatags"] = context.get("metatags", "") + _card(app, pagename, context)
    body = _ICON.sub('<svg aria-hidden="true"', context["body"])
    if status.MARK in body:
        body = body.replace(status.MARK, _status(app))
    if links.PREFIX in body:
        targets = _targets(app)

        def address(name: str) -> str | None:
            page = targets.get(name)
            if page is None:
                return None
            return f"{app.builder.get_relative_uri(pagename, page) if page != pagename else ''}#{name}"

        body = links.resolve(body, address)
    context["body"] = body


def drop_injected(app: Sphinx, docname: str, content: list[str]) -> None:
    """Drop the cell that papermill injected: the build's own parameters, which no reader gave."""
    if not str(app.env.doc2path(docname)).endswith(".ipynb"):
        return
    notebook = json.loads(content[0])
    for cell in notebook.get("cells", []):
        tags = cell["metadata"].setdefault("tags", [])
        if "injected-parameters" in tags:
            tags.append("remove-cell")
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
    typed = sorted(_typed(app.env).items())
    problems += [checks.Problem(name, "typed", what) for name, found in typed for what in found]
    for problem in problems:
        _LOG.error("book check: %s", problem)
    if problems:
        raise BookError(f"{len(problems)} finding{'s' if len(problems) > 1 else ''}, listed above")
    _LOG.info("book check: %d pages are sound", len(pages))


def _card(app: Sphinx, pagename: str, context: dict[str, Any]) -> str:
    """What sites show of a shared page; the picture's address is whole where ``html_baseurl`` is set."""
    if not (Path(app.srcdir) / "assets" / CARD).is_file():
        return ""
    title = re.sub(r"<[^>]*>", "", context.get("title", "")) or app.config.project
    base = (
        app.config.html_baseurl.rstrip("/") + "/" if app.config.html_baseurl else "../" * pagename.count("/")
    )
    facts = {
        "og:type": "article",
        "og:site_name": str(app.config.html_title or app.config.project),
        "og:title": title,
        "og:description": "What networks keep when they learn again: three papers, executable.",
        "og:image": f"{base}_static/{CARD}",
        "og:image:alt": "A line of similarity that falls from the first layer of a network to its head.",
        "twitter:card": "summary_large_image",
    }
    return "".join(f'<meta property="{k}" content="{html.escape(v)}">\n' for k, v in facts.items())


def _typed(env: BuildEnvironment) -> dict[str, list[str]]:
    """Page → results that were typed by hand into it; kept with what Sphinx keeps between builds."""
    if not hasattr(env, "reprise_typed"):
        env.reprise_typed = {}  # type: ignore[attr-defined]
    return env.reprise_typed  # type: ignore[attr-defined]


def _targets(app: Sphinx) -> dict[str, str]:
    """Id → page, of everything that generated HTML offers as a target; the first page by name has it."""
    if not hasattr(app, "reprise_targets"):
        found: dict[str, str] = {}
        for name in sorted(app.env.found_docs):
            for node in app.env.get_doctree(name).findall(nodes.raw):
                for target in links.ids_of(node.astext()):
                    found.setdefault(target, name)
        app.reprise_targets = found  # type: ignore[attr-defined]
    return app.reprise_targets  # type: ignore[attr-defined]


def _status(app: Sphinx) -> str:
    executed = []
    for name in sorted(app.env.found_docs):
        path = Path(app.env.doc2path(name))
        if path.suffix == ".ipynb":
            # A build that executes by itself keeps the time beside the page, not in the notebook.
            data = getattr(app.env, "nb_metadata", {}).get(name, {}).get("exec_data") or {}
            executed.append(status.read_executed(name, path, data.get("runtime")))
    titles = {name: title.astext() for name, title in app.env.titles.items()}
    return status.status_table(executed, titles)


def _root(app: Sphinx) -> Path:
    if app.config.reprise_root:
        return Path(app.config.reprise_root)
    source = Path(app.srcdir)
    for folder in (source, *source.parents):
        if (folder / "package-lock.json").is_file():
            return folder
    return source
