"""What a rule can fix by hand, a number or a set, and in words what it says over all of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ..engine.words import count_word, listed
from .verdict import Status

__all__ = ["Scale", "Sets", "holds_in", "over_scale", "over_sets"]


@dataclass(frozen=True)
class Scale:
    """A number that a rule fixes.

    Attributes:
        label: What it is.
        values: Choices in ascending order.
        registered: What the rule has fixed; of several, the endpoint is the mean over them.
        former: What an earlier version had fixed.
        unit: Unit of all these.
        digits: Digits after the point by which they are written.
    """

    label: str
    values: tuple[float, ...]
    registered: tuple[float, ...]
    former: tuple[float, ...] = ()
    unit: str = ""
    digits: int = 0

    def spell(self, *values: float) -> str:
        """Choices in words: ``80, 90 and 95 %``."""
        return f"{listed([f'{value:.{self.digits}f}' for value in values])} {self.unit}".rstrip()


@dataclass(frozen=True)
class Sets:
    """A set of layers, or other things that count, that a rule fixes.

    Attributes:
        label: What they are.
        options: Their names.
        registered: The sets that the rule has fixed; of several, the rule asks for each.
        least: Smallest number of them with which the endpoint makes sense.
        noun: What one calls several of them.
    """

    label: str
    options: tuple[str, ...]
    registered: tuple[tuple[str, ...], ...]
    least: int = 2
    noun: str = "layers"

    @property
    def values(self) -> tuple[tuple[str, ...], ...]:
        """All sets, small ones first."""
        sizes = range(self.least, len(self.options) + 1)
        return tuple(chosen for size in sizes for chosen in itertools.combinations(self.options, size))

    def spell(self, *values: tuple[str, ...]) -> str:
        """Sets in words: ``all five and all without logits``."""
        return listed([self._name(chosen) for chosen in values])

    def _name(self, chosen: tuple[str, ...]) -> str:
        absent = [option for option in self.options if option not in chosen]
        if not absent:
            return f"all {count_word(len(self.options))}"
        return f"all without {absent[0]}" if len(absent) == 1 else " + ".join(chosen)


def over_scale(scale: Scale, statuses: Sequence[Status], own: Status, former: Sequence[Status]) -> str:
    """Over which choices which verdict holds, the registered one's range first.

    Args:
        scale: The choices.
        statuses: The verdict at each.
        own: The verdict at what is registered.
        former: That at each of what was registered before.
    """
    spans = _spans(scale, statuses)
    alone = scale.registered[0] if len(scale.registered) == 1 else None
    home = next((k for k, s in enumerate(spans) if alone is not None and s[1] <= alone <= s[2]), None)
    if home is not None and spans[home][0] == own:
        spans.insert(0, spans.pop(home))
    else:
        home = None
    here = f" (registered: {scale.spell(alone)})" if home is not None and alone is not None else ""
    if len(spans) == 1:
        _, first, last = spans[0]
        text = f"{spans[0][0]} over the whole range, {_span(scale, first, last)}{here}"
    else:
        by_status: dict[Status, list[str]] = {}
        for k, (status, first, last) in enumerate(spans):
            by_status.setdefault(status, []).append(_span(scale, first, last) + (here if k == 0 else ""))
        joints = [", and ".join(words) for words in by_status.values()]
        text = "; ".join(f"{status} {words}" for status, words in zip(by_status, joints, strict=True))
    if home is None:
        what = "mean over" if len(scale.registered) > 1 else "choice,"
        text += f"; the registered {what} {scale.spell(*scale.registered)}: {own}"
    for value, status in zip(scale.former, former, strict=True):
        text += f"; {scale.spell(value)} alone, as before: {status}"
    return f"{text}."


def holds_in(scale: Scale, statuses: Sequence[Status]) -> str:
    """The ranges in which something is supported: ``from 0.045 to 0.200``, or ``nowhere``."""
    found = [_span(scale, *ends) for status, *ends in _spans(scale, statuses) if status == "supported"]
    return " and ".join(found) or "nowhere"


def _spans(scale: Scale, statuses: Sequence[Status]) -> list[tuple[Status, float, float]]:
    """Choices next to each other with one verdict: (verdict, first, last)."""
    spans: list[tuple[Status, float, float]] = []
    for status, value in zip(statuses, scale.values, strict=True):
        first = spans.pop()[1] if spans and spans[-1][0] == status else value
        spans.append((status, first, value))
    return spans


def _span(scale: Scale, first: float, last: float) -> str:
    if first == last:
        return f"at {scale.spell(first)}"
    return f"from {first:.{scale.digits}f} to {scale.spell(last)}"


def over_sets(sets: Sets, statuses: Sequence[Status], own: Status) -> str:
    """How many sets have which verdict, and which of the parts matters most; arguments as above."""
    counts = {status: list(statuses).count(status) for status in dict.fromkeys(statuses)}
    many = sorted(counts, key=lambda status: -counts[status])
    text = f"of {len(statuses)} sets of at least {count_word(sets.least)} {sets.noun}: "
    text += f"{', '.join(f'{counts[status]} {status}' for status in many)}"
    text += f"; as registered ({sets.spell(*sets.registered)}): {own}."
    if len(counts) == 1:
        return text
    # The one that matters: by its presence the commonest verdict comes and goes most.
    tallies = {}
    for option in sets.options:
        sides = [[s == many[0] for v, s in zip(sets.values, statuses, strict=True) if (option in v) is inside]
                 for inside in (True, False)]  # fmt: skip
        tallies[option] = [(sum(side), len(side)) for side in sides]
    gaps = {o: abs(a / max(m, 1) - b / max(n, 1)) for o, ((a, m), (b, n)) in tallies.items()}
    option = max(gaps, key=lambda name: gaps[name])
    with_, without = tallies[option]
    return (
        f"{text} What matters most is {option}: with it {with_[0]} of {with_[1]} sets are {many[0]}, "
        f"without it {without[0]} of {without[1]}."
    )
