"""Claims of the papers as data, and the rules that judge them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..engine.study import studies, study
from ..places import UserError
from .verdict import Part, Status, Verdict

if TYPE_CHECKING:
    import xarray as xr

Rule = Callable[[Any, str], tuple[Status, tuple[Part, ...], str]]
"""What is judged and the id of a measure → status, comparisons, note.

What is judged: the units of one run (a Dataset along ``seed``), or several runs by the name of their part in
the claim, such as ``{"true labels": …, "random labels": …}``; each rule says which it takes.
"""

SOURCES = {
    "abstract": "stated in the abstract",
    "question": "a question that the abstract poses",
    "run table": "read from the authors' run table",
    "ours": "added by us",
}
"""Where a claim comes from, in words."""


@dataclass(frozen=True)
class Claim:
    """One claim of a paper.

    Attributes:
        id: Name used in code, tables and chapters.
        study: Study that tests it.
        source: Where it comes from: the abstract states it, a question the abstract poses, read from the
            run table, or added by us.
        title: A few words.
        statement: The claim in our words.
        rule: The rule in words; it stands before the runs that it judges.
        version: Version of the rule; raised, and told in the changelog, when the rule changes.
        measure: Measure of the primary endpoint.
        endpoint: The quantity that the rule is about, in words.
        margin: Margin of equivalence in words, such as ``"±2 points"``; empty for a direction, bounded by 0.
    """

    id: str
    study: str
    source: Literal["abstract", "question", "run table", "ours"]
    title: str
    statement: str
    rule: str
    version: int
    measure: str = "rsa-correlation"
    endpoint: str = ""
    margin: str = ""

    @property
    def paper(self) -> str:
        """Key of the paper in the bibliography."""
        return study(self.study).paper

    @property
    def parent(self) -> str:
        """Id of the claim that this one is a part of or stands beside: ``"M1"`` of ``"M1a"``; or its own."""
        return self.id.rstrip("abcdefgh")


_RULES: dict[str, tuple[Claim, Rule]] = {}


def rule(claim: Claim) -> Callable[[Rule], Rule]:
    """Register the decorated function as the rule of a claim.

    Raises:
        ValueError: The claim has one already.
    """

    def register(function: Rule) -> Rule:
        if claim.id in _RULES:
            raise ValueError(f"claim {claim.id} has a rule already")
        _RULES[claim.id] = (claim, function)
        return function

    return register


def claims(name: str | None = None) -> list[Claim]:
    """All claims that have a rule, or those of one study, in the order in which they were declared."""
    _load()
    return [claim for claim, _ in _RULES.values() if name in (None, claim.study)]


def judge(claim_id: str, run: xr.Dataset | Mapping[str, xr.Dataset], measure: str | None = None) -> Verdict:
    """Apply a claim's rule to a run, or to several.

    Args:
        claim_id: Id of the claim.
        run: Units of one condition along ``seed``, as :func:`reprise.engine.runner.run` gives them; or
            several such runs by name, where the claim compares them. The verdict is labelled by the first.
        measure: Id of a measure; that of the primary endpoint if None. Another one is a sensitivity analysis.

    Returns:
        The verdict.

    Raises:
        UserError: There is no such claim; the message lists those that have a rule.
    """
    _load()
    if claim_id not in _RULES:
        raise UserError(f"unknown claim {claim_id!r}; rules exist for: {', '.join(_RULES)}")
    claim, function = _RULES[claim_id]
    measure = measure or claim.measure
    status, parts, note = function(run, measure)
    # A Dataset is itself a mapping, of its variables.
    first: Any = run if hasattr(run, "attrs") else next(iter(run.values()))
    attrs = first.attrs
    dataset, preset = json.loads(attrs["config"])["dataset"], attrs.get("preset", "")
    return Verdict(claim_id, status, parts, dataset, preset, measure, claim.version, note)


def rule_of(claim_id: str) -> Rule:
    """The rule of a claim, as a function."""
    _load()
    return _RULES[claim_id][1]


def _load() -> None:
    """Import the modules that declare rules."""
    for name in studies():
        study(name).part("claims")
