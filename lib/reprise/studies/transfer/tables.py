"""Study 2: its results as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..comparison import Summary, summarise
from . import endpoints
from .authors import BOUND, Beside
from .findings import Effect

if TYPE_CHECKING:
    import xarray as xr


def results(runs: Mapping[str, xr.Dataset], reference: str, measure: str = endpoints.PRIMARY) -> str:
    """A row a condition: accuracies and similarity of every layer, with 95 % t intervals over seeds.

    Args:
        runs: Condition → units along ``unit``, all of one architecture.
        reference: What similarity is to.
        measure: Id of a measure.
    """
    layers = [str(name) for name in next(iter(runs.values()))["layer"].values]
    rows = [
        f"| | n | training accuracy, % | test accuracy, % | {' | '.join(layers)} |",
        "|---" * (len(layers) + 4) + "|",
    ]
    for name, run in runs.items():
        accuracies = [
            spelled(summarise(100 * run[key].isel(epoch=-1).values), 1)
            for key in ("train_accuracy", "test_accuracy")
        ]
        kept = endpoints.similarity(run, reference, measure)
        cells = [spelled(summarise(kept.sel(layer=layer).values)) for layer in layers]
        rows.append(f"| {name} | {run.sizes['unit']} | {' | '.join([*accuracies, *cells])} |")
    return "\n".join(rows)


def beside_authors(rows: Sequence[Beside]) -> str:
    """Ours beside the authors' numbers, every row of their table: means, differences, whether they agree."""
    lines = [
        "| condition | layer | theirs, mean ± sd (n) | ours | difference | in joint standard deviations "
        "| in standard errors | |",
        "|---" * 8 + "|",
    ]
    for row in rows:
        one = row.published
        theirs = f"{one.mean:.3f} ± {one.sd:.3f} ({one.seeds})"
        if not row.seeds:
            lines.append(f"| {one.condition} | {one.layer} | {theirs} | *not run* | – | – | – | |")
            continue
        spread = f" ± {row.sd:.3f}" if np.isfinite(row.sd) else ""
        deviations = (
            f"{value:+.1f}" if np.isfinite(value) else "–"
            for value in (row.joint_deviations, row.standard_errors)
        )
        word = {True: "agrees", False: "**differs**", None: ""}[row.matches]
        lines.append(
            f"| {one.condition} | {one.layer} | {theirs} | {row.mean:.3f}{spread} ({row.seeds}) "
            f"| {row.difference:+.3f} | {' | '.join(deviations)} | {word} |"
        )
    return "\n".join(lines)


def agreement(rows: Sequence[Beside]) -> str:
    """In a sentence or two: how many rows agree, which do not, which were not run."""
    known = [row for row in rows if row.matches is not None]
    absent = list(dict.fromkeys(row.published.condition for row in rows if row.matches is None))
    if not known:
        return f"None of the authors' {len(rows)} rows can be compared: *not run*, or with a single seed."
    outside = [row for row in known if not row.matches]
    text = (
        f"Of {len(known)} rows to compare, {len(known) - len(outside)} agree within {BOUND:g} joint "
        "standard deviations"
    )
    if outside:
        named = "; ".join(
            f"{row.published.condition}, {row.published.layer} ({row.joint_deviations:+.1f})"
            for row in outside
        )
        text += f"; outside are {named}"
    return f"{text}." + (f" Not run: {'; '.join(absent)}." if absent else "")


def audit(found: Sequence[Effect]) -> str:
    """A row a finding: what it changes in each layer and in accuracy; in bold what matters."""
    quantities = list(dict.fromkeys(effect.quantity for effect in found))
    lines = [f"| | {' | '.join(quantities)} |", "|---" * (len(quantities) + 1) + "|"]
    for name in dict.fromkeys(effect.finding for effect in found):
        cells = []
        for effect in (effect for effect in found if effect.finding == name):
            text = spelled(effect.difference, sign=True)
            cells.append(f"**{text}**" if effect.word == "matters" else text)
        lines.append(f"| {name.split(', ', 1)[-1]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def spelled(value: Summary, digits: int = 3, sign: bool = False) -> str:
    """Mean with its interval, if there is one: ``0.412 [0.380, 0.444]``."""
    plus = "+" if sign else ""
    if not np.isfinite(value.low):
        return f"{value.mean:{plus}.{digits}f}"
    return f"{value.mean:{plus}.{digits}f} [{value.low:{plus}.{digits}f}, {value.high:{plus}.{digits}f}]"
