"""Study 2: which runs each claim is judged on, and which runs of the families are still missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...engine.config import StudyConfig
from ...engine.study import Study

if TYPE_CHECKING:
    import xarray as xr

Runs = Mapping[str, "xr.Dataset"]

CLAIMS = ("T1", "T2", "T3", "T3a", "T3b", "T3c", "T3d", "T4")
"""Claims of the study, those on parts of another one behind it."""


def parts_of_claims(run: xr.Dataset, families: Mapping[str, Runs]) -> dict[str, dict[str, xr.Dataset]]:
    """Runs that each claim compares, by the names that its rule knows them under.

    Args:
        run: The pre-training that the families are made from; it labels verdicts on what was not run.
        families: Name of a family → condition → units along ``seed``. Those that are not there may be left
            out: what needs them is *not run* or *undecided*.

    Returns:
        Id of the claim → name → units along ``seed``, the pre-training first.
    """

    def named(family: str, before: str = "") -> dict[str, xr.Dataset]:
        return {f"{before}{name}": one for name, one in families.get(family, {}).items()}

    own = {"pre-training": run}
    tuned = {**own, **named("targets"), **named("fresh", "fresh: ")}
    sizes = {**own, **named("sizes", "equal epochs: "), **named("equal-steps", "equal steps: ")}
    found = dict.fromkeys(("T1", "T3", "T3a", "T3b", "T3c"), tuned)
    found |= {"T2": {**own, **named("freezing")}, "T3d": {**own, **named("noise", "pre-training: ")}}
    return {claim: {**found, "T4": sizes}[claim] for claim in CLAIMS}


def missing(
    study: Study, config: StudyConfig, seeds: Sequence[int], families: Mapping[str, Runs]
) -> dict[str, list[str]]:
    """Conditions of the families that lack some of the seeds.

    Args:
        study: The study.
        config: The condition that the families are made from.
        seeds: Seeds that there should be.
        families: Name of a family → condition → what is there of it.

    Returns:
        Name of a family → its incomplete conditions, each with what it has: ``random labels (3 of 5 seeds)``.
    """
    found = {}
    for family, runs in families.items():
        lines = []
        for title in study.family(family, config):
            there = {int(seed) for seed in runs[title]["seed"].values} if title in runs else set()
            if lacking := set(seeds) - there:
                lines.append(f"{title} ({len(seeds) - len(lacking)} of {len(seeds)} seeds)")
        if lines:
            found[family] = lines
    return found


def not_run(command: str, *families: str) -> str:
    """What a chapter says in place of a figure: that runs are missing, and the command that makes them.

    Args:
        command: Command of the condition that the families are made from.
        families: Their names.
    """
    options = " ".join(f"--family {family}" for family in families)
    return f"**Not run:** these units are not in the store. `{command} {options}` makes them."
