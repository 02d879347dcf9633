"""Rule matters: a rule with what it fixes by hand left open, as a figure and as the explorer in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .shown import explore

if TYPE_CHECKING:
    import xarray as xr

    from ...claims.choices import Choices
    from ..chapter import Chapter


def rule_matters(chapter: Chapter, rule: Choices, runs: Mapping[str, xr.Dataset] | None = None) -> None:
    """Display a rule at every choice: the static figure, and the explorer that takes its place.

    Args:
        chapter: The chapter whose study it is.
        rule: The rule.
        runs: Runs that it is judged on, where it is not the chapter's own.
    """
    from ...plots.rule import rule_curve
    from ...widgets import Rule

    name = f"rule-{rule.claim.lower()}"
    chapter.show(rule_curve(rule, name), runs=runs)
    explore(Rule(rule, twin=name), name)
