"""Colours that carry meaning, listed here and nowhere else: static figures, widgets and tables share them.

On a dark ground those that would be lost there have a lighter value (:data:`ON_DARK`), which a style sheet
sets under the name ``--ink-<colour>``: ``assets/reprise.css`` in the book, the widgets' own elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LAYER_RAMP = ("#86bbe0", "#4f97c9", "#2a72a8", "#0f4a78")
"""Blocks, from the first (light) to the last (dark): depth."""

HEAD = "#d55e00"
"""The head (logits): the single warm accent."""

CONDITIONS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442")
"""Okabe–Ito colours for conditions and tasks, in the order in which meanings are given them."""

ON_DARK = {
    "#86bbe0": "#cfe5f6", "#4f97c9": "#96c6ea", "#2a72a8": "#62a5d8", "#0f4a78": "#3b83bd",
    "#d55e00": "#f0782a", "#0072b2": "#2f93d6",
}  # fmt: skip
"""Colours on a dark ground: depth still runs from light to dark, and each keeps its hue."""

MATRIX_MAP = "cividis"
"""Colour map of similarity matrices: perceptually uniform, safe for colour blindness."""


def layer_colours(layers: Sequence[str]) -> dict[str, str]:
    """One colour a layer: the ramp by depth, the head set apart.

    Args:
        layers: Names in order of depth; ``"logits"`` is the head.

    Returns:
        Name → hexadecimal colour.
    """
    body = [layer for layer in layers if layer != "logits"]
    if len(body) <= len(LAYER_RAMP):
        ramp = [LAYER_RAMP[i] for i in np.linspace(0, len(LAYER_RAMP) - 1, len(body)).round().astype(int)]
    else:
        from matplotlib.colors import LinearSegmentedColormap, to_hex

        smooth = LinearSegmentedColormap.from_list("depth", LAYER_RAMP)
        ramp = [to_hex(smooth(x)) for x in np.linspace(0, 1, len(body))]
    return {**dict(zip(body, ramp, strict=True)), "logits": HEAD}


def matrix_stops(count: int = 65) -> list[str]:
    """The matrices' colour map as hexadecimal colours at equal steps, for drawing outside matplotlib."""
    import matplotlib
    from matplotlib.colors import to_hex

    return [to_hex(matplotlib.colormaps[MATRIX_MAP](x)) for x in np.linspace(0, 1, count)]
