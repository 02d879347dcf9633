"""Checks of a built book: it must stand on its own, read well without eyes, and lead nowhere dead.

Every page is read as a browser would: what it fetches must lie in the book; every internal link must have a
target, fragment included; every picture must have words; every figure must say where it comes from; and no
page may outgrow its limit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reprise.book.page import Page, css_references, read_page

SHARED = ("_static", "searchindex.js")
"""What all pages share, in the book's folder: it counts for none of them."""

PAGE_LIMIT = 5_500_000
"""Bytes of a page with its own pictures, apart from :data:`SHARED`: explorers carry their data."""


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes:
        page: Path of the page (or style sheet) below the book's folder.
        kind: ``alt``, ``external``, ``missing``, ``link``, ``provenance``, ``size`` or ``typed``.
        what: The offending reference or a description.
    """

    page: str
    kind: str
    what: str

    def __str__(self) -> str:
        meaning = {
            "alt": "no alternative text",
            "external": "fetched from another machine",
            "missing": "file does not exist",
            "link": "dead link",
            "provenance": "figure without provenance",
            "size": "page too large",
            "typed": "result typed by hand (or a constant that chapters/constants.toml does not name)",
        }
        return f"{self.page}: {meaning[self.kind]}: {self.what}"


def check_book(folder: Path, *, pages: Iterable[str] | None = None, limit: int = PAGE_LIMIT) -> list[Problem]:
    """Check built pages.

    Args:
        folder: The built book: HTML pages and ``_static``.
        pages: Paths of the pages to check, relative to ``folder``; all but those below ``_static`` if None.
        limit: Largest size of a page in bytes, with its own pictures.

    Returns:
        All findings, page by page; empty for a sound book.

    Raises:
        FileNotFoundError: A page of ``pages`` does not exist.
    """
    folder = folder.resolve()
    if pages is None:
        found = (path.relative_to(folder) for path in folder.rglob("*.html"))
        pages = [path.as_posix() for path in found if path.parts[0] not in ("_static", "_sources")]
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in sorted(set(pages))}
    parsed = {name: read_page(text) for name, text in texts.items()}
    anchors: dict[Path, set[str]] = {folder / name: page.ids for name, page in parsed.items()}
    sheets: set[Path] = set()
    problems: list[Problem] = []
    for name, page in parsed.items():
        problems += [Problem(name, "alt", what) for what in page.unlabelled]
        problems += [Problem(name, "provenance", what) for what in page.unsourced]
        own, found = _resources(folder, name, page, sheets)
        problems += found
        problems += _links(folder, name, page, anchors)
        size = len(texts[name].encode()) + sum(path.stat().st_size for path in own)
        if size > limit:
            problems.append(Problem(name, "size", f"{size / 1e6:.1f} MB, the limit is {limit / 1e6:.1f} MB"))
    for sheet in sorted(sheets):
        name = sheet.relative_to(folder).as_posix()
        references = css_references(sheet.read_text(encoding="utf-8"))
        problems += [Problem(name, "external", url) for url in references if _external(url)]
    return problems


def _resources(folder: Path, name: str, page: Page, sheets: set[Path]) -> tuple[set[Path], list[Problem]]:
    """A page's own files and its problems; style sheets are added to ``sheets``."""
    own: set[Path] = set()
    problems = []
    for url in dict.fromkeys(page.resources):
        if _external(url):
            problems.append(Problem(name, "external", url))
            continue
        target = _local(folder, name, url)
        if target is None or target == folder / name:  # a drawing's reference into itself is no second copy
            continue
        if not target.is_file():
            problems.append(Problem(name, "missing", url))
        elif target.suffix == ".css":
            sheets.add(target)
        elif target.relative_to(folder).parts[0] not in SHARED:
            own.add(target)
    return own, problems


def _links(folder: Path, name: str, page: Page, anchors: dict[Path, set[str]]) -> list[Problem]:
    problems = []
    for url in dict.fromkeys(page.links):
        if _external(url) or url == "#":
            continue
        target = _local(folder, name, url)
        if target is None:
            continue
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file():
            problems.append(Problem(name, "link", url))
            continue
        fragment = unquote(urlsplit(url).fragment)
        if not fragment or target.suffix != ".html":
            continue
        if target not in anchors:  # a page that is not itself checked
            anchors[target] = read_page(target.read_text(encoding="utf-8")).ids
        if fragment not in anchors[target]:
            problems.append(Problem(name, "link", url))
    return problems


def _external(url: str) -> bool:
    return url.startswith("//") or urlsplit(url).scheme in ("http", "https", "ftp", "ws", "wss")


def _local(folder: Path, name: str, url: str) -> Path | None:
    """File that a reference points to; None for embedded data, mail and the like."""
    parts = urlsplit(url)
    if parts.scheme:
        return None
    page = folder / name
    if not parts.path:
        return page
    target = (page.parent / unquote(parts.path)).resolve()
    # A link out of the book works on no other machine.
    return target if target.is_relative_to(folder) else folder / "outside" / target.name
