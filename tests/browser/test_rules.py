"""Rule matters in a built page, offline: the slider's numbers are Python's, by pointer and by keyboard."""

from pathlib import Path

import nbformat
import numpy as np
import pytest

from reprise.book.chapter import Chapter
from reprise.places import Places
from reprise.studies.maml.explorers import breadth_by_layers, distance_by_lag

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")]

ROOT = Path(__file__).parents[2]
WIDTHS = (360, 800, 1600)
IDS = ("m3a", "m3b", "t3b", "s3")


def cells() -> list[str]:
    """The code of the page, on the published units of this checkout."""
    notebook = nbformat.read(ROOT / "chapters" / "rules.ipynb", as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    places = f'Places(Path("{ROOT}/data"), Path("{ROOT}/results"), Path("{ROOT}/_runs"))'
    head = f"from pathlib import Path\n{sources[0].replace('missing', 'never', 1)}"
    return [head, sources[1].replace("Places.from_environment()", places), *sources[2:]]


@pytest.fixture(scope="module")
def rule_book(make_book) -> Path:
    return make_book({"rules": cells()})


@pytest.fixture
def opened(rule_book, open_tab, serve):
    def start(protocol="http", scheme="light"):
        tab = open_tab(scheme)
        tab.page.set_default_timeout(90_000)  # for machines that are busy with other things
        base = serve(rule_book) if protocol == "http" else rule_book.as_uri()
        tab.open(f"{base}/deep/down/rules.html")
        tab.page.locator(".rp-rule .rp-chart").nth(len(IDS) - 1).wait_for()
        return tab

    return start


@pytest.fixture(scope="module")
def run():
    places = Places(ROOT / "data", ROOT / "results", ROOT / "_runs")
    return Chapter.load("maml", places, "laptop", "never").run


def explorer(page, claim):
    return page.locator(f".rp-rule[aria-label^='{claim}:']")


def values(scope):
    """The values of the seeds behind the interval that is shown."""
    return [
        float(value) for value in scope.locator("[data-values]").first.get_attribute("data-values").split()
    ]


def verdict(scope):
    return scope.locator(".rp-details .rp-chip").first.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("protocol", ["http", "file"])
def test_explorers_stand_and_fit(protocol, scheme, opened, screenshots, alone):
    tab = opened(protocol, scheme)
    page = tab.page
    for name in IDS:
        assert not page.locator(f"#rule-{name}").is_visible()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{needed} px of {width}"
        for k, name in enumerate(IDS if protocol == "http" else ()):
            target = screenshots / f"explorer-rule-{name}-{scheme}-{width}.png"
            page.locator(".rp-rule").nth(k).screenshot(path=target, style=alone)
    page.emulate_media(media="print")
    assert not page.locator(".rp-explorer").first.is_visible()
    assert all(page.locator(f"#rule-{name}").is_visible() for name in IDS)
    assert tab.faults == []


def test_the_slider_answers_to_keys_and_says_what_python_says(opened, run):
    tab = opened("file")
    scope = explorer(tab.page, "M3a")
    rule = distance_by_lag(run)
    slider = scope.locator("input[type=range]")
    assert slider.get_attribute("aria-valuetext") == "25 iterations" and verdict(scope) == "supported"
    assert scope.locator(".rp-tally").inner_text() == rule.sentence("rsa-correlation")
    slider.focus()
    for key, value in (("ArrowRight", 30.0), ("ArrowRight", 35.0), ("End", 1350.0)):
        tab.page.keyboard.press(key)
        assert slider.get_attribute("aria-valuetext") == f"{value:.0f} iterations"
        part = rule.parts("rsa-correlation", value)[0]
        assert verdict(scope) == part.status
        assert part.interval() in scope.locator(".rp-details").inner_text()
        np.testing.assert_allclose(
            values(scope), rule.comparisons[0].endpoint("rsa-correlation", value)[0], atol=1e-9
        )
    scope.locator("label.rp-field select").select_option("cka-linear")
    assert scope.locator(".rp-tally").inner_text() == rule.sentence("cka-linear")
    scope.get_by_role("button", name="Registered choice").press("Enter")
    assert slider.get_attribute("aria-valuetext") == "25 iterations"
    # By pointer, in the picture.
    box = scope.locator(".rp-chart").bounding_box()
    tab.page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 100)
    assert 500 < float(slider.get_attribute("aria-valuetext").split()[0]) < 1000
    assert tab.faults == []


def test_boxes_choose_the_layers(opened, run):
    tab = opened("file")
    scope = explorer(tab.page, "M3b")
    rule = breadth_by_layers(run)
    assert verdict(scope) == "supported"
    scope.get_by_role("checkbox", name="logits").focus()
    tab.page.keyboard.press("Space")
    chosen = ("block1", "block2", "block3", "block4")
    assert verdict(scope) == rule.status("rsa-correlation", chosen) == "contradicted"
    expected = rule.comparisons[0].endpoint("rsa-correlation", chosen)[0]
    np.testing.assert_allclose(values(scope), expected, atol=1e-9)
    for name in ("block1", "block2"):
        scope.get_by_role("checkbox", name=name).uncheck()
    assert verdict(scope) == rule.status("rsa-correlation", ("block3", "block4"))
    # One layer alone has no number of layers: the box stays ticked, and a sentence says why.
    scope.get_by_role("checkbox", name="block3").click()
    assert scope.get_by_role("checkbox", name="block3").is_checked()
    assert "At least two layers" in scope.inner_text()
    assert tab.faults == []
