"""Widgets in a built page, offline: state survives papermill, bytes arrive as a DataView, controls answer."""

import os
from pathlib import Path

import nbformat
import pytest

from reprise.book.build import build_book

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")]

ROOT = Path(__file__).parents[2]

CELLS = [
    "import ipywidgets\nipywidgets.IntSlider(value=3, min=0, max=10, description=r'$\\rho$ layer')",
    """import anywidget, numpy, traitlets
class Probe(anywidget.AnyWidget):
    _esm = '''
    function render({ model, el }) {
      const bytes = model.get("data");
      const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
      const button = document.createElement("button");
      button.className = "probe";
      button.textContent = [bytes instanceof DataView, numbers.length, numbers[1999999]].join(" ");
      model.on("change:count", () => { button.textContent = `clicked ${model.get("count")}`; });
      button.addEventListener("click", () => {
        model.set("count", model.get("count") + 1);
        model.save_changes();
      });
      el.append(button);
    }
    export default { render };
    '''
    _css = ".probe { outline: 3px solid rgb(1, 2, 3); }"
    data = traitlets.Bytes().tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
Probe(data=numpy.arange(2_000_000, dtype="float32").tobytes())""",
]

TOC = "format: jb-book\nroot: intro\nchapters:\n  - file: deep/down/widgets\n"


@pytest.fixture(scope="module")
def widget_book(tmp_path_factory, browser) -> Path:
    """A book with the real configuration and assets, and one chapter of widgets two folders down."""
    root = tmp_path_factory.mktemp("widgets")
    for name in ("_config.yml", "assets", "package.json", "package-lock.json", ".npmrc", "node_modules"):
        if (ROOT / name).exists():
            os.symlink(ROOT / name, root / name)
    (root / "references.bib").write_text("")
    (root / "_toc.yml").write_text(TOC)
    (root / "intro.md").write_text("# Start\n")
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# Widgets\n\nWith $x^2$.")]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in CELLS]
    (root / "deep" / "down").mkdir(parents=True)
    nbformat.write(notebook, root / "deep" / "down" / "widgets.ipynb")
    # 8 MB of numbers become 10.7 MB of text: the size limit is another test's subject.
    config = (
        (root / "_config.yml").read_text().replace("    language: en\n", "    reprise_page_limit: 12000000\n")
    )
    (root / "_config.yml").unlink()
    (root / "_config.yml").write_text(config)
    return build_book(root).index.parent


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("protocol", ["http", "file"])
def test_widgets_work_offline(protocol, scheme, widget_book, open_tab, serve):
    tab = open_tab(scheme)
    page = tab.page
    base = serve(widget_book) if protocol == "http" else widget_book.as_uri()
    tab.open(f"{base}/deep/down/widgets.html")

    probe = page.locator("button.probe")
    assert probe.inner_text() == "true 2000000 1999999"
    assert probe.evaluate("element => getComputedStyle(element).outlineColor") == "rgb(1, 2, 3)"
    probe.click()
    assert probe.inner_text() == "clicked 1"
    probe.press("Enter")
    assert probe.inner_text() == "clicked 2"

    assert page.locator(".widget-readout").inner_text() == "3"
    page.locator(".noUi-handle").press("ArrowRight")
    assert page.locator(".widget-readout").inner_text() == "4"
    # Formulas in labels go through the stand-in for MathJax 2's queue.
    page.wait_for_selector(".widget-label mjx-container", timeout=10_000)
    assert tab.faults == []
