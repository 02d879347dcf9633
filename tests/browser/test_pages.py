"""Every page of the built book: nothing asked of other machines, no error, formulas drawn, none too wide."""

import pytest

pytestmark = pytest.mark.browser

WIDTHS = (360, 800, 1600)
PAPER = 718
"""Pixels of a sheet of A4 between margins of a centimetre."""

# What scrolls on a screen would end at the edge of the sheet.
CUT_ON_PAPER = """() => [...document.querySelectorAll("article *")]
  .filter(element => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1
    && getComputedStyle(element).overflowX !== "visible" && !element.closest(".math, svg"))
  .map(element => `${element.className}: ${element.scrollWidth} > ${element.clientWidth}`)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("protocol", ["http", "file"])
def test_page(page_name, protocol, scheme, book, open_tab, serve, screenshots):
    tab = open_tab(scheme)
    page = tab.page
    tab.open(f"{serve(book) if protocol == 'http' else book.resolve().as_uri()}/{page_name}")
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    formulas, drawn, wrong = page.evaluate(
        "['.math', '.math mjx-container', 'mjx-merror, [data-mjx-error]']"
        ".map(selector => document.querySelectorAll(selector).length)"
    )
    assert drawn >= formulas
    assert wrong == 0
    views = page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
    assert page.locator(".widget-subarea > *").count() >= views
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{page_name} needs {needed} px of {width}"
        if protocol == "http":
            target = screenshots / page_name.replace("/", "-").removesuffix(".html")
            page.screenshot(path=f"{target}-{scheme}-{width}.png", full_page=True)
    if protocol == "http" and scheme == "light":
        page.set_viewport_size({"width": PAPER, "height": 1000})
        page.emulate_media(media="print")
        assert page.evaluate(CUT_ON_PAPER) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PAPER
    assert tab.faults == []


def test_the_start_page_leads_into_the_book(book, open_tab, serve):
    for base in (serve(book), book.resolve().as_uri()):
        tab = open_tab()
        tab.page.goto(f"{base}/index.html")
        tab.page.wait_for_url("**/intro.html")
        assert tab.page.locator("article h1").inner_text()
        assert tab.faults == []


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_search_finds_a_page(protocol, book, open_tab, serve):
    tab = open_tab()
    base = serve(book) if protocol == "http" else book.resolve().as_uri()
    tab.open(f"{base}/search.html?q=preset")
    tab.page.wait_for_selector("#search-results li a", timeout=10_000)
    assert tab.page.locator("#search-results li a").count() >= 1
    assert tab.faults == []


def test_the_theme_can_be_switched_by_hand(book, open_tab, serve):
    tab = open_tab("light")
    tab.open(f"{serve(book)}/intro.html")
    seen = set()
    for _ in range(3):
        tab.page.locator(".theme-switch-button:visible").first.click()
        seen.add(tab.page.evaluate("document.documentElement.dataset.theme"))
    assert seen == {"light", "dark"}
    assert tab.faults == []


def test_a_dark_page_prints_light(book, open_tab, serve):
    tab = open_tab("dark")
    tab.open(f"{serve(book)}/chapters/how_to_read.html")
    assert tab.page.evaluate("document.documentElement.dataset.theme") == "dark"
    for media, theme in (("print", "light"), ("screen", "dark")):
        tab.page.emulate_media(media=media)
        tab.page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'", timeout=5_000)
        assert tab.page.locator(".bd-sidebar-primary").is_visible() == (media == "screen")
    assert tab.faults == []
