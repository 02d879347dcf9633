"""Claims of the papers as data: what each says, which runs its rule takes, and the rule that judges them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ..engine.study import studies, study
from ..places import UserError
from .verdict import Part, Status, Verdict

if TYPE_CHECKING:
    import xarray as xr

Runs = Mapping[str, "xr.Dataset"]
"""Units along ``seed`` by the name under which a rule knows their condition."""

Outcome = tuple[Status, tuple[Part, ...], str]
"""What a rule says: status, comparisons, note."""

Rule = Callable[[Runs, str], Outcome]
"""Runs by name, and the id of a measure → what follows."""

SOURCES = {
    "abstract": "stated in the abstract",
    "question": "a question that the abstract poses",
    "run table": "read from the authors' run table",
    "ours": "added by us",
}
"""Where a claim comes from, in words."""


@dataclass(frozen=True)
class Selection:
    """Conditions that a rule takes, with the names under which it knows them.

    Attributes:
        family: Family of the study that has them; empty for the setting that is judged itself.
        names: Their names in the family. A pattern such as ``"*, all"`` takes what there is; a name in full
            is needed: without it the claim is *not run*. Of the setting itself, its name in the rule, in
            which a field in braces stands for its value.
        prefix: What the rule puts before these names.
        settings: Settings that are replaced in the setting itself.
        optional: Whether the rule can do without.
        study: Another study whose runs these are, in its preset of the same name and with that one's seeds;
            the claim's own if empty.
    """

    family: str = ""
    names: tuple[str, ...] = ("*",)
    prefix: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False
    study: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names in the rule without which the claim is not run."""
        return tuple(f"{self.prefix}{name}" for name in self.names if "*" not in name and not self.optional)


@dataclass(frozen=True)
class Gate:
    """What a setting must show before a rule decides anything in it.

    Attributes:
        words: The demand, as a sentence; it stands behind the words of each rule.
        objection: Runs by name, and the names of those that a claim needs → why nothing is decided on them;
            empty if something is. Runs that only the gate takes are among the claim's as optional ones.
    """

    words: str
    objection: Callable[[Runs, Sequence[str]], str]


@dataclass(frozen=True)
class Claim:
    """One claim of a paper.

    Attributes:
        id: Name used in code, tables and chapters.
        study: Study that tests it.
        source: Where it comes from, one of :data:`SOURCES`.
        title: A few words.
        statement: The claim in our words.
        words: The rule in words, without the gate's; :mod:`.record` says when they came.
        endpoint: The quantity that the rule is about, in words.
        decide: The rule as a function.
        runs: The runs that it takes.
        figure: The figure that shows it best, by its name on a page of the book.
        measure: Measure of the primary endpoint.
        margin: Margin of equivalence in words, such as ``"±2 points"``; empty for a direction, bounded by 0.
        gate: What a setting must show before the rule decides; None if nothing.
        parts: The claims of which it is the conjunction, see :func:`.conjunction.together`.
        version: Version of the rule; raised, and told in the changelog, when the rule changes: see
            :mod:`reprise.claims.record`.
        seeds: Seeds that judge it where they are not the preset's: fresh ones, of a rule that was changed.
        deciding: Presets by which it is decided, as :class:`reprise.engine.study.Study` has them; the study's
            if None.
        beside: Presets on which it is judged too; the study's if None.
        positive: What shows that the rule holds where it must.
        negative: What shows that it fails where it must.
        former: The claim as earlier versions judged it, the latest first.
    """

    id: str
    study: str
    source: Literal["abstract", "question", "run table", "ours"]
    title: str
    statement: str
    words: str
    endpoint: str
    decide: Rule
    runs: tuple[Selection, ...]
    figure: str
    measure: str = "rsa-correlation"
    margin: str = ""
    gate: Gate | None = None
    parts: tuple[Claim, ...] = ()
    version: int = 1
    seeds: tuple[int, ...] = ()
    deciding: tuple[tuple[str, ...], ...] | None = None
    beside: tuple[tuple[str, ...], ...] | None = None
    positive: str = ""
    negative: str = ""
    former: tuple[Claim, ...] = ()

    @property
    def rule(self) -> str:
        """The whole rule in words."""
        return f"{self.words} {self.gate.words}" if self.gate else self.words

    @property
    def paper(self) -> str:
        """Key of the paper in the bibliography."""
        return study(self.study).paper

    @property
    def parent(self) -> str:
        """Id of the claim that this one is a part of or stands beside: ``"M1"`` of ``"M1a"``; or its own."""
        return self.id.rstrip("abcdefgh")

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the runs without which it is not run, as far as they are the same in every setting."""
        names = (name for selection in self.runs for name in selection.needs if "{" not in name)
        return tuple(dict.fromkeys(names))

    def judge(self, runs: Runs, measure: str | None = None) -> Verdict:
        """Apply the rule.

        Args:
            runs: Units along ``seed``, as :func:`reprise.engine.runner.run` gives them, by their names in the
                rule; others are passed over. The verdict is labelled by the first that it needs.
            measure: Id of a measure; that of the primary endpoint if None. Another one is a sensitivity
                analysis.
        """
        measure = measure or self.measure
        status, parts, note = self._outcome(runs, measure)
        attrs = runs[next((name for name in self.needs if name in runs), next(iter(runs)))].attrs
        dataset, preset = json.loads(attrs["config"])["dataset"], attrs.get("preset", "")
        return Verdict(self.id, status, parts, dataset, preset, measure, self.version, note)

    def _outcome(self, runs: Runs, measure: str) -> Outcome:
        if missing := [name for name in self.needs if name not in runs]:
            return "not run", (), without(missing)
        status, parts, note = self.decide(runs, measure)
        objection = self.gate.objection(runs, self.needs) if self.gate else ""
        if objection:
            return "undecided", withheld(parts), f"{objection} {note}".strip()
        return status, parts, note


def withheld(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The same comparisons, of which none decides anything."""
    return tuple(replace(part, status="undecided") for part in parts)


def without(names: Sequence[str]) -> str:
    """What a verdict says that has not all the runs that it needs."""
    return f"There is no run of: {'; '.join(names)}."


def claims(name: str | None = None) -> list[Claim]:
    """All claims, or those of one study, in the order in which the studies list them."""
    return [claim for key in studies() if name in (None, key) for claim in study(key).claims]


def find_claim(claim_id: str) -> Claim:
    """Look a claim up.

    Raises:
        UserError: There is no such claim; the message lists those that there are.
    """
    known = {claim.id: claim for claim in claims()}
    if claim_id not in known:
        raise UserError(f"unknown claim {claim_id!r}; rules exist for: {', '.join(known)}")
    return known[claim_id]


def judge(claim_id: str, runs: Runs, measure: str | None = None) -> Verdict:
    """Apply a claim's rule to runs by name, see :func:`find_claim` and :meth:`Claim.judge`."""
    return find_claim(claim_id).judge(runs, measure)
