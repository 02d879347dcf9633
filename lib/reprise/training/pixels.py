"""Segmentation: prediction on pictures of any size, and how good it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.segmentation import IGNORE, SegmentationSet
from ..models.parts import PARTS
from ..models.unet import EncoderDecoder
from .augmentation import normalise

BOUNDARY_WIDTH = 2
"""Pixels from a contour that count as its boundary."""

_PIXELS_AT_ONCE = 16 * 128 * 128


def predict(network: EncoderDecoder, images: Tensor) -> Tensor:
    """Class of every pixel.

    Args:
        network: In evaluation mode.
        images: uint8 (n, 3, h, w) of any size; they are mirrored beyond their right and lower edge to fit.

    Returns:
        int64 (n, h, w).
    """
    height, width = images.shape[-2:]
    right, down = -width % network.stride, -height % network.stride
    mirrored = right < width and down < height
    padded = F.pad(normalise(images), (0, right, 0, down), mode="reflect" if mirrored else "replicate")
    with torch.no_grad():
        return network(padded)[..., :height, :width].argmax(1)


@dataclass(frozen=True)
class Quality:
    """How good a segmentation of a set is.

    Attributes:
        iou: Intersection over union of each class, (classes,) in [0, 1]; NaN for a class that neither truth
            nor prediction has.
        dice: Dice score of each class, likewise.
        boundary: Boundary IoU of each class (Cheng et al. 2021): that of the pixels within two pixels of the
            class's contours.
    """

    iou: np.ndarray
    dice: np.ndarray
    boundary: np.ndarray

    @property
    def miou(self) -> float:
        """Mean IoU over the classes that occur."""
        return float(np.nanmean(self.iou))

    def over(self, counted: np.ndarray) -> float:
        """Mean IoU over those of some classes, bool (classes,), that occur."""
        return float(np.nanmean(self.iou[counted]))

    @property
    def mean_dice(self) -> float:
        """Mean Dice score over the classes that occur."""
        return float(np.nanmean(self.dice))

    @property
    def mean_boundary(self) -> float:
        """Mean boundary IoU over the classes that occur."""
        return float(np.nanmean(self.boundary))


class QualityMeter:
    """Counts pixels over a set; classes are compared over all of its pixels, not picture by picture.

    Args:
        classes: Number of classes.
        boundaries: Count boundaries too, which takes longer than the rest.
        device: Where predictions come from.

    >>> truth = torch.zeros(1, 8, 8, dtype=torch.uint8)
    >>> truth[:, :, 4:] = 1
    >>> meter = QualityMeter(2, boundaries=False)
    >>> meter.update(torch.zeros(1, 8, 8, dtype=torch.long), truth)  # everything called background
    >>> meter.compute().iou
    array([0.5, 0. ])
    """

    def __init__(self, classes: int, boundaries: bool = True, device: torch.device | str = "cpu"):
        from torchmetrics.classification import MulticlassConfusionMatrix

        self.classes, self.boundaries = classes, boundaries
        self.confusion = MulticlassConfusionMatrix(classes, ignore_index=IGNORE, validate_args=False).to(
            device
        )
        self.both, self.called, self.true = torch.zeros(3, classes, dtype=torch.long, device=device)

    def update(self, predicted: Tensor, masks: Tensor) -> None:
        """Count some pictures.

        Args:
            predicted: Class ids (n, h, w).
            masks: True ones, or :data:`~reprise.data.segmentation.IGNORE`.

        Raises:
            ValueError: Predictions and masks differ in size.
        """
        if predicted.shape != masks.shape:
            raise ValueError(
                f"masks {tuple(masks.shape)} do not belong to predictions {tuple(predicted.shape)}"
            )
        labelled = masks != IGNORE
        if not labelled.any():
            return
        self.confusion.update(predicted, masks.long())
        if self.boundaries:
            edges = [contour(x) & labelled for x in (predicted, masks)]
            both = edges[0] & edges[1] & (predicted == masks)
            for total, ids in (
                (self.called, predicted[edges[0]]),
                (self.true, masks[edges[1]]),
                (self.both, masks[both]),
            ):
                total += torch.bincount(ids.flatten().long(), minlength=self.classes)

    def compute(self) -> Quality:
        """What was counted so far."""
        matrix = self.confusion.confmat.double().cpu().numpy()
        hits, true, called = np.diag(matrix), matrix.sum(1), matrix.sum(0)
        with np.errstate(invalid="ignore"):
            iou, dice = hits / (true + called - hits), 2 * hits / (true + called)
            either = self.called + self.true - self.both
            boundary = self.both.double().cpu().numpy() / either.double().cpu().numpy()
        return Quality(iou, dice, boundary if self.boundaries else np.full(self.classes, np.nan))


def contour(ids: Tensor, width: int = BOUNDARY_WIDTH) -> Tensor:
    """Pixels that are within some pixels (in rows and columns) of one of another class.

    Args:
        ids: Class ids (n, h, w). The picture's edge is no contour.
        width: How far, in pixels.

    Returns:
        bool, same shape: for each class, its own pixels near its outside.

    >>> ids = torch.tensor([[[0, 0, 1, 1, 1, 1, 1, 1, 0]]])
    >>> contour(ids, width=1).int()[0, 0].tolist()
    [0, 1, 1, 0, 0, 0, 0, 1, 1]
    """
    values = torch.stack([ids.long(), -ids.long()], dim=1).float()
    highest = F.max_pool2d(values, 2 * width + 1, stride=1, padding=width)
    return (highest != values).any(1)


def evaluate(
    network: EncoderDecoder, data: SegmentationSet, boundaries: bool = True, device: str = "cpu"
) -> Quality:
    """Segment a set and compare with its masks.

    Args:
        network: Put into evaluation mode.
        data: Pictures of any sizes.
        boundaries: Measure the quality of boundaries too.
        device: Where the network is.
    """
    network.eval()
    meter = QualityMeter(len(data.classes), boundaries, device)
    for images, masks in batches(data):
        meter.update(predict(network, images.to(device)), masks.to(device))
    return meter.compute()


def reestimate(network: EncoderDecoder, images: Sequence[Tensor]) -> None:
    """Take the running statistics of batch norm anew, as means over some batches; frozen parts keep theirs.

    Running means lag behind weights that still move: a network that learned well may then judge badly.

    Args:
        network: Changed in place; left in evaluation mode.
        images: Batches, uint8 (n, 3, h, w), cut as those of training.
    """
    norms = [
        module
        for part in PARTS
        if part not in network.frozen
        for module in network.get_submodule(part).modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
    ]
    usual = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        for batch in images:
            network(normalise(batch))
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    network.eval()


def batches(data: SegmentationSet) -> Iterator[tuple[Tensor, Tensor]]:
    """Pictures of equal size together, as many at once as fit a fixed number of pixels."""
    sizes: dict[tuple[int, ...], list[int]] = {}
    for i, mask in enumerate(data.masks):
        sizes.setdefault(tuple(mask.shape), []).append(i)
    for size, indices in sizes.items():
        count = max(1, _PIXELS_AT_ONCE // (size[0] * size[1]))
        for start in range(0, len(indices), count):
            chosen = indices[start : start + count]
            yield torch.stack([data.images[i] for i in chosen]), torch.stack([data.masks[i] for i in chosen])
