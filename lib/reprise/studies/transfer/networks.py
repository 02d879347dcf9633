"""Study 2: the networks that a unit starts from and is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import TransferConfig
from .subsets import FRESH, FRESH_START, HEAD, INITIAL

if TYPE_CHECKING:
    from torch import Tensor

    from ...models.architectures import Architecture


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
    from ...data import dataset_entry
    from ...data.fewshot import generator
    from ...models.architectures import build as by_name

    name = config.dataset if source or not config.finetuning else config.target
    entry = dataset_entry(name)
    classes = entry.classes["test"]
    size = entry.size if entry.size >= 32 else 32  # smaller images get a border
    return by_name(config.model, classes, generator(seed, *stream).initial_seed(), size, imagenet)


def initial(config: TransferConfig, seed: int) -> Architecture:
    """The pre-training's own first state."""
    return build(config, seed, INITIAL, source=True)


def fresh(config: TransferConfig, seed: int, number: int) -> Architecture:
    """One of the fresh random networks that nothing is ever trained from."""
    return build(config, seed, FRESH, number)


def starting(config: TransferConfig, seed: int, pretrained: dict[str, Tensor] | None) -> Architecture:
    """The network as it is before the unit's first step.

    Args:
        config: The condition.
        seed: The seed.
        pretrained: Weights to start from, if the condition starts from some that were trained here.
    """
    if not config.finetuning:
        return initial(config, seed)
    if config.start == "fresh":
        return build(config, seed, FRESH_START)
    if config.source == "imagenet":
        return build(config, seed, HEAD, imagenet=True)
    assert pretrained is not None
    architecture = build(config, seed, HEAD)
    state = architecture.model.state_dict()
    own_head = architecture.parameters_of(["head"]) if config.head == "fresh" else set()
    state.update({name: value for name, value in pretrained.items() if name not in own_head})
    architecture.model.load_state_dict(state)
    return architecture


def moving(config: TransferConfig, architecture: Architecture) -> set[str]:
    """Names of the parameters that a unit moves.

    Raises:
        UserError: More blocks named than the network has.
    """
    from ...places import UserError

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
