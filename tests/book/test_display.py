"""Figures as inline SVG: words, ids, colours for light and dark pages."""

import re

import matplotlib
import pytest

from reprise.book.display import PAPER, figure_html, show
from reprise.book.page import read_page
from reprise.plots.style import ON_DARK, ON_LIGHT

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TEXT = {
    "caption": "Change per layer, 1 − ρ <over seeds>.",
    "alt": 'Six lines; the head\'s is "highest".',
    "name": "maml-base",
    "provenance": "5 units · seeds 0–4",
}


@pytest.fixture
def figure():
    fig, ax = plt.subplots(figsize=(4, 2))
    ax.plot([0, 1], [0, 1], color="#0072b2")
    ax.plot([0, 1], [1, 0], color="0.5", marker="o", markerfacecolor="white")
    ax.set_xlabel("meta-iteration")
    yield fig
    plt.close(fig)


def test_says_what_it_shows_and_where_from(figure):
    html = figure_html(figure, **TEXT)
    page = read_page(f"<article>{html}</article>")
    assert page.unlabelled == page.unsourced == []
    assert "maml-base" in page.ids
    assert "1 − ρ &lt;over seeds&gt;." in html
    assert 'role="img" aria-label="Six lines; the head&#x27;s is &quot;highest&quot;."' in html
    assert ">meta-iteration</text>" in html
    assert "\n\n" not in html


def test_ink_follows_the_page_and_colours_stay(figure):
    html = figure_html(figure, **TEXT)
    assert "stroke: var(--ink-0072b2, #0072b2)" in html
    assert "stroke: currentColor" in html
    assert f"stroke: color-mix(in srgb, currentColor 50%, {PAPER})" in html
    assert f"fill: {PAPER}" in html
    assert not re.search(r"#(?:000000|ffffff|808080|7f7f7f)\b", html)
    assert "DejaVu" not in html


def test_text_on_coloured_fields_stays(figure):
    for colour in (ON_LIGHT, ON_DARK):
        figure.axes[0].text(0, 0, "0.5", color=colour)
    html = figure_html(figure, **TEXT)
    assert "fill: var(--ink-000001, #000001)" in html
    assert "fill: var(--ink-fffffe, #fffffe)" in html


def test_two_figures_share_no_id_and_leave_the_page_alone(figure):
    first = figure_html(figure, **TEXT)
    second = figure_html(figure, **{**TEXT, "name": "maml-neighbour"})
    assert not set(re.findall(r'\bid="([^"]+)"', first)) & set(re.findall(r'\bid="([^"]+)"', second))
    for html in (first, second):
        used = set(re.findall(r"url\(#([^)]+)\)", html)) | set(re.findall(r'href="#([^"]+)"', html))
        assert used
        assert used <= set(re.findall(r'\bid="([^"]+)"', html))
        assert all(rule.startswith("#maml-") for rule in re.findall(r"<style[^>]*>([^{]*)", html))


def test_the_same_figure_gives_the_same_bytes(figure):
    assert figure_html(figure, **TEXT) == figure_html(figure, **TEXT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alt": " "}, "empty alt"),
        ({"caption": ""}, "empty caption"),
        ({"provenance": ""}, "empty provenance"),
        ({"name": "Fig 1"}, "lower-case letters"),
    ],
)
def test_a_figure_without_words_is_refused(figure, change, message):
    with pytest.raises(ValueError, match=message):
        figure_html(figure, **{**TEXT, **change})


def test_show_displays_once_and_closes(figure, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    show(figure, **TEXT)
    assert [item.data for item in shown] == [figure_html(figure, **TEXT)]
    assert not plt.fignum_exists(figure.number)
