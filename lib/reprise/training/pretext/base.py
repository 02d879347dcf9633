"""What pre-training tasks have in common: each asks something else of the same crops.

What is transferred afterwards is :attr:`Pretext.network`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...data.fewshot import generator
from ...models.unet import EncoderDecoder, build


@dataclass(frozen=True)
class Architecture:
    """What every network of a study has in common.

    Attributes:
        encoder: Name of a timm model.
        decoder: Name of a decoder, see :data:`reprise.models.unet.DECODERS`.
        channels: Channels of the decoder's blocks; the library's choice if empty.
    """

    encoder: str
    decoder: str
    channels: tuple[int, ...] = ()

    def build(self, classes: int, key: tuple[int, ...]) -> EncoderDecoder:
        """A network with random weights that the key names."""
        seed = generator(*key).initial_seed() % 2**63
        network = build(classes, self.encoder, self.decoder, self.channels, seed)
        return network.to(memory_format=torch.channels_last)  # a quarter faster on a CPU


class Pretext(nn.Module):
    """A pre-training task.

    Attributes:
        network: What is transferred.
        trained: Parts of the network that the task trains.
        score_name: What the recorded score is.
    """

    trained: tuple[str, ...] = ("encoder", "decoder")
    score_name = ""

    def __init__(self, network: EncoderDecoder):
        super().__init__()
        self.network = network

    def loss(self, images: Tensor, masks: Tensor, random: torch.Generator) -> tuple[Tensor, float]:
        """Loss and score of a batch.

        Args:
            images: Crops, uint8 (n, 3, size, size).
            masks: Their masks, uint8 (n, size, size); tasks without labels do not look at them.
            random: Source of chance for corruptions and views.

        Returns:
            The loss with its graph, and the score.
        """
        raise NotImplementedError

    def pooled(self, images: Tensor) -> Tensor:
        """The encoder's last features, averaged over positions: normalised images → (n, features)."""
        return self.network.features(images)[-1].mean((2, 3))

    @property
    def pooled_features(self) -> int:
        """Number of features that :meth:`pooled` gives."""
        return int(self.network.encoder.out_channels[-1])  # type: ignore[index]
