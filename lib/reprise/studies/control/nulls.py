"""What a change of weights is held against: as large a change at random, and one layer's change alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..maml.states import LAYERS

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_DOTTED = {layer: "head." if layer == "logits" else f"blocks.{i}." for i, layer in enumerate(LAYERS)}


def parameters_of(parameters: Mapping[str, Tensor], layer: str, counted: bool = True) -> list[str]:
    """Names of a layer's parameters.

    Args:
        parameters: Those of a ``Conv4Maml`` by name.
        layer: Name of a layer of study 1.
        counted: Leave out the bias of a convolution. Batch norm takes it off again, so it changes nothing;
            its gradient is rounding, which Adam blows up to steps of full size.
    """
    own = [name for name in parameters if name.startswith(_DOTTED[layer])]
    return [name for name in own if not (counted and name.startswith("blocks.") and name.endswith(".0.bias"))]


def norm(parameters: Mapping[str, Tensor], names: list[str]) -> float:
    """Euclidean norm of some parameters taken as one vector, in double precision."""
    return sum(float(parameters[name].double().square().sum()) for name in names) ** 0.5


def update_norms(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> tuple[dict[str, float], float]:
    """Norm of an update relative to the norm of what was updated.

    Args:
        before: Parameters.
        after: The same, updated.

    Returns:
        Of each layer, and of the whole network.
    """
    update = {name: after[name].double() - value.double() for name, value in before.items()}
    names = {layer: parameters_of(before, layer) for layer in LAYERS}
    everything = [name for own in names.values() for name in own]
    by_layer = {layer: norm(update, own) / norm(before, own) for layer, own in names.items()}
    return by_layer, norm(update, everything) / norm(before, everything)


def perturbed(
    parameters: Mapping[str, Tensor], relative: Mapping[str, float], random: torch.Generator
) -> dict[str, Tensor]:
    """Parameters moved in a random direction, by a chosen length in each layer.

    Args:
        parameters: Those of a ``Conv4Maml`` by name.
        relative: Layer → length of its move relative to the norm of its parameters.
        random: Source of chance, on the CPU whatever the device.

    Returns:
        All parameters. The direction is uniform: a Gaussian vector over all that counts in the layer, scaled.
    """
    import torch

    moved = dict(parameters)
    for layer, length in relative.items():
        names = parameters_of(parameters, layer)
        noise = {name: torch.randn(parameters[name].shape, generator=random) for name in names}
        scale = length * norm(parameters, names) / norm(noise, names)
        for name in names:
            moved[name] = parameters[name] + scale * noise[name].to(parameters[name])
    return moved


def alone(before: Mapping[str, Tensor], after: Mapping[str, Tensor], layer: str) -> dict[str, Tensor]:
    """Parameters before an update, with one layer's taken from after it."""
    return {**before, **{name: after[name] for name in parameters_of(before, layer, counted=False)}}
