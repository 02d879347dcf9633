"""Study 2: ours beside the authors' numbers, as a Markdown table and in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...engine.words import markdown_table, number
from .authors import BOUND, Beside


def beside_authors(rows: Sequence[Beside]) -> str:
    """Ours beside the authors' numbers, every row of their table: three lines a condition, a column a layer.

    Means with standard deviations over seeds, theirs and ours; then the difference in joint standard
    deviations and in standard errors, in bold where it is outside of the bound.
    """
    layers = list(dict.fromkeys(row.published.layer for row in rows))
    lines: list[list[str]] = []
    for condition in dict.fromkeys(row.published.condition for row in rows):
        found = {row.published.layer: row for row in rows if row.published.condition == condition}
        one = next(iter(found.values()))
        cells = [found.get(layer) for layer in layers]
        theirs = ["–" if row is None else _spread(row.published.mean, row.published.sd) for row in cells]
        lines.append([condition, f"theirs ({one.published.seeds})", *theirs])
        if not one.seeds:
            lines.append(["", "ours", "*not run*", *[""] * (len(layers) - 1)])
            continue
        ours = ["–" if row is None else _spread(row.mean, row.sd) for row in cells]
        lines.append(["", f"ours ({one.seeds})", *ours])
        apart = ["–" if row is None else _apart(row) for row in cells]
        lines.append(["", "apart, sd / se", *apart])
    return markdown_table(["condition", "seeds", *layers], lines)


def _spread(mean: float, sd: float) -> str:
    """Mean and standard deviation, never parted by the end of a line."""
    return f"{mean:.3f}\u202f±\u202f{sd:.3f}" if np.isfinite(sd) else f"{mean:.3f}"


def _apart(row: Beside) -> str:
    """A difference in joint standard deviations and in standard errors; in bold if the row differs."""
    if row.matches is None:
        return "–"
    text = "\u202f/\u202f".join(
        number(one, 1, sign=True) for one in (row.joint_deviations, row.standard_errors)
    )
    return text if row.matches else f"**{text}**"


def agreement(rows: Sequence[Beside]) -> str:
    """In a sentence or two: how many rows agree by either scale, which do not, which were not run."""
    known = [row for row in rows if row.matches is not None]
    absent = list(dict.fromkeys(row.published.condition for row in rows if row.matches is None))
    if not known:
        return f"None of the authors' {len(rows)} rows can be compared: *not run*, or with a single seed."
    outside = [row for row in known if not row.matches]
    close = sum(abs(row.standard_errors) <= BOUND for row in known)
    text = (
        f"Of {len(known)} rows to compare, {len(known) - len(outside)} agree within {BOUND:g} joint "
        f"standard deviations, {close} within {BOUND:g} standard errors"
    )
    if outside:
        named = "; ".join(
            f"{row.published.condition}, {row.published.layer} ({number(row.joint_deviations, 1, sign=True)})"
            for row in outside
        )
        text += f"; outside are {named}"
    return f"{text}." + (f" Not run: {'; '.join(absent)}." if absent else "")


def sides(rows: Sequence[Beside]) -> str:
    """In a sentence: on which side of the authors' numbers ours lie, by stage."""
    said = []
    for stage in dict.fromkeys(row.published.stage for row in rows):
        known = [row for row in rows if row.published.stage == stage and row.matches is not None]
        if known:
            below = sum(row.difference < 0 for row in known)
            nets = len({row.published.condition for row in known})
            where = f"{stage} ({nets} condition{'s' * (nets != 1)})"
            said.append(f"of {len(known)} rows of {where} {below} lie below theirs")
    if not said:
        return ""
    text = "; ".join(said)
    return (
        f"{text[0].upper()}{text[1:]}. Layers of one network move together, so that rows of a condition are "
        "no independent witnesses."
    )
