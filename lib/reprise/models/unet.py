"""Encoder–decoder networks for segmentation as three parts: encoder, decoder, head.

The parts come from segmentation_models.pytorch, encoders from timm. Here they get one small interface: build,
take apart, transplant, freeze, and name what their layers put out.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from . import imagenet
from .parts import PARTS, check_parts

DECODERS = (
    "unet", "unetplusplus", "manet", "linknet", "fpn", "pspnet", "deeplabv3", "deeplabv3plus", "upernet",
    "segformer",
)  # fmt: skip
"""Decoders of segmentation_models.pytorch that work with any convolutional encoder."""

# ImageNet's statistics, with which most published encoders were trained (https://pytorch.org/vision, models).
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class EncoderDecoder(nn.Module):
    """A network whose parts can be taken out, put in and held still.

    Attributes:
        encoder: Image (n, 3, h, w) → features at falling resolution, the image itself first.
        decoder: These features → features at (up to a constant factor) the image's resolution.
        head: Features → a value per pixel and class.
        stride: Height and width of images must be multiples of it.
        frozen: Parts that training leaves as they are, running statistics included.
        takes: Mean and spread of colour that the encoder was, or would be, trained with, three values each.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        head: nn.Module,
        stride: int,
        takes: tuple[Sequence[float], Sequence[float]] = (MEAN, SPREAD),
    ):
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head
        self.stride, self.takes = stride, takes
        self.frozen: frozenset[str] = frozenset()

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (n, 3, h, w) → logits (n, classes, h, w).

        Raises:
            ValueError: Height or width is no multiple of :attr:`stride`.
        """
        return self.head(self.decoder(self.features(images)))

    def features(self, images: Tensor) -> list[Tensor]:
        """What the encoder puts out, from fine to coarse; the image itself stands first.

        Images have ImageNet's mean and spread taken out; an encoder that takes others is given those.

        Raises:
            ValueError: Height or width is no multiple of :attr:`stride`.
        """
        height, width = images.shape[-2:]
        if height % self.stride or width % self.stride:
            raise ValueError(f"images of {height} × {width} pixels: sides must be multiples of {self.stride}")
        if tuple(map(tuple, self.takes)) != (MEAN, SPREAD):
            mean, spread, own_mean, own_spread = (
                images.new_tensor(values)[:, None, None] for values in (MEAN, SPREAD, *self.takes)
            )
            images = (images * spread + mean - own_mean) / own_spread
        return self.encoder(images)

    def train(self, mode: bool = True) -> EncoderDecoder:
        """As of any module; frozen parts stay in evaluation mode, so that batch norm does not move either."""
        super().train(mode)
        for part in self.frozen:
            self.get_submodule(part).eval()
        return self

    def freeze(self, parts: Iterable[str]) -> EncoderDecoder:
        """Hold these parts still and set the others free.

        Raises:
            ValueError: There is no such part.
        """
        self.frozen = frozenset(check_parts(parts))
        for name in PARTS:
            self.get_submodule(name).requires_grad_(name not in self.frozen)
        return self.train(self.training)

    def outputs(self, images: Tensor) -> dict[str, Tensor]:
        """A forward pass with what every layer puts out.

        Args:
            images: Normalised (n, 3, h, w).

        Returns:
            In order of the pass: ``encoder1``…, the encoder's features from fine to coarse; ``decoder1``…,
            its blocks as they run; ``logits``. Each (n, channels, height, width), with its graph.
        """
        outputs: dict[str, Tensor] = {}
        with self._watched() as blocks:
            features = self.features(images)
            logits = self.head(self.decoder(features))
        # The image is no feature, nor are the empty ones with which transformers fill up a missing scale.
        kept = [feature for feature in features[1:] if feature.shape[1]]
        outputs |= {f"encoder{i}": feature for i, feature in enumerate(kept, 1)}
        outputs |= {f"decoder{i}": block for i, block in enumerate(blocks, 1)}
        return {**outputs, "logits": logits}

    def layers(self) -> dict[str, tuple[str, ...]]:
        """Names of the layers of each part, as :meth:`outputs` gives them, in order of the pass."""
        mode, parameter = self.training, next(self.parameters())
        with torch.no_grad():
            images = torch.zeros(1, 3, 2 * self.stride, 2 * self.stride).to(parameter)
            names = list(self.eval().outputs(images))
        self.train(mode)
        by_part = {
            part: tuple(name for name in names if name.startswith(part)) for part in ("encoder", "decoder")
        }
        return {**by_part, "head": ("logits",)}

    @contextlib.contextmanager
    def _watched(self) -> Iterator[list[Tensor]]:
        """Collect what the decoder's blocks put out, in the order in which they run."""
        outputs: list[Tensor] = []

        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, Tensor):
                outputs.append(output.clone())  # a ReLU in place may follow

        blocks: Any = getattr(self.decoder, "blocks", None)
        if isinstance(blocks, nn.ModuleDict):
            children = list(blocks.values())
        else:
            children = list(self.decoder.children() if blocks is None else blocks)
        handles = [child.register_forward_hook(keep) for child in children]
        try:
            yield outputs
        finally:
            for handle in handles:
                handle.remove()


def build(
    classes: int,
    encoder: str = "mobilenetv3_small_100",
    decoder: str = "unet",
    decoder_channels: Sequence[int] = (),
    seed: int = 0,
    pretrained: bool = False,
    root: Path | None = None,
) -> EncoderDecoder:
    """Build a network with random, or with ImageNet's, weights in its encoder.

    Args:
        classes: Channels of the head: classes to tell apart, or 3 to restore images.
        encoder: Name of a timm model.
        decoder: One of :data:`DECODERS`.
        decoder_channels: Channels of the decoder's blocks, from coarse to fine; segmentation_models.pytorch's
            choice if empty.
        seed: Names all random initial values; torch's global stream is left as it is.
        pretrained: Give the encoder ImageNet's weights, see :func:`reprise.models.imagenet.load`.
        root: Data root, where weights of one's own may lie.

    Raises:
        ValueError: Unknown encoder or decoder, or one that cannot be combined, or channels for a decoder that
            takes no list of them.
        UserError: ImageNet's weights are not at hand and cannot be fetched, or do not fit.
    """
    import segmentation_models_pytorch as smp
    import timm

    if classes < 1:
        raise ValueError(f"classes={classes}: must be at least 1")
    if decoder not in DECODERS:
        raise ValueError(f"unknown decoder {decoder!r}; there are: {', '.join(DECODERS)}")
    if not timm.is_model(encoder):
        raise ValueError(f"timm has no model {encoder!r}; see timm.list_models()")
    options: dict[str, Any] = {}
    if decoder_channels:
        taken = inspect.signature(smp.MODEL_ARCHITECTURES_MAPPING[decoder]).parameters.get("decoder_channels")
        if taken is None or not isinstance(taken.default, tuple | list):
            raise ValueError(f"decoder {decoder!r} takes no list of channels; leave decoder_channels empty")
        if len(decoder_channels) != len(taken.default):
            raise ValueError(
                f"decoder_channels={list(decoder_channels)}: decoder {decoder!r} has "
                f"{len(taken.default)} blocks"
            )
        options["decoder_channels"] = tuple(decoder_channels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        whole: Any = smp.create_model(
            decoder, encoder_name=f"tu-{encoder}", encoder_weights=None, classes=classes, **options
        )
    if pretrained:
        imagenet.load(whole.encoder.model, encoder, root)
    takes = timm.get_pretrained_cfg(encoder, allow_unregistered=True)
    own = (takes.mean, takes.std) if takes else (MEAN, SPREAD)
    return EncoderDecoder(
        whole.encoder, whole.decoder, whole.segmentation_head, whole.encoder.output_stride, own
    )
