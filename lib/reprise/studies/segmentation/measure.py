"""Study 3, third stage: what representations of constant crops look like before and after fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...engine import grams as kept
from ...similarity.gram import Grams
from ...similarity.measures import measure

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    from ...data.segmentation import SegmentationSet
    from ...models.unet import EncoderDecoder

MEASURES = ("rsa-correlation", "rsa-euclidean", "rsa-cosine", "cka-linear", "cka-linear-debiased", "cka-rbf")
"""Measures kept in a unit."""

STATES = ("start", "end", "fresh")
"""States of which a unit keeps Grams: before and after fine-tuning, and an unrelated random network."""

_BATCH = 16


@dataclass(frozen=True)
class Crops:
    """Constant crops of test pictures.

    Attributes:
        images: uint8 (n, 3, size, size).
        indices: Which pictures of the set they are from, (n,).
        names: Names of these.
    """

    images: Tensor
    indices: np.ndarray
    names: tuple[str, ...]


def probe(test: SegmentationSet, count: int, size: int, key: tuple[int, ...]) -> Crops:
    """Crops from the middle of random test pictures, each of another picture.

    Raises:
        UserError: There are fewer pictures than crops wanted.
    """
    import torch

    from ...data.fewshot import generator
    from ...places import UserError

    if count > len(test):
        raise UserError(f"probe_images={count}: there are {len(test)} test pictures")
    indices = sorted(torch.randperm(len(test), generator=generator(*key))[:count].tolist())
    images = torch.stack([centre(test.images[i], size) for i in indices])
    return Crops(images, np.array(indices), tuple(test.names[i] for i in indices))


def centre(picture: Tensor, size: int) -> Tensor:
    """The middle of a picture or mask (…, h, w), mirrored beyond its edges where it is smaller than that."""
    import torch

    height, width = picture.shape[-2:]
    rows, columns = (
        np.abs((np.arange(size) + (side - size) // 2 + side) % (2 * side) - side + 0.5) - 0.5
        for side in (height, width)
    )
    return picture[..., torch.from_numpy(rows.astype(int))[:, None], torch.from_numpy(columns.astype(int))]


def middles(data: SegmentationSet, size: int) -> SegmentationSet:
    """The middles of all pictures, see :func:`centre`; whole pictures if the size is 0."""
    if not size:
        return data
    images, masks = ([centre(x, size) for x in parts] for parts in (data.images, data.masks))
    return replace(data, images=tuple(images), masks=tuple(masks))


def layer_grams(network: EncoderDecoder, crops: Crops, device: str) -> dict[str, Grams]:
    """Gram matrices of constant crops in every layer of a network in evaluation mode."""
    import torch

    from ...training.augmentation import normalise

    network.eval()
    parts: dict[str, list[Tensor]] = {}
    with torch.no_grad():
        for images in crops.images.split(_BATCH):
            for name, output in network.outputs(normalise(images.to(device))).items():
                parts.setdefault(name, []).append(output.flatten(1).double())
    grams = {}
    for name, outputs in parts.items():
        rows = torch.cat(outputs)
        gram, mean = (rows @ rows.T).cpu().numpy(), rows.mean(1).cpu().numpy()
        grams[name] = Grams(gram, mean, rows.shape[1])
    return grams


def similarity(
    a: Mapping[str, Grams], b: Mapping[str, Grams], subset: np.ndarray | None = None
) -> np.ndarray:
    """Similarity of two states, layer by layer: (measure, layer).

    Args:
        a: Layer → Grams.
        b: The same of another state.
        subset: Indices of the stimuli to use; all if None.
    """
    rows = []
    for name in MEASURES:
        pairs = ((a[layer].only(subset), b[layer].only(subset)) for layer in a)
        rows.append([float(measure(name).pairwise(x.flat(), y.flat())[0, 0]) for x, y in pairs])
    return np.array(rows)


def kept_similarities(unit: xr.Dataset, measures: Sequence[str]) -> dict[str, xr.DataArray]:
    """A unit's similarities under any measures that follow from the Grams that it keeps.

    Args:
        unit: A unit with its Grams.
        measures: Ids of measures.

    Returns:
        ``similarity`` and ``fresh_similarity``, each (measure, layer).
    """
    pairs = kept.between_states(unit, measures)
    names = pairs["name"].values.tolist()
    of_end = pairs.isel(other=names.index("end")).reset_coords(drop=True)
    pairs_with = {"similarity": "start", "fresh_similarity": "fresh"}
    return {variable: of_end.isel(state=names.index(name)) for variable, name in pairs_with.items()}


def kept_states(states: Mapping[str, Mapping[str, Grams]]) -> xr.Dataset:
    """The Grams that a unit keeps for explorers (see `studies.kept`), labelled by state and layer."""
    rows = [(name, layer, grams) for name, by_layer in states.items() for layer, grams in by_layer.items()]
    return kept.kept_states(
        [grams for *_, grams in rows],
        name=np.array([name for name, *_ in rows]),
        layer=np.array([layer for _, layer, _ in rows]),
    )
