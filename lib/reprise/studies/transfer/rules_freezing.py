"""Rule of T2: what fine-tuning gains by letting all layers move, against several ways to freeze some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...claims.claim import Outcome, Runs
from ...claims.verdict import Part, above_holm, all_of
from . import endpoints
from .rules import as_far_as_run

if TYPE_CHECKING:
    import xarray as xr

CONTRASTS = {
    "first two blocks frozen": "{}, after-2",
    "weights of the first two blocks frozen": "weights alone: {}, after-2",
    "all but the head frozen": "{}, head",
}
"""What T2 holds all layers free against, in words → name of its run, with the domain and number of images."""


def early_change_is_beneficial(runs: Runs, measure: str) -> Outcome:
    """T2: gain by letting all layers move, on both domains, and their difference; by what is held against."""
    parts: list[Part] = []
    absent, said = [], []
    for contrast, name in CONTRASTS.items():
        found = _gains(runs, name)
        domains = ("true labels", "other domain")
        wanted = [f"{domain}, {count}" for count in _counts(found) for domain in domains]
        absent += [f"{setting} ({contrast})" for setting in wanted if setting not in found]
        if not found:
            absent.append(contrast)
            continue
        benefits = above_holm({f"{setting}: all free − {contrast}": own for setting, own in found.items()})
        across = {
            f"{count}: other domain − own domain, {contrast}": found[f"other domain, {count}"]
            - found[f"true labels, {count}"]
            for count in _counts(found)
            if {f"{domain}, {count}" for domain in domains} <= set(found)
        }
        own = [*benefits, *above_holm(across)]
        said.append(f"{contrast}: {all_of(own)}")
        parts += own
    if not parts:
        return "not run", (), ""
    note = f"Log-odds of test accuracy. {'; '.join(said)}."
    return as_far_as_run(all_of(parts), tuple(parts), note, absent)


def _gains(runs: Runs, name: str) -> dict[str, xr.DataArray]:
    """Domain and number of images → gain of all layers free over another way, along ``seed``."""
    settings = [name.removesuffix(", all") for name in runs if name.endswith(", all")]
    return {
        setting: endpoints.gain(runs[f"{setting}, all"], runs[name.format(setting)])
        for setting in settings
        if name.format(setting) in runs
    }


def _counts(gains: Iterable[str]) -> list[str]:
    """Numbers of images in the order in which they come."""
    return list(dict.fromkeys(setting.partition(", ")[2] for setting in gains))
