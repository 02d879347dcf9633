"""Study 2's audit: how much each finding about the released code changes what is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ...engine.comparison import Summary, summarise
from . import endpoints

if TYPE_CHECKING:
    import xarray as xr

Word = Literal["matters", "small", "not told apart", "no difference"]


@dataclass(frozen=True)
class Effect:
    """What one finding does to one quantity.

    Attributes:
        finding: Name of the condition in which it is switched on.
        quantity: A layer, or ``"test accuracy"``.
        difference: With the finding minus as described, over seeds that both have, with its 95 % interval.
    """

    finding: str
    quantity: str
    difference: Summary

    @property
    def word(self) -> Word:
        """What that says.

        *matters*: the interval excludes 0 and the mean is 0.05 away from it or more; *no difference*: every
        seed has the same value; *small*: the interval lies within ±0.05; else *not told apart*.
        """
        mean, low, high = self.difference.mean, self.difference.low, self.difference.high
        if mean == low == high == 0:
            return "no difference"
        if (low > 0 or high < 0) and abs(mean) >= endpoints.EQUAL:
            return "matters"
        return "small" if low > -endpoints.EQUAL and high < endpoints.EQUAL else "not told apart"


def effects(
    runs: Mapping[str, xr.Dataset], described: str, reference: str, measure: str = endpoints.PRIMARY
) -> list[Effect]:
    """Every finding, on every layer and on accuracy, seed against seed.

    Args:
        runs: Condition → units along ``seed``; one of them as described.
        described: Its name.
        reference: What similarity is to.
        measure: Id of a measure.

    Raises:
        ValueError: There is no condition of that name.
    """
    if described not in runs:
        raise ValueError(f"no condition {described!r}; there are: {', '.join(runs)}")
    base = runs[described]
    kept = endpoints.similarity(base, reference, measure)
    found = []
    for name, run in runs.items():
        if name == described:
            continue
        values = endpoints.similarity(run, reference, measure)
        pairs = [(str(n), values.sel(layer=n), kept.sel(layer=n)) for n in base["layer"].values]
        after, before = (one["test_accuracy"].isel(epoch=-1) for one in (run, base))
        pairs.append(("test accuracy", after, before))
        found += [
            Effect(name, quantity, summarise(np.asarray((a - b).values, float))) for quantity, a, b in pairs
        ]
    return found


def which_matter(found: Sequence[Effect]) -> dict[str, list[Effect]]:
    """Findings with the effects that matter, largest first; an empty list where none does."""
    names = dict.fromkeys(effect.finding for effect in found)
    return {
        name: sorted(
            (e for e in found if e.finding == name and e.word == "matters"),
            key=lambda effect: -abs(effect.difference.mean),
        )
        for name in names
    }
