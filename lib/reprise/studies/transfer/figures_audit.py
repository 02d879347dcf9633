"""Figures of study 2's audit: released against described, ours beside the authors', levels, fewer stimuli."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...engine.words import number
from ...plots.change import by_layer, ends, lines
from ...plots.dots import Mark, beside, dots, rows
from ...plots.style import (
    CONDITIONS,
    FAINT,
    MUTED,
    Plate,
    drawing,
    end_labels,
    gridlines,
    layer_colours,
    legend_above,
)
from ...plots.words import interval, mean_over, same, seeds
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .authors import BOUND, Beside
from .figures import Runs
from .states import REFERENCE_WORDS, between_seeds

if TYPE_CHECKING:
    import xarray as xr


def audit(runs: Runs, reference: str, described: str, name: str, measure: str = "cka-linear") -> Plate:
    """What each finding about the released code does to similarity, layer by layer, seed against seed.

    Args:
        runs: Condition → units along ``seed``.
        reference: What is compared with.
        described: Name of the condition that is as described: it is subtracted from the others.
        name: Id of the figure on its page.
        measure: Id of a measure.

    Raises:
        ValueError: There is no condition of that name.
    """
    if described not in runs:
        raise ValueError(f"no condition {described!r}; there are: {', '.join(runs)}")
    base = by_layer(endpoints.similarity(runs[described], reference, measure))
    others = [title for title in runs if title != described]
    tones, differences = layer_colours(list(base)), []
    with drawing(height=0.55 * len(others) + 1.0) as (figure, axes):
        for row, title in enumerate(others):
            values = by_layer(endpoints.similarity(runs[title], reference, measure))
            for layer, place in zip(base, _places(row, len(base)), strict=True):
                mean = dots(
                    axes, place, values[layer] - base[layer], across=True, color=tones[layer],
                    markersize=4.5, label=None if row else layer,
                )  # fmt: skip
                differences.append(f"{title}, {layer}: {number(float(mean), sign=True)}")
        axes.axvline(0, color=MUTED, linewidth=1)
        rows(axes, [title.split(", ", 1)[-1] for title in others])
        gridlines(axes, "x")
        axes.set_xlabel(f"difference in {same(measure)}, changed − as described")
        legend_above(axes, len(base), bbox_to_anchor=(0.4, 1.0))
        figure.tight_layout()
    caption = (
        "Difference that each finding about the released code makes to each layer's similarity at the end. "
        f"Marks: mean over {seeds(*runs.values())}, paired by seed; {interval('bars', *runs.values())}."
    )
    return Plate(figure, name, caption, f"Marks about 0, a row a finding. {'; '.join(differences)}.")


def beside_authors(compared: Sequence[Beside]) -> Plate:
    """Ours beside the authors' numbers: differences in joint standard deviations, every row of their table.

    Args:
        compared: What :func:`reprise.studies.transfer.authors.beside` returned.
    """
    conditions = list(dict.fromkeys(row.published.condition for row in compared))
    shown = list(dict.fromkeys(row.published.layer for row in compared))
    tones = layer_colours(shown)
    known = [row for row in compared if row.matches is not None]
    finite = [abs(row.joint_deviations) for row in compared if np.isfinite(row.joint_deviations)]
    reach = max([3.0, *(min(deviation, 9.0) for deviation in finite)])
    with drawing(height=0.5 * len(conditions) + 1.1) as (figure, axes):
        axes.axvspan(-BOUND, BOUND, color=CONDITIONS[2], alpha=0.12, linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=1)
        for row in compared:
            layer, y = row.published.layer, conditions.index(row.published.condition)
            if row.matches is not None:
                place = _places(y, len(shown))[shown.index(layer)]
                deviation = np.clip(row.joint_deviations, -reach, reach)
                reached = BOUND * row.error / np.hypot(row.sd, row.published.sd)
                axes.plot([deviation - reached, deviation + reached], [place] * 2, color=tones[layer], lw=1.2)
                axes.plot(deviation, place, "o" if row.matches else "X", color=tones[layer], markersize=5)
            elif layer == shown[0]:
                text = "one seed: no deviation" if row.seeds else "not run"
                axes.annotate(text, (0, y), color=MUTED, fontsize=8, ha="center", va="center")
        rows(axes, conditions)
        axes.tick_params(axis="y", labelsize=8.5)
        axes.set_xlim(-reach * 1.05, reach * 1.05)
        axes.set_xlabel("ours − theirs, in joint standard deviations of a seed")
        if known:
            for layer in shown:
                axes.plot([], [], "o", color=tones[layer], markersize=5, label=layer)
            legend_above(axes, len(shown), bbox_to_anchor=(0.4, 1.0))
        figure.tight_layout()
    inside = sum(bool(row.matches) for row in known)
    caption = (
        "Linear CKA at the end, ours minus the authors' (every row of their table), in standard deviations "
        "of a seed of ours and one of theirs together. Shaded: within two; crosses lie outside. Bars: two "
        "standard errors of the difference of the means, so that a bar beside 0 says that these differ. "
        "Conditions that were not run are named."
    )
    alt = (
        f"{inside} of {len(known)} marks lie within two joint standard deviations; "
        f"{len(compared) - len(known)} rows were not run."
    )
    return Plate(figure, "transfer-authors", caption, alt)


def levels(run: xr.Dataset, reference: str = "start", measure: str = "cka-linear-debiased") -> Plate:
    """Similarity to a reference between its null and its ceiling, by layer, of one condition.

    The measure should be a debiased one, as some levels come from fewer stimuli than others.
    """
    halves = run["half_similarity"].sel(reference=reference, measure=measure)
    marks = [
        Mark(f"to {REFERENCE_WORDS[reference]}", endpoints.similarity(run, reference, measure), "o", "black"),
        Mark("the same, first half of the probe", halves.isel(half=0), "<", CONDITIONS[0]),
        Mark("the same, second half of the probe", halves.isel(half=1), ">", CONDITIONS[0]),
        Mark("null: to fresh networks", endpoints.similarity(run, "fresh", measure), "X", MUTED),
    ]
    if run.sizes["seed"] > 1:
        between = between_seeds(run, measure).mean("seed").expand_dims("seed")  # of pairs: no interval
        marks.append(Mark("between trained networks of two seeds", between, "D", CONDITIONS[2]))
    with drawing(height=3.0) as (figure, axes):
        main, _, _, null, *pairs = beside(axes, marks, spread=0.28, markersize=5)
        axes.set_ylabel(same(measure))
        legend_above(axes)
    caption = (
        f"Similarity to {REFERENCE_WORDS[reference]} at the end, on the whole probe and on each half of it, "
        "against fresh networks, and between the trained networks of different seeds (mean over pairs, on "
        f"the 50 stimuli that seeds share). Marks: {mean_over('bars', run)}."
    )
    described = "; ".join(
        f"{layer}: {main[i]:.2f}, null {null[i]:.2f}" + "".join(f", between seeds {p[i]:.2f}" for p in pairs)
        for i, layer in enumerate(run["layer"].values)
    )
    return Plate(figure, "transfer-levels", caption, f"Marks for each layer. {described}.")


def stimuli(
    run: xr.Dataset,
    measures: Sequence[str] = ("cka-linear", "cka-linear-debiased", "rsa-correlation"),
    reference: str = "fresh",
) -> Plate:
    """Similarity at the end against the number of probe stimuli, a panel a measure: its bias.

    Args:
        run: Units of one condition along ``seed``.
        measures: Ids of measures.
        reference: What is compared with; unrelated networks show the bias most clearly.
    """
    x = run["stimuli"].values
    last_but_one, described = str(run["layer"].values[-2]), []
    with drawing(1, len(measures), height=2.8, sharey=True, squeeze=False) as (figure, ((*panels,),)):
        for axes, name in zip(panels, measures, strict=True):
            curves = by_layer(run["count_similarity"].sel(reference=reference, measure=name))
            tones, title = layer_colours(list(curves)), measure_entry(name).title
            means = lines(axes, curves, "stimuli", tones)
            first, *_, last = means[last_but_one]
            described.append(f"{title}, {last_but_one}: {first:.2f} to {last:.2f}")
            axes.set_xscale("log")
            axes.set_xticks(x, [str(count) for count in x], fontsize=8)
            axes.minorticks_off()
            axes.set_title(title, fontsize=9)
            axes.set_xlabel("probe stimuli")
            axes.axhline(0, color=FAINT, linewidth=0.8)
        panels[0].set_ylabel("similarity (1 = same)")
        panels[0].set_ylim(top=1.02)
        figure.tight_layout(w_pad=1.0, rect=(0, 0, 0.93, 1))
        end_labels(panels[-1], ends(means, tones), gap=0.085)
    to = "fresh random networks" if reference == "fresh" else f"the reference {reference}"
    caption = (
        f"Similarity to {to} at the end of training, computed on the first few stimuli of the probe up to "
        "all of them. A measure without bias stays level; the usual CKA comes out too high where features "
        f"outnumber stimuli. Lines: {mean_over('bands', run)}."
    )
    alt = f"Lines over the number of stimuli, from {x[0]} to {x[-1]}. {'; '.join(described)}."
    return Plate(figure, "transfer-stimuli", caption, alt)


def _places(row: int, count: int) -> np.ndarray:
    """Heights of several marks in one row."""
    return row + 0.13 * (np.arange(count) - (count - 1) / 2)
