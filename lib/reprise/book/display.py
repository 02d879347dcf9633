"""Show a matplotlib figure as inline SVG with caption, alternative text and provenance.

Light and dark pages share one drawing. Instead of drawing twice or inverting with a filter, colours are
rewritten once, when the figure is shown. Neutral greys become mixtures of the page's text colour and its
background: black is the text, white the paper, and a light grid stays faint on a dark page. A colour that
carries meaning, as ``#0f4a78``, becomes ``var(--ink-0f4a78, #0f4a78)``: ``assets/reprise.css`` gives those
that would be lost on a dark page a lighter value there; wherever it is not loaded, the colour is as drawn. A
figure made for this draws ink in black and greys on a transparent background. Text on a coloured field must
not follow the page: ``ON_LIGHT`` and ``ON_DARK`` of ``reprise.plots.style`` are a black and a white that
stay.

Text stays text (``svg.fonttype: none``) in the reader's system font, so it can be selected, searched and read
aloud. Ids inside the SVG get the figure's name as prefix: several figures can stand on one page.
"""

import html
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .links import link

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
# The page's background in the built book, in JupyterLab, and anywhere else.
PAPER = "var(--pst-color-background, var(--jp-layout-color0, Canvas))"

# Points of an SVG are 1/72 inch and matplotlib's sizes are true to that; a page counts 96 pixels an inch.
_PX_PER_POINT = 96 / 72
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_COLOUR = re.compile(r"(?P<property>fill|stroke|stop-color|color):\s*#(?P<hex>[0-9a-fA-F]{6})\b")
_FONT = re.compile(r"(?P<head>font(?:-family)?:[^;\"']*?)(?P<families>'[^;\"]*)(?=[;\"])")


def show(
    fig: "Figure", *, caption: str, alt: str, name: str, provenance: str, units: Sequence[str] = ()
) -> None:
    """Display a figure in a chapter and close it.

    Works in the built book, in JupyterLab and in VS Code: the output is one self-contained piece of HTML.

    Args:
        fig: The figure; shown at its own size, narrower pages scale it down and then scroll it.
        caption: What the figure shows, one or two sentences; plain text.
        alt: The figure in words, for readers who do not see it: what is drawn and what it says.
        name: Id of the figure on its page: lower-case letters, digits and hyphens, as in ``maml-base``.
            Prose links to it with ``[text](#maml-base)``.
        provenance: One line: units, seeds, data, commit, device, date, seconds.
        units: Ids of the units shown, each linked to its record in the book; none
            for what is computed on the page.

    Raises:
        ValueError: An empty caption, alt or provenance, or a name of another form.
    """
    from IPython.display import HTML, display

    fragment = figure_html(fig, caption=caption, alt=alt, name=name, provenance=provenance, units=units)
    try:
        display(HTML(fragment))
    finally:
        _close(fig)


def figure_html(
    fig: "Figure", *, caption: str, alt: str, name: str, provenance: str, units: Sequence[str] = ()
) -> str:
    """The HTML that ``show`` displays; arguments and errors as there."""
    for what, value in (("caption", caption), ("alt", alt), ("provenance", provenance)):
        if not value.strip():
            raise ValueError(f"figure {name!r} has an empty {what}")
    if not _NAME.fullmatch(name):
        raise ValueError(f"figure name {name!r}: use lower-case letters, digits and hyphens, e.g. maml-base")
    drawing = _svg(fig, name=name, alt=alt)
    return (
        f'<figure id="{name}" class="reprise-figure" role="group" aria-labelledby="{name}-caption">'
        # Focusable, so that a figure wider than a phone's page scrolls by keyboard too.
        f'<div class="reprise-figure-scroll" tabindex="0" style="overflow-x: auto">{drawing}</div>'
        f'<figcaption id="{name}-caption">{html.escape(caption)} '
        f'<span class="provenance">{html.escape(provenance)}</span>'
        f"{_records(units)}</figcaption></figure>"
    )


def _records(units: Sequence[str]) -> str:
    """Links to the units' records, folded where they are many."""
    if not units:
        return ""
    links = " ".join(link(f"unit-{name}", name[:8]) for name in units)
    words = "record of the unit" if len(units) == 1 else f"records of the {len(units)} units"
    return f'<details class="units"><summary>{words}</summary>{links}</details>'


def _svg(fig: "Figure", *, name: str, alt: str) -> str:
    import matplotlib

    buffer = io.StringIO()
    # A fixed salt and no date: the same figure gives the same bytes, and clip paths of two figures differ.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        # Cut to what is drawn, as notebooks do: no label is clipped and no margin wasted.
        fig.savefig(
            buffer,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            pad_inches=0.03,
            metadata={"Date": None},
        )
    text = buffer.getvalue()
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    # A rule for every element would reach out of an inline drawing into the whole page.
    body = re.sub(r"(<style[^>]*>)\s*\*\s*\{", rf"\1#{name} svg *{{", body)
    body = _prefix_ids(body, name)
    body = _COLOUR.sub(_themed, body)
    body = _FONT.sub(lambda match: f"{match['head']}{FONT}", body)
    opening, rest = body.split(">", 1)
    width = float(_attribute(opening, "width").removesuffix("pt")) * _PX_PER_POINT
    view_box = _attribute(opening, "viewBox")
    # Below about 34 rem the text would be too small to read: from there on the figure scrolls in its own box.
    style = f"width: 100%; max-width: {width:.0f}px; min-width: min({width:.0f}px, 34rem); height: auto"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' viewBox="{view_box}" role="img" aria-label="{html.escape(alt)}"'
        f' fill="currentColor" style="{style}">' + re.sub(r"\s*\n\s*", "\n", rest).strip()
        # Lines without a blank one between: Markdown would end the block of HTML there.
    )


def _attribute(tag: str, name: str) -> str:
    match = re.search(rf'\b{name}="([^"]*)"', tag)
    if match is None:  # matplotlib always writes both
        raise ValueError(f"the SVG has no attribute {name}")
    return match[1]


def _prefix_ids(svg: str, name: str) -> str:
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    return re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)


def _themed(match: re.Match[str]) -> str:
    red, green, blue = (int(match["hex"][start : start + 2], 16) for start in (0, 2, 4))
    if not red == green == blue:
        code = match["hex"].lower()
        return f"{match['property']}: var(--ink-{code}, #{code})"
    ink = round(100 * (1 - red / 255))
    if ink == 100:
        colour = "currentColor"
    elif ink == 0:
        colour = PAPER
    else:
        colour = f"color-mix(in srgb, currentColor {ink}%, {PAPER})"
    return f"{match['property']}: {colour}"


def _close(fig: "Figure") -> None:
    """Close it, so that the inline backend does not draw the figure a second time as a bitmap."""
    import matplotlib.pyplot as plt

    plt.close(fig)
