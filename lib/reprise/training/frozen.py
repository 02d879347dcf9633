"""What does not move in a training: its batch norm stays as it is, its outputs are computed once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

CHUNK = 64
"""Images of a forward pass in evaluation mode: few enough for activations to stay in a processor's cache."""


def scaled(images: Tensor) -> Tensor:
    """uint8 images → float32 in [−1, 1], same shape.

    >>> scaled(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([-1.,  1.])
    """
    return images.float().div_(127.5).sub_(1)


def inputs(images: Tensor, device: torch.device, size: int = CHUNK) -> Iterator[Tensor]:
    """What a network takes, batch by batch: on its device, in channels-last layout.

    Args:
        images: uint8 (n, 3, h, w), which are scaled; or float (n, channels, h, w), what the first stages of a
            network made of images, which stay as they are.
        device: Where the network is.
        size: Images of a batch.

    Yields:
        float32 (≤ size, channels, h, w).
    """
    for part in images.split(size):
        part = part.to(device)
        yield (scaled(part) if part.dtype == torch.uint8 else part).contiguous(
            memory_format=torch.channels_last
        )


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

    >>> features(nn.Conv2d(3, 4, 3), torch.zeros(5, 3, 8, 8, dtype=torch.uint8)).shape
    torch.Size([5, 4, 6, 6])
    """
    front.eval()
    parts = [front(batch) for batch in inputs(images, next(front.parameters()).device)]
    return torch.cat(parts).contiguous(memory_format=torch.channels_last)
