"""Every analysis of a claim side by side: measures × conditions, as rows for a specification curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .claim import Runs, find_claim
from .verdict import ORDER, spell_tally

__all__ = ["Row", "specifications", "tally"]

Row = dict[str, Any]
"""One analysis of one claim, as JSON values: ``claim``, ``title``, ``measure``, ``condition``, ``effect``,
``estimate``, ``low``, ``high`` (None where there is no number), ``level``, ``bound``, ``unit``, ``status``,
``n``, ``primary`` (whether it is the analysis that decides) and ``command``."""


def specifications(
    ids: Sequence[str],
    runs: Mapping[str, tuple[Runs, str]],
    measures: Sequence[str],
    primary: str | None = None,
) -> list[Row]:
    """Judge claims under every measure and condition.

    Args:
        ids: Ids of claims.
        runs: Condition in words → the runs that are judged, by their names in the rules, and the command that
            computes them.
        measures: Ids of measures.
        primary: The condition that decides; the first one if None.

    Returns:
        One row a claim, condition and measure, each with the comparison that has the least support.

    Raises:
        UserError: There is no such claim.
        ValueError: There is no such condition.
    """
    if primary is None:
        primary = next(iter(runs), None)
    elif primary not in runs:
        raise ValueError(f"no condition {primary!r}; there are: {', '.join(runs)}")
    rows = []
    for claim in map(find_claim, ids):
        for condition, (named, command) in runs.items():
            for measure in measures:
                verdict = claim.judge(named, measure)
                part = verdict.decisive
                row = {
                    "claim": claim.id,
                    "title": claim.title,
                    "measure": str(measure),
                    "condition": condition,
                    "status": verdict.status,
                    "primary": condition == primary and measure == claim.measure,
                    "command": command,
                    "effect": "" if part is None else part.name,
                    "bound": "" if part is None else part.bound,
                    "level": None if part is None else part.level,
                    "unit": "" if part is None else part.unit,
                    "n": 0 if part is None else part.n,
                }
                for key in ("estimate", "low", "high"):
                    value = np.nan if part is None else float(getattr(part, key))
                    row[key] = value if np.isfinite(value) else None
                rows.append(row)
    return rows


def tally(rows: Sequence[Mapping[str, Any]]) -> str:
    """How the analyses of a claim come out, in words: ``5 supported, 1 undecided``."""
    found = [row["status"] for row in rows]
    return spell_tally({status: found.count(status) for status in ORDER})
