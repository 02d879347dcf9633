"""What a rule fixes by hand, and what the same rule says at every other choice.

A level, a lag, a margin or a set of layers stands in a rule because something must stand there. Here a rule
keeps such a choice open: its endpoint and verdict can be had at any of them, and a sentence says over which
the verdict holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..engine.words import listed
from .claim import withheld
from .scales import Scale, Sets, holds_in, over_scale, over_sets
from .verdict import Part, Status, above, all_of, below, equivalent

__all__ = ["Choices", "Comparison", "Scale", "Sets", "held_by"]

Asks = Literal["above", "below", "within", "beyond"]
"""Above or below 0; within ± the choice, which is then a margin, or above it."""

ASKED: Mapping[Asks, str] = {
    "above": "above 0",
    "below": "below 0",
    "within": "within the margin",
    "beyond": "above it",
}
"""The same in words."""


@dataclass(frozen=True)
class Comparison:
    """A comparison that a rule makes, with its endpoint at every choice.

    Attributes:
        name: What is compared.
        asks: What the interval is held against.
        form: The endpoint by its name in a page, see ``choices.js``.
        numbers: Option, such as a measure → what the page computes the endpoint from, by the form's names.
        endpoint: The same in Python: option and choice → (seeds,), and how many of its values stand for more
            than was measured; with any, the comparison is never supported.
        unit: Unit of the endpoint.
    """

    name: str
    asks: Asks
    form: str
    numbers: Mapping[str, Mapping[str, Any]]
    endpoint: Callable[[str, Any], tuple[np.ndarray, int]]
    unit: str = ""

    @property
    def short(self) -> str:
        """What stands before the colon of its name."""
        return self.name.split(":")[0]

    @property
    def with_margin(self) -> bool:
        """Whether the choice is a margin that this comparison is held against."""
        return self.asks in ("within", "beyond")

    def part(self, option: str, *choices: Any) -> Part:
        """The comparison at a choice, or with the mean of its endpoint over several."""
        found = [self.endpoint(option, choice) for choice in choices]
        values = np.mean([own for own, _ in found], axis=0)
        if self.asks == "within":
            part = equivalent(self.name, values, float(choices[0]), self.unit)
        elif self.asks == "below":
            part = below(self.name, values, unit=self.unit)
        else:
            bound = float(choices[0]) if self.with_margin else 0.0
            part = above(self.name, values, bound, self.unit)
        if part.status == "supported" and any(censored for _, censored in found):
            part = replace(part, status="undecided")
        return part


@dataclass(frozen=True)
class Choices:
    """A rule, with what it fixes by hand left open.

    Attributes:
        claim: Id of the claim.
        title: What the choice decides, as a question.
        effect: The endpoint in few words, as an axis names it.
        choice: What is open.
        comparisons: What the rule compares.
        options: Id → title of what else is open, such as measures.
        registered: Ids of those of the rule.
        menu: What these options are.
        unit: In one line, on what: study, data, seeds.
        withheld: Why these runs decide nothing whatever the choice, as a sentence; empty if they do.
    """

    claim: str
    title: str
    effect: str
    choice: Scale | Sets
    comparisons: tuple[Comparison, ...]
    options: Mapping[str, str]
    registered: tuple[str, ...]
    menu: str = "Measure"
    unit: str = ""
    withheld: str = ""

    def parts(self, option: str, choice: Any) -> tuple[Part, ...]:
        """The comparisons at one choice."""
        return self._said(self._alone(option, choice))

    def _alone(self, option: str, choice: Any) -> tuple[Part, ...]:
        """The same by their intervals alone, whether these runs can decide or not."""
        return tuple(comparison.part(option, choice) for comparison in self.comparisons)

    def _said(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        return withheld(parts) if self.withheld else parts

    def status(self, option: str, choice: Any) -> Status:
        """What the rule says at one choice."""
        return all_of(self.parts(option, choice))

    def statuses(self, option: str) -> list[Status]:
        """What it says at each choice, in their order."""
        return [self.status(option, choice) for choice in self.choice.values]

    def as_registered(self, option: str) -> tuple[Part, ...]:
        """The comparisons at what the rule has fixed."""
        return self._said(self._fixed(option))

    def _fixed(self, option: str) -> tuple[Part, ...]:
        if isinstance(self.choice, Scale):
            fixed = self.choice.registered
            return tuple(comparison.part(option, *fixed) for comparison in self.comparisons)
        return tuple(part for chosen in self.choice.registered for part in self._alone(option, chosen))

    def sentence(self, option: str) -> str:
        """Over which choices which verdict holds, and where the registered one lies."""
        text = self._sentence(option)
        if not self.withheld:
            return f"{text[0].upper()}{text[1:]}"
        return f"{self.withheld} By its intervals alone the rule would say: {text}"

    def _sentence(self, option: str) -> str:
        own = all_of(self._fixed(option))
        statuses: list[Status] = [all_of(self._alone(option, value)) for value in self.choice.values]
        if isinstance(self.choice, Sets):
            return over_sets(self.choice, statuses, own)
        former: list[Status] = [all_of(self._alone(option, value)) for value in self.choice.former]
        text = over_scale(self.choice, statuses, own, former)
        if len(self.comparisons) == 1:
            return text
        alone = (
            f"{comparison.short} {ASKED[comparison.asks]} "
            + holds_in(self.choice, [comparison.part(option, value).status for value in self.choice.values])
            for comparison in self.comparisons
        )
        return f"{text} One by one: {'; '.join(alone)}."


def held_by(rules: Sequence[Choices]) -> str:
    """Which verdicts are the same at every choice, and which are not, in words."""
    firm: list[str] = []
    loose: list[str] = []
    closed: list[str] = []
    for rule in rules:
        found = {status for option in rule.registered for status in rule.statuses(option)}
        (closed if rule.withheld else firm if len(found) == 1 else loose).append(rule.claim)
    said = []
    if firm:
        verb = "is" if len(firm) == 1 else "are"
        said.append(f"{_verdicts_on(firm)} {verb} the same at every choice shown here.")
    if loose:
        said.append(f"{_verdicts_on(loose)} {'changes' if len(loose) == 1 else 'change'} with the choice.")
    if closed:
        whose = "its" if len(closed) == 1 else "their"
        said.append(
            f"{listed(closed)} cannot be asked here: {whose} runs decide nothing, whatever the choice."
        )
    return " ".join(said)


def _verdicts_on(names: Sequence[str]) -> str:
    return f"The verdict{'' if len(names) == 1 else 's'} on {listed(names)}"
