"""Numbers and tables as readers see them: one spelling for pages, ledger, command line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def number(value: float, digits: int = 3, sign: bool = False) -> str:
    """A number with a true minus, never with a negative zero: ``−0.412``.

    Args:
        value: The number.
        digits: Digits after the point.
        sign: Show a plus, too.
    """
    return f"{value:{'+' if sign else ''}z.{digits}f}".replace("-", "−")


def with_interval(mean: float, low: float, high: float, digits: int = 3, sign: bool = False) -> str:
    """A number with its interval, if there is one: ``0.412 [0.380, 0.444]``.

    Args:
        mean: The number.
        low: Lower end; NaN or infinite where no interval is known.
        high: Upper end, likewise.
        digits: Digits after the point.
        sign: Show pluses, too.
    """
    text = number(mean, digits, sign)
    if not (math.isfinite(low) and math.isfinite(high)):
        return text
    return f"{text} [{number(low, digits, sign)}, {number(high, digits, sign)}]"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table.

    Args:
        head: Names of the columns.
        rows: A cell a column each.

    Raises:
        ValueError: A row has another number of cells.
    """
    lines = [[str(cell) for cell in cells] for cells in rows]
    if wrong := [cells for cells in lines if len(cells) != len(head)]:
        raise ValueError(f"{len(head)} columns, but {len(wrong[0])} cells in {wrong[0]}")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [list(head), ["---"] * len(head), *lines])
