"""Change of every layer, in the one form that figures, explorers and the overview read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

DIMS = ("reference", "seed", "measure", "layer", "at")


def changes_from(
    similarities: Mapping[str, xr.DataArray], at: str, counts: str, primary: str, nulls: Sequence[str] = ()
) -> xr.DataArray:
    """Put the similarities of a run to several references into one array of changes.

    Args:
        similarities: What a state is compared with, in words → similarity along ``seed``, ``measure``,
            ``layer`` and, where it was followed through training, ``at``.
        at: Dimension of positions in training.
        counts: What positions count, such as ``"epochs"``.
        primary: The reference that the study is about.
        nulls: References that share no history with the state: the null levels.

    Returns:
        1 − similarity (0 = no change, NaN where a reference was not compared with), with the dimensions
        :data:`DIMS`; a reference that was compared with at the end alone stands at the last position.
        ``attrs``: ``counts``, ``primary`` and ``nulls``.
    """
    import xarray as xr

    followed = next((values for values in similarities.values() if at in values.dims), None)
    last = None if followed is None else followed[at].isel({at: [-1]})
    single = {
        name: v if at in v.dims or last is None else v.expand_dims({at: last})
        for name, v in similarities.items()
    }
    joined = xr.concat(
        [1 - values.reset_coords(drop=True) for values in single.values()],
        xr.DataArray(list(single), dims="reference", name="reference"),
        join="outer",
    )
    joined = joined.expand_dims({at: [0]}) if last is None else joined
    named = joined.rename({at: "at"}).transpose(*DIMS).rename("change")
    return named.assign_attrs(
        counts=counts, primary=primary, nulls=[name for name in nulls if name in single]
    )
