"""Two conditions of study 3 held against each other: only if they differ in nothing but their start.

A contrast is *withdrawn* where the two were trained at different rates, or differ in anything else that is
not where they come from; then it has no number. Where each replicate ran at several rates, what each fixed
rate would say stands beside it, and a decided contrast that one of them turns round is *mixed*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...claims.claim import Outcome, Runs, Selection, withheld
from ...claims.verdict import Part, Status, above, all_of
from . import endpoints, rates

if TYPE_CHECKING:
    import xarray as xr

QUALITIES = {
    "mIoU": ("miou", "mean IoU"),
    "Dice": ("dice", "mean Dice score"),
    "boundary IoU": ("boundary", "mean boundary IoU"),
}
"""Measure of quality → its name in units, and in words. The first one decides; S3, about steps, knows no
other."""

EQUIVALENCE_SEEDS = 10
"""Seeds that claim S2 takes: five decide ±1 point in under a third of cases when seeds differ by one."""

SAME_CLASSES = (
    ("camvid-source", "camvid"), ("voc", "voc"), ("pet", "pet"), ("labelmefacade", "labelmefacade"),
    ("clothing", "clothing"),
)  # fmt: skip
"""Sources and targets with one set of classes, which S4 is never decided on."""

Compare = Callable[["xr.Dataset", "xr.Dataset"], Part]
"""Two runs → the comparison."""

Combine = Callable[[Sequence[Part]], Status]
"""Comparisons → what follows from them together."""


@dataclass(frozen=True)
class Contrast:
    """Two conditions held against each other.

    Attributes:
        name: What is compared, in words.
        part: The comparison; None where it is withdrawn.
        note: What each fixed rate says, or why it is withdrawn.
        turned: Whether it is decided, and a fixed rate says the opposite.
    """

    name: str
    part: Part | None
    note: str
    turned: bool = False


def conditions(*names: str, optional: bool = False) -> tuple[Selection, ...]:
    """Conditions by name, from whichever family has them."""
    return tuple(Selection(family, names, optional=optional) for family in ("encoders", "imagenet", "modes"))


def withdrawn(run: xr.Dataset, other: xr.Dataset) -> str:
    """Why two runs cannot be compared, in words; empty if they can.

    Args:
        run: Units along ``seed``.
        other: The run that it would be held against.
    """
    differ = rates.unequal(run, other)
    if differ == ["rate"]:
        against = f"{rates.spelled(run)} against {rates.spelled(other)}"
        return f"the two conditions ran at different rates: withdrawn ({against})"
    return f"the two conditions differ in {', '.join(differ)}: withdrawn" if differ else ""


def better(name: str, measure: str, compare: Callable[..., Part] = above, **options: float) -> Compare:
    """Is a run better than another, seed by seed, in points of a quality?

    Args:
        name: What is compared.
        measure: One of :data:`QUALITIES`.
        compare: A comparison with a bound; called with name, values, ``unit`` and ``options``.
        options: Its bound or margin.
    """
    key, words = QUALITIES[measure]

    def decide(run: xr.Dataset, other: xr.Dataset) -> Part:
        values = 100 * endpoints.gain(run, other, key)
        return compare(f"{words}, points, {name}", values, unit="points", **options)

    return decide


def contrast(
    name: str, run: xr.Dataset, other: xr.Dataset, decide: Compare, one_rate: bool = False, least: int = 0
) -> Contrast:
    """Hold a run against another.

    Args:
        name: What is compared, in words.
        run: Units along ``seed``.
        other: The run that it is held against.
        decide: The comparison.
        one_rate: Whether both run at the rate that the other's own validation pictures choose; else each at
            its own.
        least: Seeds below which nothing is decided, where five are not enough.
    """
    if why := withdrawn(run, other):
        return Contrast(name, None, f"{name}: {why}.")
    part = decide(*(rates.at_one_rate(run, other) if one_rate else (run, other)))
    if part.n < least:
        part = replace(part, status="undecided")
    fixed = {rate: decide(*pair) for rate, pair in rates.by_rate(run, other).items()}
    said = ", ".join(f"{one.amount()} at rate {rate:g}" for rate, one in fixed.items())
    note = f"{name}, each fixed rate: {said}." if said else ""
    turned = any(_turns(part, one) for one in fixed.values())
    if turned:
        part = replace(part, status="mixed")
        note = f"Mixed (rate): the sign flips between the rates. {note}"
    return Contrast(name, part, note, turned)


def _turns(part: Part, fixed: Part) -> bool:
    """Whether a fixed rate turns round what a comparison has decided."""
    if part.status not in ("supported", "contradicted"):
        return False
    if part.equivalence:
        # No difference has no sign: the opposite of a difference that is small is one that is not.
        return fixed.status in ("supported", "contradicted") and fixed.status != part.status
    return bool(np.sign(fixed.estimate - part.limit) != np.sign(part.estimate - part.limit))


def outcome(contrasts: Sequence[Contrast], combine: Combine = all_of) -> Outcome:
    """What follows from some contrasts together: nothing is decided where one of them is withdrawn."""
    parts = tuple(one.part for one in contrasts if one.part is not None)
    note = " ".join(one.note for one in contrasts if one.note)
    if len(parts) < len(contrasts):
        return "undecided", withheld(parts), note
    return combine(parts), parts, note


def contrasts_of(
    runs: Runs, measure: str, *pairs: tuple[str, str, str], one_rate: bool = False
) -> list[Contrast]:
    """Is each first run of some pairs better than the second? Pairs are (words, run, other)."""
    return [
        contrast(name, runs[run], runs[other], better(name, measure), one_rate) for name, run, other in pairs
    ]
