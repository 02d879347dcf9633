"""Figure of study 2 about the probe: what measures say with fewer stimuli."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...plots.style import FAINT, WIDTH, Plate, band, book_style, end_labels, layer_colours
from ...similarity.measures import measure as measure_entry
from .figures_words import interval, layers, seeds

if TYPE_CHECKING:
    import xarray as xr


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
    import matplotlib.pyplot as plt

    shown = layers({"": run})
    tones = layer_colours(shown)
    x = run["stimuli"].values
    with book_style():
        figure, panels = plt.subplots(1, len(measures), figsize=(WIDTH, 2.8), sharey=True, squeeze=False)
        ends, said = {}, []
        for axes, name in zip(panels[0], measures, strict=True):
            values = run["count_similarity"].sel(reference=reference, measure=name)
            for layer in shown:
                mean = band(
                    axes, x, values.sel(layer=layer).transpose("seed", "stimuli").values, tones[layer]
                )
                ends[name, layer] = mean[-1]
                if layer == shown[-2]:
                    said.append(f"{measure_entry(name).title}, {layer}: {mean[0]:.2f} to {mean[-1]:.2f}")
            axes.set_xscale("log")
            axes.set_xticks(x, [str(count) for count in x], fontsize=8)
            axes.minorticks_off()
            axes.set_title(measure_entry(name).title, fontsize=9)
            axes.set_xlabel("probe stimuli")
            axes.axhline(0, color=FAINT, linewidth=0.8)
        panels[0][0].set_ylabel("similarity (1 = same)")
        panels[0][0].set_ylim(top=1.02)
        figure.tight_layout(w_pad=1.0, rect=(0, 0, 0.93, 1))
        end_labels(panels[0][-1], [(ends[measures[-1], n], n, tones[n]) for n in shown], gap=0.085)
    to = "fresh random networks" if reference == "fresh" else f"the reference {reference}"
    caption = (
        f"Similarity to {to} at the end of training, computed on the first few stimuli of the probe up to "
        "all of them. A measure without bias stays level; the usual CKA comes out too high where features "
        f"outnumber stimuli. Lines: mean over {seeds({'': run})}; {interval({'': run}, 'bands')}."
    )
    alt = f"Lines over the number of stimuli, from {x[0]} to {x[-1]}. {'; '.join(said)}."
    return Plate(figure, "transfer-stimuli", caption, alt)
