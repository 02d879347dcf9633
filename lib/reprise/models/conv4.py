"""The two four-block networks of the papers. They share a name there, and differ; here they do not share it.

``Conv4Maml`` (study 1): convolution → batch norm → ReLU, four times, downsampled by stride or pooling, with
batch norm that always uses the batch's own statistics.
``Conv4Transfer`` (study 2): convolution → ReLU → batch norm → max-pooling, with ordinary batch norm.
"""

import contextlib
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def maml_layers(blocks: int = 4) -> dict[str, str]:
    """Names of the layers that study 1 looks at → dotted names in a :class:`Conv4Maml` of so many blocks."""
    return {f"block{i + 1}": f"blocks.{i}" for i in range(blocks)} | {"logits": "head"}


MAML_LAYERS = maml_layers()
"""The same for the paper's four blocks."""

TRANSFER_LAYERS = {f"pool{i}": f"blocks.{i - 1}" for i in range(1, 5)} | {"logits": "head"}
"""Names of the layers that study 2 looks at → dotted names in :class:`Conv4Transfer`."""


class BatchStatisticsNorm(nn.Module):
    """Batch norm by the statistics of the batch at hand, with a learned offset and no scale.

    Written out in differentiable primitives on purpose: the double backward of ``F.batch_norm`` is silently
    wrong under ``vmap`` (about 1e-3 in float64) and raises for a missing weight in some releases.

    Attributes:
        bias: Offset per channel, shape ``(channels,)``.
        native: Use ``F.batch_norm`` all the same, with a scale of ones, under which it is right outside
            ``vmap``, and faster; see :func:`native_norm`.
    """

    def __init__(self, channels: int, eps: float = 1e-3):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))
        self.native = False
        self.eps = eps  # TensorFlow 1's default, under which the paper's networks were trained

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(n, channels, height, width)`` over all axes but the channels'; same shape back."""
        if self.native:
            ones = torch.ones_like(self.bias)
            return F.batch_norm(x, None, None, ones, self.bias, training=True, eps=self.eps)
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        centred = x - mean
        variance = (centred * centred).mean(dim=(0, 2, 3), keepdim=True)
        return centred * torch.rsqrt(variance + self.eps) + self.bias[:, None, None]


@contextlib.contextmanager
def native_norm(model: nn.Module) -> Iterator[None]:
    """Let a network's batch norms use torch's own kernel for the time of the block: never inside ``vmap``."""
    norms = [module for module in model.modules() if isinstance(module, BatchStatisticsNorm)]
    for norm in norms:
        norm.native = True
    try:
        yield
    finally:
        for norm in norms:
            norm.native = False


class SameConv2d(nn.Conv2d):
    """'Same' padding also for stride 2, by TensorFlow's rule: the odd pixel comes after the image."""

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__(in_channels, out_channels, kernel_size=3, stride=stride)
        nn.init.xavier_uniform_(self.weight)
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:  # the name is that of the parent's argument
        """``(n, in, h, w)`` → ``(n, out, ⌈h/stride⌉, ⌈w/stride⌉)``."""
        pads = [same_padding(size, self.stride[0]) for size in (input.shape[-1], input.shape[-2])]
        return super().forward(F.pad(input, [*pads[0], *pads[1]]))


def same_padding(size: int, stride: int) -> tuple[int, int]:
    """Pixels to add before and after an axis for a 3-wide kernel."""
    total = max((-(-size // stride) - 1) * stride + 3 - size, 0)
    return total // 2, total - total // 2


def last_side(image_size: int, depth: int, downsampling: Literal["stride", "pool"]) -> int:
    """Height and width in pixels that are left after a number of blocks of :class:`Conv4Maml`.

    Raises:
        ValueError: The images are too small to be halved so often.
    """
    side = image_size
    for done in range(depth):
        # A strided 'same' convolution rounds up and would halve one pixel for ever; pooling rounds down.
        if side < 2:
            raise ValueError(
                f"images of {image_size} pixels can be halved {done} times, not {depth}: use fewer blocks"
            )
        side = -(-side // 2) if downsampling == "stride" else side // 2
    return side


class Conv4Maml(nn.Module):
    """The network of study 1: four blocks and a linear head.

    Args:
        ways: Classes of a task, at least 2.
        in_channels: 1 for drawings, 3 for photographs.
        filters: Channels of every block.
        image_size: Height and width of the images in pixels.
        downsampling: ``"stride"`` (Omniglot: stride-2 convolutions, global mean before the head) or
            ``"pool"`` (mini-ImageNet: 2×2 max-pooling without padding, flattened before the head).
        head_init: ``"normal"`` (N(0, 1), as for Omniglot) or ``"xavier"`` (as for mini-ImageNet).
        generator: Source of the random initial values; the global one if None.
        depth: Number of blocks; the papers have 4.

    Raises:
        ValueError: Fewer than 2 ways, no block, or images too small to be halved so often.
    """

    def __init__(
        self,
        ways: int,
        in_channels: int = 1,
        filters: int = 64,
        image_size: int = 28,
        downsampling: Literal["stride", "pool"] = "stride",
        head_init: Literal["normal", "xavier"] = "normal",
        generator: torch.Generator | None = None,
        depth: int = 4,
    ):
        super().__init__()
        if ways < 2:
            raise ValueError(f"ways must be at least 2, not {ways}")
        if depth < 1:
            raise ValueError(f"depth must be at least 1 block, not {depth}")
        side = last_side(image_size, depth, downsampling)
        stride = 2 if downsampling == "stride" else 1
        blocks = []
        for i in range(depth):
            layers: list[nn.Module] = [
                SameConv2d(in_channels if i == 0 else filters, filters, stride),
                BatchStatisticsNorm(filters),
                nn.ReLU(),
            ]
            if downsampling == "pool":
                layers.append(nn.MaxPool2d(2))
            blocks.append(nn.Sequential(*layers))
        self.blocks = nn.Sequential(*blocks)
        self.downsampling = downsampling
        self.head = nn.Linear(filters if downsampling == "stride" else filters * side * side, ways)
        self.reset(head_init, generator)

    def reset(self, head_init: Literal["normal", "xavier"], generator: torch.Generator | None) -> None:
        """Draw the initial values anew: Xavier for convolutions, zero for every bias, the head as named."""
        for module in self.modules():
            if isinstance(module, SameConv2d):
                nn.init.xavier_uniform_(module.weight, generator=generator)
        if head_init == "normal":
            nn.init.normal_(self.head.weight, generator=generator)
        else:
            nn.init.xavier_uniform_(self.head.weight, generator=generator)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(n, in_channels, size, size)`` in [0, 1] → logits ``(n, ways)``."""
        x = self.blocks(x)
        return self.head(x.mean(dim=(2, 3)) if self.downsampling == "stride" else x.flatten(1))


class Conv4Transfer(nn.Module):
    """The conv4 of study 2: four times convolution → ReLU → batch norm → 2×2 max-pool, and a linear head.

    Args:
        classes: Classes to tell apart, at least 2.
        in_channels: Channels of the images.
        filters: Channels of every block.
        image_size: Height and width of the images in pixels, at least 16.

    Raises:
        ValueError: Fewer than 2 classes, or images too small for four halvings.
    """

    def __init__(self, classes: int = 10, in_channels: int = 3, filters: int = 64, image_size: int = 32):
        super().__init__()
        if classes < 2:
            raise ValueError(f"classes must be at least 2, not {classes}")
        if image_size < 16:
            raise ValueError(f"images of {image_size} pixels are too small for four halvings (at least 16)")
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(in_channels if i == 0 else filters, filters, 3, padding=1),
                    nn.ReLU(),
                    nn.BatchNorm2d(filters),
                    nn.MaxPool2d(2),
                )
                for i in range(4)
            )
        )
        self.head = nn.Linear(filters * (image_size // 16) ** 2, classes)

    def parted(self, blocks: int) -> tuple[nn.Module, nn.Module]:
        """The first blocks, and what follows them, as two modules that share the network's weights."""
        return self.blocks[:blocks], nn.Sequential(self.blocks[blocks:], nn.Flatten(), self.head)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(n, in_channels, size, size)`` in [−1, 1] → logits ``(n, classes)``."""
        return self.head(self.blocks(x).flatten(1))
