"""Links to things whose page is known only when the book is built: a unit's record, a claim, a figure.

Generated HTML names the thing alone (``#reprise:unit-3ba5bc53dc3b6422``). When a page is written, the
extension finds the page that has that id and puts the relative address; where no page has it (a chapter that
is not in the table of contents, a unit that is not published) the words stay and the link goes. Outside the
book, as in JupyterLab, such a link leads nowhere.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

PREFIX = "#reprise:"

_LINK = re.compile(rf'<a class="reprise-link" href="{PREFIX}([^"]+)">(.*?)</a>', re.DOTALL)
_ID = re.compile(r'<(?:figure|li|section|tr|details)\b[^>]*?\bid="([^"]+)"')


def link(name: str, words: str) -> str:
    """A link to whatever has an id, on whichever page; HTML.

    Args:
        name: The id, such as ``unit-3ba5bc53dc3b6422``, ``claim-m1a`` or the name of a figure.
        words: What is shown; plain text.
    """
    return f'<a class="reprise-link" href="{PREFIX}{html.escape(name)}">{html.escape(words)}</a>'


def ids_of(fragment: str) -> list[str]:
    """Ids that generated HTML offers as targets: of figures, list items, sections, rows and details."""
    return _ID.findall(fragment)


def resolve(body: str, address: Callable[[str], str | None]) -> str:
    """Put addresses into a page.

    Args:
        body: HTML of the page.
        address: Id → relative address with fragment; None if no page has it.
    """

    def put(match: re.Match[str]) -> str:
        target = address(html.unescape(match[1]))
        return match[2] if target is None else f'<a href="{html.escape(target)}">{match[2]}</a>'

    return _LINK.sub(put, body)
