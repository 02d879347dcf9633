"""SimCLR's loss (Chen et al. 2020): two views of an image are each other's only match in the batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Projector(nn.Sequential):
    """Pooled features → the space in which views are compared: one hidden layer, as in SimCLR.

    Args:
        features: Number of pooled features.
        size: Dimensions of the projection.
    """

    def __init__(self, features: int, size: int):
        super().__init__(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, size))


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Normalised-temperature cross-entropy.

    Args:
        first: Projections of one view of each image, (n, size) with n of at least 2.
        second: Projections of the other view, in the same order.
        temperature: Above 0; small values weigh close negatives more.

    Returns:
        The loss, averaged over all 2n views, and the share of views whose match is the most similar of all
        others, in [0, 1].

    Raises:
        ValueError: Unequal shapes, fewer than two images (no negatives), or a temperature not above 0.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(
            f"views must have one shape (n, size), not {tuple(first.shape)} and {tuple(second.shape)}"
        )
    n = len(first)
    if n < 2:
        raise ValueError(f"{n} image: contrast takes at least 2")
    if not temperature > 0:
        raise ValueError(f"temperature={temperature}: must be above 0")
    z = F.normalize(torch.cat([first, second]), dim=1)
    logits = z @ z.T / temperature
    logits = logits.masked_fill(torch.eye(2 * n, dtype=torch.bool, device=z.device), -torch.inf)
    match = torch.arange(2 * n, device=z.device).roll(n)
    return F.cross_entropy(logits, match), (logits.argmax(1) == match).float().mean()
