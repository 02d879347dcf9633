"""What one built HTML page refers to: links, resources, pictures, figures."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_CSS_URL = re.compile(r"url\(\s*['\"]?(?!data:)([^'\")]+)|@import\s+['\"]([^'\"]+)")
_DATA_URL = re.compile(r"url\(\s*(?:\"data:[^\"]*\"|'data:[^']*'|data:[^)]*)\s*\)")
# An ES module that fetches another, also inside the JSON of a widget's state, where quotes are escaped.
_JS_IMPORT = re.compile(r"(?:\bfrom|\bimport)\s*\(?\s*\\?[\"'](https?://[^\"'\\]+)")

# What a browser fetches by itself when it opens the page; a plain link is not among it.
_SOURCES = {
    ("script", "src"),
    ("img", "src"),
    ("source", "src"),
    ("video", "src"),
    ("video", "poster"),
    ("audio", "src"),
    ("track", "src"),
    ("iframe", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("input", "src"),
    ("image", "href"),
    ("image", "xlink:href"),
    ("use", "href"),
    ("use", "xlink:href"),
}
_FETCHED_LINKS = {
    *("stylesheet", "icon", "shortcut", "apple-touch-icon", "mask-icon", "manifest"),
    *("preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch"),
}


@dataclass
class Page:
    """References of one page, as written in it.

    Attributes:
        ids: Ids and anchor names: what a link's fragment can point to.
        links: Targets of ``<a href>``.
        resources: What the browser fetches on its own: scripts, styles, icons, pictures, imported modules.
        unlabelled: Pictures without alternative text, described for a message.
        unsourced: Ids of the book's figures without a provenance line.
    """

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    unsourced: list[str] = field(default_factory=list)


def read_page(text: str) -> Page:
    """Parse a page; ``text`` is its HTML."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.end_figure()
    return reader.page


def css_references(text: str) -> list[str]:
    """Targets of ``url(…)`` and ``@import`` in a style sheet, embedded data left out."""
    return [first or second for first, second in _CSS_URL.findall(_DATA_URL.sub("", text))]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._text_of: str | None = None
        self._article = 0
        self._figure: str | None = None
        self._provenance: list[str] | None = None
        # Depth inside an inline drawing, and whether its opening tag already names it.
        self._svg = 0
        self._svg_named = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        page = self.page
        page.ids.update(values[name] for name in ("id", "name") if values.get(name))
        if tag == "a" and "href" in values:
            page.links.append(values["href"])
        page.resources += [values[name] for owner, name in _SOURCES if owner == tag and values.get(name)]
        if tag == "link" and _FETCHED_LINKS & set(values.get("rel", "").lower().split()):
            page.resources.append(values.get("href", ""))
        if "srcset" in values:
            page.resources += [part.split()[0] for part in values["srcset"].split(",") if part.split()]
        if "style" in values:
            page.resources += css_references(values["style"])
        if tag in ("style", "script"):
            self._text_of = tag
        if tag == "article":
            self._article += 1
        if tag == "img":
            self._picture(values)
        if tag == "svg":
            self._drawing(values)
        if tag == "title" and self._svg:
            self._svg_named = True
        if tag == "figure" and "reprise-figure" in values.get("class", "").split():
            self._figure, self._provenance = values.get("id") or "without id", None
        if self._figure and "provenance" in values.get("class", "").split():
            self._provenance = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag == "svg":
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script"):
            self._text_of = None
        elif tag == "article":
            self._article -= 1
        elif tag == "svg" and self._svg:
            self._svg -= 1
            if not self._svg and not self._svg_named:
                self.page.unlabelled.append(f"inline drawing at line {self.getpos()[0]}")
        elif tag == "figure":
            self.end_figure()

    def handle_data(self, data: str) -> None:
        if self._text_of == "style":
            self.page.resources += css_references(data)
        elif self._text_of == "script":
            self.page.resources += _JS_IMPORT.findall(data)
        elif self._provenance is not None:
            self._provenance.append(data)

    def end_figure(self) -> None:
        if self._figure and not "".join(self._provenance or []).strip():
            self.page.unsourced.append(self._figure)
        self._figure = self._provenance = None

    def _picture(self, values: dict[str, str]) -> None:
        if _decorative(values):
            return
        source, alt = values.get("src", ""), values.get("alt", "").strip()
        # Sphinx falls back to the path of the file, which tells a listener nothing.
        if not alt or alt == source or alt == source.rsplit("/", 1)[-1] or alt.startswith("_images/"):
            self.page.unlabelled.append(f"image {source[:80]}")

    def _drawing(self, values: dict[str, str]) -> None:
        self._svg += 1
        if self._svg > 1:
            return
        named = bool(values.get("aria-label", "").strip() or values.get("aria-labelledby"))
        # Outside the article stand only the theme's own icons, beside their text.
        self._svg_named = named or _decorative(values) or not self._article


def _decorative(values: dict[str, str]) -> bool:
    return values.get("aria-hidden") == "true" or values.get("role") in ("presentation", "none")
