"""Results and verdicts that were typed by hand into prose, where they can no longer follow from the data.

A number in hand-written text counts as a *result* if it has a decimal point, is a percentage, or counts
points or multiples (``12 points``, ``5 times``): so results are written. Results come from cells, which the
build executes. What else is written so is a constant, of the protocol or of the literature;
``chapters/constants.toml`` names each, page by page, with what it is.

Code, formulas, addresses and citations are not prose. Verdict chips are results too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# What is taken out before prose is read. Order matters: blocks before lines, lines before words.
_NOT_PROSE = [
    re.compile(
        r"^(```|~~~|:::).*?^\1", re.DOTALL | re.MULTILINE
    ),  # fences of code and directives without text
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"^%.*$", re.MULTILINE),
    re.compile(r"`[^`]*`"),
    re.compile(r"\$[^$\n]+\$"),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"https?://\S+"),
    re.compile(r"\{[a-z:]+\}"),
    re.compile(r"<[^>]+>"),
]
# Directives whose content is prose.
_PROSE_FENCE = re.compile(
    r"^(`{3,}|:{3,})\{(?:div|note|tip|admonition|glossary)\}[^\n]*\n(.*?)^\1", re.DOTALL | re.MULTILINE
)
_RESULT = re.compile(
    r"(?<![\w.,:/–-])[-−+±]?\d+(?:[.,]\d+)?\s?%|(?<![\w.:/–-])[-−+±]?\d+\.\d+(?!\w|\.\d|\s?%)"
    r"|(?<![\w.:/–-])\d+(?:\.\d+)?(?= (?:points|percentage points|times|fold)\b)"
)
_CHIP = re.compile(r"verdict-(?:supported|contradicted|mixed|undecided|not-run)")
CHIPS = "verdict chips"
"""What the page that explains verdicts declares."""


def typed_results(text: str, constants: Iterable[str] = ()) -> list[str]:
    """Result-like numbers and verdict chips in hand-written Markdown.

    Args:
        text: Markdown of a page, or of the Markdown cells of a notebook joined.
        constants: Numbers that are none, with their percent sign, as in ``"95 %"``; :data:`CHIPS` for chips.

    Returns:
        Each of them once, as written.
    """
    declared = {_plain(number) for number in constants}
    found = [] if _plain(CHIPS) in declared else _CHIP.findall(text)
    prose = _PROSE_FENCE.sub(lambda match: match[2], text)
    for pattern in _NOT_PROSE:
        prose = pattern.sub(" ", prose)
    found += [match.strip() for match in _RESULT.findall(prose) if _plain(match) not in declared]
    return list(dict.fromkeys(found))


def declared_constants(folder: Path) -> dict[str, list[str]]:
    """Constants by page, from ``constants.toml``; those under ``"*"`` are every page's.

    Args:
        folder: The folder that holds the file, ``chapters/``.

    Returns:
        Page, such as ``"chapters/maml/maml"``, → its constants and every page's; ``"*"`` → the latter.
    """
    path = folder / "constants.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    everywhere = list(tables.get("*", {}))
    return {"*": everywhere} | {
        page: [*everywhere, *numbers] for page, numbers in tables.items() if page != "*"
    }


def prose_of(notebook: dict[str, Any]) -> str:
    """Markdown cells of a notebook, joined; outputs are not prose."""
    cells: Iterable[Any] = notebook.get("cells", [])
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def _plain(number: str) -> str:
    """A number without sign, spaces and kind of minus, so that ``± 5 %`` and ``5%`` are one."""
    return re.sub(r"[\s+−±-]", "", number)
