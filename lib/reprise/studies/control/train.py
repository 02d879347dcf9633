"""The control's training: one network, one seed, the ordinary way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.fewshot import generator
from ...data.images import ImageSet, ImageSplits
from ...models.conv4 import Conv4Maml
from ...training import Diverged
from .config import ControlConfig

# Random streams of a seed, so that no choice depends on how much chance another one has used up.
INITIAL, CLASSES, BATCHES, PROBE, TESTED, NOISE, FRESH, LABELS = range(8)


def build_model(config: ControlConfig, seed: int, stream: int = INITIAL) -> nn.Module:
    """The network of a condition with initial values drawn from one stream of the seed."""
    return Conv4Maml(
        config.classes, filters=config.filters, head_init=config.head_init, generator=generator(seed, stream)
    )


def choose_classes(splits: ImageSplits, config: ControlConfig, seed: int) -> ImageSplits:
    """The condition's number of classes, drawn by the seed, in their order in the data set."""
    order = torch.randperm(len(splits.train.classes), generator=generator(seed, CLASSES))
    classes = sorted(order[: config.classes].tolist())
    parts = {part: getattr(splits, part).of_classes(classes) for part in ("train", "test")}
    return replace(splits, **parts)


def with_labels(splits: ImageSplits, config: ControlConfig, seed: int) -> ImageSplits:
    """The condition's labels: those of the images, or one drawn at random for each of them.

    Random labels are uniform over the classes and the same at every step, in training as in testing: there
    is nothing to learn but the single images.
    """
    if config.labels == "true":
        return splits
    parts = {
        part: images.labelled(
            torch.randint(config.classes, (len(images),), generator=generator(seed, LABELS, i))
        )
        for i, part in enumerate(("train", "test"))
        for images in [getattr(splits, part)]
    }
    return replace(splits, **parts)


def draw(characters: ImageSet, count: int, seed: int, stream: int) -> ImageSet:
    """Images drawn without replacement, in the order drawn; all of them if there are fewer."""
    order = torch.randperm(len(characters), generator=generator(seed, stream))
    return characters[order[:count]]


def as_input(images: Tensor) -> Tensor:
    """uint8 (n, 1, h, w) → float32 in [0, 1], same shape."""
    return images.float().div_(255)


def batch_order(images: int, config: ControlConfig, seed: int) -> Tensor:
    """Positions of the images of all steps, (steps, batch): one random order of all images after another."""
    wanted = config.steps * config.batch
    epochs = [
        torch.randperm(images, generator=generator(seed, BATCHES, epoch))
        for epoch in range(-(-wanted // images))
    ]
    return torch.cat(epochs)[:wanted].view(config.steps, config.batch)


def train(
    model: nn.Module, characters: ImageSet, config: ControlConfig, seed: int, device: str = "cpu"
) -> Iterator[tuple[int, float]]:
    """Train a network in place, stopping where it is to be looked at.

    A training takes seconds, so an interrupted one starts anew.

    Args:
        model: The network, on the device.
        characters: What to learn.
        config: How.
        seed: Decides the order of the images.
        device: Torch device string.

    Yields:
        Number of steps done, from 0, and the mean loss of the steps since the look before (NaN at 0).

    Raises:
        Diverged: The loss is not finite; the message names the step.
    """
    images, labels = as_input(characters.images).to(device), characters.labels.to(device)
    order = batch_order(len(images), config, seed).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=config.rate)
    losses: list[float] = []
    yield 0, np.nan
    for step in range(1, config.steps + 1):
        batch = order[step - 1]
        optimiser.zero_grad()
        loss = F.cross_entropy(model(images[batch]), labels[batch])
        if not torch.isfinite(loss):
            raise Diverged(f"the loss is {loss.item()} at step {step} of seed {seed}; nothing is kept of it")
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if step % config.probe_every == 0:
            yield step, float(np.mean(losses))
            losses.clear()


def accuracy(model: nn.Module, characters: ImageSet, batch: int, device: str = "cpu") -> float:
    """Share of images that are recognised, in [0, 1].

    Args:
        model: The network. Its batch norm looks at the batch at hand, as in training.
        characters: Images in random order.
        batch: Images to pass at once: as many as in training.
        device: Torch device string.
    """
    images, labels = as_input(characters.images).to(device), characters.labels.to(device)
    # Batches of nearly equal size: a small rest would be normalised by statistics of few images.
    parts = max(1, round(len(images) / batch))
    with torch.no_grad():
        right = [
            (model(x).argmax(1) == y).double()
            for x, y in zip(images.tensor_split(parts), labels.tensor_split(parts), strict=True)
        ]
    return float(torch.cat(right).mean())
