"""Chromium, the built book over http and from the file system, and a log of all that a page must not do."""

import functools
import http.server
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

from reprise.book.build import build_book

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "_build" / "screenshots"
# Without the last ones Chromium itself looks for its maker's hosts when it starts.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def built_book() -> Path:
    """Where `make book` puts the book, or what REPRISE_BOOK names."""
    return Path(os.environ.get("REPRISE_BOOK", ROOT / "_build" / "html"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each page that a reader can open; a single, skipped one where there is no book."""
    if "page_name" not in metafunc.fixturenames:
        return
    folder = built_book()
    found = sorted(path.relative_to(folder) for path in folder.rglob("*.html")) if folder.is_dir() else []
    names = [
        path.as_posix()
        for path in found
        if path.parts[0] not in ("_static", "_sources") and path.stem != "index"
    ]
    metafunc.parametrize("page_name", names or ["no built book"])


@pytest.fixture
def book() -> Path:
    """The built book's folder."""
    folder = built_book()
    if not (folder / "index.html").is_file():
        pytest.skip(f"no built book at {folder}: run `make book` first")
    return folder


@pytest.fixture
def screenshots() -> Path:
    """Where pictures of the pages are kept."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS


def chromium() -> str | None:
    """A Chromium of this machine; no test downloads one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


# The theme's own bars would lie across a picture that is taken in parts.
ALONE = """.bd-header-article, .bd-header, .skip-link, #pst-skip-link,
#pst-back-to-top { display: none !important }
.rp-outcome { position: static !important }"""


@pytest.fixture(scope="session")
def alone() -> str:
    """A style sheet for pictures of parts of a page."""
    return ALONE


@pytest.fixture(scope="module")
def make_book(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Callable[..., Path]:
    """Build a book with the real configuration and assets, and pages of code cells two folders down."""

    def make(pages: dict[str, list[str]]) -> Path:
        root = tmp_path_factory.mktemp("book")
        for name in ("assets", "package.json", "package-lock.json", ".npmrc", "node_modules"):
            if (ROOT / name).exists():
                os.symlink(ROOT / name, root / name)
        (root / "references.bib").write_text("")
        listed = "".join(f"  - file: deep/down/{name}\n" for name in pages)
        (root / "_toc.yml").write_text(f"format: jb-book\nroot: intro\nchapters:\n{listed}")
        (root / "intro.md").write_text("# Start\n")
        (root / "_config.yml").write_text((ROOT / "_config.yml").read_text())
        (root / "deep" / "down").mkdir(parents=True)
        for name, sources in pages.items():
            notebook = nbformat.v4.new_notebook()
            notebook.cells = [nbformat.v4.new_markdown_cell(f"# {name.title()}")]
            notebook.cells += [nbformat.v4.new_code_cell(source) for source in sources]
            nbformat.write(notebook, root / "deep" / "down" / f"{name}.ipynb")
        # The limit on the size of a page holds here as for any other.
        return build_book(root).index.parent

    return make


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A running Chromium."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: install Debian's package chromium to run the browser tests")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve a folder on this machine; returns its address."""
    servers: dict[Path, http.server.ThreadingHTTPServer] = {}

    def start(folder: Path) -> str:
        if folder not in servers:
            handler = functools.partial(_Quiet, directory=str(folder))
            servers[folder] = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            threading.Thread(target=servers[folder].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[folder].server_address[1]}"

    yield start
    for server in servers.values():
        server.shutdown()


@dataclass
class Tab:
    """A page with a log of its faults.

    Attributes:
        page: Playwright's page.
        faults: Console errors, script errors, failed requests and requests to other machines.
    """

    page: Any
    faults: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        """Load a page and wait for its formulas and widgets."""
        self.page.goto(address, wait_until="load")
        self.page.evaluate(SETTLED)


# MathJax and the widgets work on after the load event.
SETTLED = """async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  const views = document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]').length;
  for (let i = 0; i < 100; i++) {
    const drawn = document.querySelectorAll('.widget-subarea > *').length;
    if (drawn >= views) break;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  await new Promise(resolve => setTimeout(resolve, 50));
}"""


@pytest.fixture
def open_tab(browser: Any) -> Iterator[Callable[[str, int], Tab]]:
    """Open an empty tab in a colour scheme; requests to other machines are blocked and logged."""
    contexts = []

    def start(scheme: str = "light", width: int = 1280) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        context.route(re.compile(r"^(https?|wss?)://(?!127\.0\.0\.1[:/])"), lambda route: route.abort())
        tab = Tab(context.new_page())
        page = tab.page
        page.on("console", lambda m: tab.faults.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda error: tab.faults.append(f"script: {error}"))
        page.on("requestfailed", lambda request: tab.faults.append(f"failed: {request.url[:200]}"))
        page.on(
            "request",
            lambda request: tab.faults.append(f"asked: {request.url[:200]}") if _far(request) else None,
        )
        return tab

    yield start
    for context in contexts:
        context.close()


def _far(request: Any) -> bool:
    return not request.url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:"))
