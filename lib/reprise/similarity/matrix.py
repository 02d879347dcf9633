"""Named representations in, a labelled matrix out; and the way to rsatoolbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import to_numpy
from .condensed import n_stimuli
from .measures import Measure, measure

if TYPE_CHECKING:
    import xarray

__all__ = ["labelled", "similarity_matrix", "to_rsatoolbox"]

Named = Mapping[str, Any] | Sequence[Any]


def similarity_matrix(
    representations: Named, others: Named | None = None, measure: str | Measure = "cka-linear"
) -> xarray.DataArray:
    """Similarity of all pairs of named representations.

    Args:
        representations: Name → (n, …features), all of the same stimuli; a plain sequence is named 0, 1, …
        others: Likewise; `representations` themselves by default.
        measure: Id in the registry, or an entry.

    Returns:
        `xarray.DataArray` (representation, other), named by the measure's id; attributes `long_name` (axis
        label), `valid_range` and `direction`. For a distance, smaller = more similar.

    Raises:
        ValueError: Unknown measure, nothing to compare, or as the measure.

    >>> rng = np.random.default_rng(0)
    >>> layers = {"first": rng.normal(size=(20, 5)), "second": rng.normal(size=(20, 9))}
    >>> table = similarity_matrix(layers, measure="cka-linear")
    >>> table.dims, round(float(table.sel(representation="first", other="first")), 6)
    (('representation', 'other'), 1.0)
    """
    entry = _entry(measure)
    names, items = _named(representations)
    other_names, other_items = (names, None) if others is None else _named(others)
    values = entry.matrix(items, other_items)
    return labelled(values, entry, {"representation": names, "other": other_names})


def labelled(values: np.ndarray, entry: Measure, labels: dict[str, list[str]]) -> xarray.DataArray:
    """An array with a measure's name, label, range and direction.

    Args:
        values: One axis per key of `labels`.
        entry: The measure.
        labels: Dimension → names along it.
    """
    import xarray  # half a second that plain arrays need not wait for

    attributes = {
        "long_name": entry.axis,
        "valid_range": list(entry.range),
        "direction": "larger = more similar" if entry.is_similarity else "smaller = more similar",
    }
    return xarray.DataArray(values, dims=list(labels), coords=labels, name=entry.id, attrs=attributes)


def to_rsatoolbox(
    rdms: Any,
    distance: str = "correlation",
    stimuli: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
) -> Any:
    """Condensed RDMs as an `rsatoolbox.rdm.RDMs`, for what is done better there (such as flexible models).

    Args:
        rdms: (pairs,) or (m, pairs), row-major upper triangle, as rsatoolbox has it.
        distance: What to record as the dissimilarity measure.
        stimuli: n names, kept as the pattern descriptor "stimulus".
        names: m names, kept as the RDM descriptor "name".

    Returns:
        `rsatoolbox.rdm.RDMs`.

    Raises:
        ImportError: rsatoolbox is not installed.
        ValueError: Impossible length, or wrong number of names.

    >>> from reprise.similarity import rdm
    >>> x = np.random.default_rng(0).normal(size=(6, 4))
    >>> to_rsatoolbox(rdm(x)).get_matrices().shape
    (1, 6, 6)
    """
    array = np.atleast_2d(to_numpy(rdms, "rdms")).astype(np.float64)
    n = n_stimuli(array.shape[-1])
    for what, given, expected in (("stimuli", stimuli, n), ("names", names, len(array))):
        if given is not None and len(given) != expected:
            raise ValueError(f"{len(given)} {what} given for {expected}")
    try:
        from rsatoolbox.rdm.rdms import RDMs  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError("to_rsatoolbox needs rsatoolbox: pip install rsatoolbox") from error
    return RDMs(
        array,
        dissimilarity_measure=distance,
        pattern_descriptors=None if stimuli is None else {"stimulus": list(stimuli)},
        rdm_descriptors=None if names is None else {"name": list(names)},
    )


def _entry(given: str | Measure) -> Measure:
    return given if isinstance(given, Measure) else measure(given)


def _named(items: Named) -> tuple[list[str], list[Any]]:
    pairs = list(items.items()) if isinstance(items, Mapping) else [(str(i), x) for i, x in enumerate(items)]
    if not pairs:
        raise ValueError("no representations to compare")
    return [str(name) for name, _ in pairs], [x for _, x in pairs]
