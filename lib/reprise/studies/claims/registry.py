"""Claims of the papers as data, and the rules that judge them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...places import UserError
from .verdict import Part, Status, Verdict

if TYPE_CHECKING:
    import xarray as xr

Rule = Callable[["xr.Dataset", str], tuple[Status, tuple[Part, ...], str]]
"""Units of one run and the id of a measure → status, comparisons, note."""


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
        measure: Measure of similarity of the primary endpoint.
    """

    id: str
    study: str
    source: Literal["abstract", "question", "run table", "ours"]
    title: str
    statement: str
    rule: str
    version: int
    measure: str = "rsa-correlation"


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


def claims(study: str | None = None) -> list[Claim]:
    """All claims that have a rule, or those of one study, in the order in which they were declared."""
    _load()
    return [claim for claim, _ in _RULES.values() if study in (None, claim.study)]


def judge(claim_id: str, run: xr.Dataset, measure: str | None = None) -> Verdict:
    """Apply a claim's rule to a run.

    Args:
        claim_id: Id of the claim.
        run: Units of one condition along ``unit``, as :func:`reprise.studies.runner.run` gives them.
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
    dataset = json.loads(run.attrs["config"])["dataset"]
    return Verdict(
        claim_id, status, parts, dataset, run.attrs.get("preset", ""), measure, claim.version, note
    )


def _load() -> None:
    """Import the modules that declare rules."""
    from . import maml  # noqa: F401
