"""Study 2: the networks that a unit starts from and is compared with."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from ...data import dataset_entry
from ...data.fewshot import generator
from ...models.architectures import Architecture
from ...models.architectures import build as by_name
from ...places import UserError
from ...training.supervised import calibrate_norms
from .config import TransferConfig
from .subsets import FRESH, FRESH_START, HEAD, INITIAL

CALIBRATED_ON = 1024
"""Training images, at most, of which a network that never trained takes its running statistics."""


def build(
    config: TransferConfig, seed: int, *stream: int, imagenet: bool = False, source: bool = False
) -> Architecture:
    """The network of a condition with initial values drawn from one stream of the seed.

    Args:
        config: The condition.
        seed: The seed.
        stream: Name of the stream.
        imagenet: With the body's weights published for ImageNet.
        source: With as many outputs as the source has classes, not the target.
    """
    name = config.dataset if source or not config.finetuning else config.target
    entry = dataset_entry(name)
    classes = entry.classes["test"]
    size = entry.size if entry.size >= 32 else 32  # smaller images get a border
    return by_name(config.model, classes, generator(seed, *stream).initial_seed(), size, imagenet)


def fresh(config: TransferConfig, seed: int, number: int, images: Tensor) -> Architecture:
    """One of the fresh random networks that nothing is ever trained from.

    Args:
        config: The condition.
        seed: The seed.
        number: Which one.
        images: The unit's training images, uint8.
    """
    return _untrained(config, build(config, seed, FRESH, number), images)


def starting(
    config: TransferConfig, seed: int, pretrained: dict[str, Tensor] | None, images: Tensor
) -> Architecture:
    """The network as it is before the unit's first step.

    Args:
        config: The condition.
        seed: The seed.
        pretrained: Weights to start from, if the condition starts from some that were trained here.
        images: The unit's training images, uint8.
    """
    if not config.finetuning:
        return _untrained(config, build(config, seed, INITIAL), images)
    if config.start == "fresh":
        return _untrained(config, build(config, seed, FRESH_START), images)
    if config.source == "imagenet":
        return build(config, seed, HEAD, imagenet=True)
    assert pretrained is not None
    architecture = build(config, seed, HEAD)
    state = architecture.model.state_dict()
    own_head = architecture.parameters_of(["head"]) if config.head == "fresh" else set()
    state.update({name: value for name, value in pretrained.items() if name not in own_head})
    architecture.model.load_state_dict(state)
    return architecture


def _untrained(config: TransferConfig, architecture: Architecture, images: Tensor) -> Architecture:
    if config.norm_start == "calibrated":
        calibrate_norms(architecture.model, images[:CALIBRATED_ON], config.batch)
    return architecture


def parted(config: TransferConfig, architecture: Architecture) -> tuple[nn.Module, nn.Module] | None:
    """The first stages, if a unit never changes them, and the rest of its network; None if there are none."""
    if config.still_statistics == "free":
        return None
    free = moving(config, architecture)
    still = itertools.takewhile(
        lambda stage: free.isdisjoint(architecture.parameters_of([stage])), architecture.body
    )
    depth = len(list(still)) if config.finetuning else 0
    return architecture.parted(depth) if depth and architecture.parted else None


def moving(config: TransferConfig, architecture: Architecture) -> set[str]:
    """Names of the parameters that a unit moves.

    Raises:
        UserError: More blocks named than the network has.
    """
    body, k = architecture.body, config.blocks
    if k >= len(body):
        raise UserError(f"moving={config.moving}: {config.model} has {len(body)} blocks: {', '.join(body)}")
    if config.moving == "head":
        stages = ["head"]
    elif config.moving.startswith("after"):
        stages = [*body[k:], "head"]
    elif config.moving.startswith("first"):
        stages = body[:k]
    else:
        stages = [*body, "head"]
    return architecture.parameters_of(stages)
