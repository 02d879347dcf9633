"""Numbers, tables and seeds as people read and write them: one spelling for pages, ledger, command line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..places import UserError
from .config import LARGEST


def number(value: float, digits: int = 3, sign: bool = False) -> str:
    """A number with a true minus, never with a negative zero: ``−0.412``.

    Args:
        value: The number.
        digits: Digits after the point.
        sign: Show a plus, too.
    """
    return f"{value:{'+' if sign else ''}z.{digits}f}".replace("-", "−")


def count_word(number: int) -> str:
    """A small whole number as a sentence has it: a word up to twelve, then digits."""
    words = (
        *("no", "one", "two", "three", "four", "five", "six"),
        *("seven", "eight", "nine", "ten", "eleven", "twelve"),
    )
    return words[number] if number < len(words) else str(number)


def listed(words: Sequence[str]) -> str:
    """Words in a row: ``a, b and c``."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


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


MOST_SEEDS = 10_000
"""Seeds of one command: each is a training."""


def parse_seeds(text: str | int | list[int] | tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Read seeds as people write them.

    Args:
        text: ``"0..4"`` (both ends), ``"0,3,7"``, ``"2"``, mixtures of these, one number or a list of
            numbers; None for *from the preset*.

    Returns:
        The seeds in the order given, each once; None for None.

    Raises:
        UserError: It cannot be read, a seed is negative or has more than 64 bits, or there are too many.
    """
    if text is None:
        return None
    parts = [text] if isinstance(text, int) else text.split(",") if isinstance(text, str) else list(text)
    seeds: list[int] = []
    for part in parts:
        first, dots, last = str(part).strip().partition("..")
        try:
            ends = int(first), int(last if dots else first)
        except ValueError:
            raise UserError(
                f"seeds {text!r} cannot be read; write 0..4 (both ends included), 0,3,7 or 2"
            ) from None
        if ends[0] < 0 or ends[1] < ends[0]:
            raise UserError(f"seeds {text!r}: numbers from 0 upwards, the smaller end first")
        if ends[1] > LARGEST:
            raise UserError(f"seeds {text!r}: at most {LARGEST}, the largest of 64 bits")
        if ends[1] - ends[0] + len(seeds) >= MOST_SEEDS:
            raise UserError(f"seeds {text!r}: at most {MOST_SEEDS} at a time")
        seeds += range(ends[0], ends[1] + 1)
    return tuple(dict.fromkeys(seeds))


def spell_seeds(seeds: Sequence[int]) -> str:
    """Seeds as the command line takes them: ``0..4`` for a run of numbers, else ``0,3,7``."""
    numbers = list(seeds)
    if len(numbers) > 1 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}..{numbers[-1]}"
    return ",".join(map(str, numbers))
