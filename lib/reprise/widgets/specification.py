"""Measure matters: one claim under every measure and switch, as a specification curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import anywidget
import traitlets

from ..claims.verdict import Status
from . import joining

__all__ = ["Specification"]

_NEEDED = ("claim", "measure", "condition", "estimate", "low", "high", "status", "n", "command")


class Specification(anywidget.AnyWidget):
    """Effects of all analyses of a claim in ascending order, with what each of them chose.

    Args:
        rows: Analyses, as :func:`reprise.claims.specification.specifications` gives them. Needed:
            claim, measure, condition, estimate, low, high (NaN or None where there is none), status, n,
            command. Shown where they are there: title, effect, bound, level, unit, primary.
        title: Heading of the explorer.
        twin: Id of the static figure whose place it takes on the screen, if any.

    Raises:
        ValueError: No rows, a row lacks something, or a status is none.
    """

    _esm = joining.module("specification")
    _css = joining.style()

    about = traitlets.Dict().tag(sync=True)

    def __init__(
        self, rows: Sequence[Mapping[str, Any]], title: str = "Measure matters", twin: str = ""
    ) -> None:
        if not rows:
            raise ValueError("no analyses to show")
        for row in rows:
            if missing := [key for key in _NEEDED if key not in row]:
                raise ValueError(f"an analysis of {row.get('claim', 'a claim')} lacks {', '.join(missing)}")
            if row["status"] not in get_args(Status):
                raise ValueError(f"status {row['status']!r}; one of {', '.join(get_args(Status))}")
        super().__init__(about={"rows": [_json(row) for row in rows], "title": title, "twin": twin})


def _json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without NaN, which JSON does not have."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
