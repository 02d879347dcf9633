"""Figures of study 2's audit: released against described, and ours beside the authors' numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...engine.statistics import interval_over_seeds
from ...engine.words import number
from ...plots.style import CONDITIONS, FAINT, MUTED, WIDTH, Plate, book_style, layer_colours
from . import endpoints
from .authors import Beside
from .figures_words import Runs, axis, interval, layers, seeds


def audit(runs: Runs, reference: str, described: str, name: str, measure: str = "cka-linear") -> Plate:
    """What each finding about the released code does to similarity, layer by layer, seed against seed.

    Args:
        runs: Condition → units along ``seed``; one of them as described.
        reference: What is compared with.
        described: Name of the condition that the others are subtracted from.
        name: Id of the figure on its page.
        measure: Id of a measure.

    Raises:
        ValueError: There is no condition of that name.
    """
    import matplotlib.pyplot as plt

    if described not in runs:
        raise ValueError(f"no condition {described!r}; there are: {', '.join(runs)}")
    shown = layers(runs)
    tones = layer_colours(shown)
    others = [title for title in runs if title != described]
    base = endpoints.similarity(runs[described], reference, measure)
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.55 * len(others) + 1.0))
        said = []
        for row, title in enumerate(others):
            values = endpoints.similarity(runs[title], reference, measure)
            for i, layer in enumerate(shown):
                gap = (values.sel(layer=layer) - base.sel(layer=layer)).values
                mean, low, high = interval_over_seeds(gap)
                bars = np.nan_to_num([[mean - low], [high - mean]])
                axes.errorbar(
                    mean, row + 0.13 * (i - (len(shown) - 1) / 2), xerr=bars, fmt="o", color=tones[layer],
                    markersize=4.5, elinewidth=1.2, label=layer if row == 0 else None,
                )  # fmt: skip
                said.append(f"{title}, {layer}: {number(float(mean), sign=True)}")
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_yticks(range(len(others)), [title.split(", ", 1)[-1] for title in others])
        axes.set_ylim(len(others) - 0.5, -0.5)
        axes.set_xlabel(f"difference in {axis(measure)}, changed − as described")
        axes.grid(axis="x", color=FAINT, linewidth=0.5)
        axes.legend(
            frameon=False, ncols=len(shown), loc="lower center", bbox_to_anchor=(0.4, 1.0), fontsize=8.5
        )
        figure.tight_layout()
    caption = (
        "Difference that each finding about the released code makes to each layer's similarity at the end. "
        f"Marks: mean over {seeds(runs)}, paired by seed; {interval(runs, 'bars')}."
    )
    return Plate(figure, name, caption, f"Marks about 0, a row a finding. {'; '.join(said)}.")


def beside_authors(rows: Sequence[Beside]) -> Plate:
    """Ours beside the authors' numbers: differences in joint standard deviations, every row of their table.

    Args:
        rows: What :func:`reprise.studies.transfer.authors.beside` returned.
    """
    import matplotlib.pyplot as plt

    conditions = list(dict.fromkeys(row.published.condition for row in rows))
    shown = list(dict.fromkeys(row.published.layer for row in rows))
    tones = layer_colours(shown)
    reach = max([3.0, *(min(abs(r.joint_deviations), 9.0) for r in rows if np.isfinite(r.joint_deviations))])
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.5 * len(conditions) + 1.1))
        axes.axvspan(-2, 2, color=CONDITIONS[2], alpha=0.12, linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=1)
        labelled: set[str] = set()
        for row in rows:
            y = conditions.index(row.published.condition)
            if row.matches is None:
                if row.published.layer == shown[0]:
                    text = "one seed: no deviation" if row.seeds else "not run"
                    axes.annotate(text, (0, y), color=MUTED, fontsize=8, ha="center", va="center")
                continue
            offset = 0.13 * (shown.index(row.published.layer) - (len(shown) - 1) / 2)
            name = row.published.layer
            axes.plot(
                np.clip(row.joint_deviations, -reach, reach), y + offset, "o" if row.matches else "X",
                color=tones[name], markersize=5, label=None if name in labelled else name,
            )  # fmt: skip
            labelled.add(name)
        axes.set_yticks(range(len(conditions)), conditions, fontsize=8.5)
        axes.set_ylim(len(conditions) - 0.5, -0.5)
        axes.set_xlim(-reach * 1.05, reach * 1.05)
        axes.set_xlabel("ours − theirs, in joint standard deviations of a seed")
        if labelled:
            axes.legend(
                frameon=False, ncols=len(shown), loc="lower center", bbox_to_anchor=(0.4, 1.0), fontsize=8.5
            )
        figure.tight_layout()
    known = [row for row in rows if row.matches is not None]
    inside = sum(bool(row.matches) for row in known)
    caption = (
        "Linear CKA at the end, ours minus the authors' (every row of their table), in standard deviations "
        "of a seed of ours and one of theirs together. Shaded: within two. Crosses lie outside; conditions "
        "that were not run are named."
    )
    alt = (
        f"{inside} of {len(known)} marks lie within two joint standard deviations; {len(rows) - len(known)} "
        "rows were not run."
    )
    return Plate(figure, "transfer-authors", caption, alt)
