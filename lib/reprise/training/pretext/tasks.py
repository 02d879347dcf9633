"""The pre-training tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.fewshot import generator
from ...data.segmentation import IGNORE, presence
from ..augmentation import normalise, view
from ..pixel_loss import pixel_loss, pixel_loss_at_once
from .base import Architecture, Pretext
from .contrast import Projector, nt_xent
from .corruption import CORRUPTIONS


class Classification(Pretext):
    """Which classes are present in the crop? The label is all that differs from :class:`Segmentation`."""

    trained = ("encoder",)
    score_name = "balanced accuracy of presence"

    def __init__(self, architecture: Architecture, classes: int, key: tuple[int, ...]):
        super().__init__(architecture.build(classes, key))
        self.classes = classes
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator(*key, 1).initial_seed() % 2**63)
            self.head = nn.Linear(self.pooled_features, classes)

    def loss(self, images: Tensor, masks: Tensor, random: torch.Generator) -> tuple[Tensor, float]:
        """Binary cross-entropy of each class's presence; the score averages hits on present and absent."""
        present = presence(masks, self.classes)
        logits = self.head(self.pooled(normalise(images)))
        hits = ((logits > 0) == present.bool()).float()
        sides = [hits[present == value].mean() for value in (0, 1) if (present == value).any()]
        return F.binary_cross_entropy_with_logits(logits, present), float(torch.stack(sides).mean())


class Segmentation(Pretext):
    """Which class is at every pixel?"""

    score_name = "pixel accuracy"

    def __init__(self, architecture: Architecture, classes: int, key: tuple[int, ...], at_once: bool = False):
        super().__init__(architecture.build(classes, key))
        self.pixel_loss = pixel_loss_at_once if at_once else pixel_loss

    def loss(self, images: Tensor, masks: Tensor, random: torch.Generator) -> tuple[Tensor, float]:
        """The loss of fine-tuning; the score is the share of labelled pixels that are right."""
        logits = self.network(normalise(images))
        labelled = masks != IGNORE
        hits = (logits.argmax(1) == masks)[labelled]
        return self.pixel_loss(logits, masks), float(hits.float().mean()) if len(hits) else float("nan")


class Reconstruction(Pretext):
    """Restore the clean image from one that was corrupted in one way.

    Args:
        architecture: Shape of the network.
        corruption: Name of a corruption.
        key: Names the initial values.
    """

    score_name = "PSNR, dB"

    def __init__(self, architecture: Architecture, corruption: str, key: tuple[int, ...]):
        super().__init__(architecture.build(3, key))
        self.corruption = corruption

    def pair(self, images: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Corrupted and clean images, float in [0, 1], of uint8 crops."""
        clean = images.float() / 255
        return CORRUPTIONS[self.corruption](clean, random), clean

    def loss(self, images: Tensor, masks: Tensor, random: torch.Generator) -> tuple[Tensor, float]:
        """Squared error relative to the images' variance; the score is the peak signal-to-noise ratio."""
        corrupted, clean = self.pair(images, random)
        restored = self.network(normalise(corrupted))
        return relative_error(restored, clean), psnr(restored, clean)


class Contrastive(Pretext):
    """SimCLR: two views of a crop belong together.

    Args:
        architecture: Shape of the network.
        size: Dimensions of the projection.
        temperature: Of the loss.
        key: Names the initial values.
    """

    trained = ("encoder",)
    score_name = "views matched"

    def __init__(self, architecture: Architecture, size: int, temperature: float, key: tuple[int, ...]):
        super().__init__(architecture.build(3, key))
        self.temperature = temperature
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator(*key, 1).initial_seed() % 2**63)
            self.projector = Projector(self.pooled_features, size)

    def loss(self, images: Tensor, masks: Tensor, random: torch.Generator) -> tuple[Tensor, float]:
        """NT-Xent of two views; the score is the share of views whose match is the most similar one."""
        views = torch.stack([view(image, random) for image in (*images, *images)])
        first, second = self.projector(self.pooled(normalise(views))).chunk(2)
        loss, matched = nt_xent(first, second, self.temperature)
        return loss, float(matched)


class ContrastiveReconstruction(Contrastive):
    """The paper's proposal: contrast, and several self-reconstructions with a decoder each, on one encoder.

    The images of a batch are dealt out to the reconstructions in turn, so that the encoder sees as many crops
    as with one. The first reconstruction's decoder is that of :attr:`network`, the one to be transferred.

    Args:
        architecture: Shape of the network.
        size: Dimensions of the projection.
        temperature: Of the contrast.
        weights: Weight of ``"contrast"`` and of each corruption by name; 0 switches a term off.
        key: Names the initial values.

    Raises:
        ValueError: No reconstruction has a weight, or a weight is below 0.
    """

    trained = ("encoder", "decoder")

    def __init__(
        self,
        architecture: Architecture,
        size: int,
        temperature: float,
        weights: Mapping[str, float],
        key: tuple[int, ...],
    ):
        super().__init__(architecture, size, temperature, key)
        if min(weights.values()) < 0:
            raise ValueError(f"weights {dict(weights)}: none may be below 0")
        self.weights = dict(weights)
        self.corruptions = [name for name in CORRUPTIONS if weights.get(name, 0) > 0]
        if not self.corruptions:
            raise ValueError("no reconstruction has a weight above 0; use pretext=contrastive instead")
        self.decoders, self.heads = nn.ModuleDict(), nn.ModuleDict()
        for i, name in enumerate(self.corruptions[1:], 2):
            other = architecture.build(3, (*key, i))
            self.decoders[name], self.heads[name] = other.decoder, other.head

    def pairs(self, images: Tensor, random: torch.Generator) -> list[tuple[str, Tensor, Tensor]]:
        """Name of the corruption, corrupted and clean images: every image is with one of the corruptions."""
        clean = images.float() / 255
        parts = [clean[i :: len(self.corruptions)] for i in range(len(self.corruptions))]
        return [
            (name, CORRUPTIONS[name](part, random), part)
            for name, part in zip(self.corruptions, parts, strict=True)
            if len(part)
        ]

    def loss(self, images: Tensor, masks: Tensor, random: torch.Generator) -> tuple[Tensor, float]:
        """Weighted sum of contrast and reconstructions; the score is that of the contrast, if it is on."""
        total, score = torch.zeros((), device=images.device), float("nan")
        if self.weights.get("contrast", 0) > 0:
            contrast, score = super().loss(images, masks, random)
            total = total + self.weights["contrast"] * contrast
        pairs = self.pairs(images, random)
        features = self.network.features(normalise(torch.cat([corrupted for _, corrupted, _ in pairs])))
        sizes = [len(clean) for _, _, clean in pairs]
        shares = zip(*(feature.split(sizes) for feature in features), strict=True)
        for (name, _, clean), share in zip(pairs, shares, strict=True):
            restored = self.restore(name, list(share))
            total = total + self.weights[name] * relative_error(restored, clean)
        return total, score

    def restore(self, name: str, features: Sequence[Tensor]) -> Tensor:
        """Images from features by the decoder of one corruption."""
        if name == self.corruptions[0]:
            return self.network.head(self.network.decoder(list(features)))
        return self.heads[name](self.decoders[name](list(features)))


def relative_error(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean squared error ÷ variance of the clean images: 1 for their mean colour, 0 for a perfect copy."""
    return F.mse_loss(restored, clean) / clean.var(correction=0).clamp_min(1e-4)


def psnr(restored: Tensor, clean: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of images in [0, 1]; larger is better."""
    return float(-10 * torch.log10(F.mse_loss(restored.detach().clamp(0, 1), clean).clamp_min(1e-12)))
