"""The loss of segmentation over labelled pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.segmentation import IGNORE


def pixel_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy plus soft Dice loss over labelled pixels, one to one.

    Args:
        logits: (n, classes, h, w).
        masks: Class ids (n, h, w); pixels with :data:`~reprise.data.segmentation.IGNORE` do not count.

    Returns:
        The loss; 0, with a gradient of 0, if no pixel is labelled.

    Raises:
        ValueError: Masks and logits differ in size.

    >>> masks = torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    >>> sure = 50 * F.one_hot(masks, 3).movedim(-1, 1).float()
    >>> abs(round(pixel_loss(sure, masks).item(), 6))
    0.0
    """
    if logits.shape[:1] + logits.shape[2:] != masks.shape:
        raise ValueError(f"masks {tuple(masks.shape)} do not belong to logits {tuple(logits.shape)}")
    labelled = masks != IGNORE
    if not labelled.any():
        return logits.sum() * 0
    entropy = F.cross_entropy(logits, masks.long(), ignore_index=IGNORE)
    flat = logits.movedim(1, -1)[labelled].softmax(-1)
    truth = F.one_hot(masks[labelled].long(), logits.shape[1]).to(flat)
    present = truth.sum(0) > 0  # the Dice score of a class that is not there says nothing
    dice = 2 * (flat * truth).sum(0) / (flat.sum(0) + truth.sum(0)).clamp_min(1e-6)
    return entropy + 1 - dice[present].mean()


def pixel_loss_at_once(logits: Tensor, masks: Tensor) -> Tensor:
    """As :func:`pixel_loss`, up to rounding, without gathering the labelled pixels: a third of the time.

    Args:
        logits: (n, classes, h, w).
        masks: Class ids (n, h, w).

    Raises:
        ValueError: Masks and logits differ in size.
    """
    if logits.shape[:1] + logits.shape[2:] != masks.shape:
        raise ValueError(f"masks {tuple(masks.shape)} do not belong to logits {tuple(logits.shape)}")
    classes = logits.shape[1]
    ids = masks.long()
    labelled = (masks != IGNORE)[:, None]
    logs = logits.log_softmax(1)
    shares = logs.exp() * labelled
    truth = torch.zeros_like(logits).scatter_(1, ids.clamp_max(classes - 1)[:, None], 1.0) * labelled
    counts = truth.sum((0, 2, 3))
    entropy = -(logs * truth).sum() / counts.sum().clamp_min(1)
    dice = 2 * (shares * truth).sum((0, 2, 3)) / (shares.sum((0, 2, 3)) + counts).clamp_min(1e-6)
    present = counts > 0
    some = present.any().to(logits.dtype)  # without a labelled pixel loss and gradient are 0
    return entropy + some - (dice * present).sum() / present.sum().clamp_min(1)
