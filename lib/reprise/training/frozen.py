"""What does not move in a training: its batch norm stays as it is, its outputs are computed once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHUNK = 64
"""Images of a forward pass in evaluation mode: few enough for activations to stay in a processor's cache."""


def scaled(images: Tensor) -> Tensor:
    """uint8 images → float32 in [−1, 1], same shape."""
    return images.float().div_(127.5).sub_(1)


def still_norms(model: nn.Module) -> list[nn.Module]:
    """Batch-norm layers of which no parameter moves."""
    return [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
        and not any(p.requires_grad for p in module.parameters())
    ]


@torch.no_grad()
def features(front: nn.Module, images: Tensor) -> Tensor:
    """What the first stages of a network make of images, if they never change.

    Args:
        front: The stages, which are put into evaluation mode.
        images: uint8 (n, 3, h, w), on any device.

    Returns:
        float32 (n, channels, h′, w′) in channels-last layout, on the device of the stages.
    """
    front.eval()
    device = next(front.parameters()).device
    parts = [
        front(scaled(part.to(device)).contiguous(memory_format=torch.channels_last))
        for part in images.split(CHUNK)
    ]
    return torch.cat(parts).contiguous(memory_format=torch.channels_last)
