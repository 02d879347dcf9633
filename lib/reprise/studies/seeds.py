"""Seeds as people write and read them."""

from collections.abc import Sequence

from ..places import UserError


def parse_seeds(text: str | int | list[int] | tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Read seeds as people write them.

    Args:
        text: ``"0..4"`` (both ends), ``"0,3,7"``, ``"2"``, mixtures of these, one number or a list of
            numbers; None for *from the preset*.

    Returns:
        The seeds in the order given, each once; None for None.

    Raises:
        UserError: It cannot be read, or a seed is negative.
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
        seeds += range(ends[0], ends[1] + 1)
    return tuple(dict.fromkeys(seeds))


def spell_seeds(seeds: Sequence[int]) -> str:
    """Seeds as the command line takes them: ``0..4`` for a run of numbers, else ``0,3,7``."""
    numbers = list(seeds)
    if len(numbers) > 1 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}..{numbers[-1]}"
    return ",".join(map(str, numbers))
