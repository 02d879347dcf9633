"""The page "When the rule decides", executed on the published units."""

import re
from pathlib import Path

import nbformat
import pytest

from reprise.book.driver import execute_notebook
from reprise.claims.verdict import ORDER

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "chapters" / "rules.ipynb"
IDS = ("m3a", "m3b", "t3b", "s3")


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRISE_STORE", str(folder / "runs"))
        patch.chdir(ROOT)
        execute_notebook(PAGE, folder / "rules.ipynb", {"compute": "never"}, progress=False)
    return nbformat.read(folder / "rules.ipynb", as_version=4)


def _shown(notebook, kind):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def test_each_rule_has_an_explorer_and_a_static_twin(executed):
    figures = [page for page in _shown(executed, "text/html") if "<figure" in page]
    assert [re.findall(r'<figure id="([\w-]+)"', page) for page in figures] == [[f"rule-{i}"] for i in IDS]
    for page in figures:
        assert "<figcaption" in page and "aria-label" in page and "commit " in page
    assert len(_shown(executed, "application/vnd.jupyter.widget-view+json")) == len(IDS)


def test_what_comes_out_is_said_first_and_by_the_numbers(executed):
    first = _shown(executed, "text/markdown")[0]
    assert first.startswith("The verdict")
    lines = re.findall(r"^- \*\*(\w+)\*\*, [^?]+\? .+$", first, re.MULTILINE)
    assert sorted({line.lower() for line in lines}) == sorted(IDS)
    for line in first.splitlines()[2:]:
        assert any(status in line.lower() for status in ORDER)
    # M3a's lag can be moved far enough to turn it: the control of the page.
    m3a = next(line for line in first.splitlines() if "**M3a**" in line)
    assert "Supported from" in m3a and "contradicted from" in m3a


def test_nothing_is_warned_of(executed):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [o.text for o in outputs if o.get("name") == "stderr" and "Warning" in o.text]
    assert not re.search(r"\bnan\b", "\n".join(_shown(executed, "text/markdown")))
