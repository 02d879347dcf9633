"""What a change of weights is held against: as large a change at random, and one layer's change alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

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


MATCHED = ("rsa-correlation", "cka-linear-debiased")
"""Measures whose mean change over layers perturbations are scaled to match: those of claim M2."""

LARGEST_SCALE, STRIDE = 1e2, 1.4
"""Length of a move relative to the weights beyond which none is sought, and the factor of a stride to it."""


def matching_scale(change: Callable[[float], float], target: float, start: float) -> float:
    """Scale of a perturbation by which it changes as much as something else does.

    From a first guess by strides until the target is crossed, and then by Brent's method.

    Args:
        change: Scale → change, as a rule the larger the scale.
        target: The change to match, above 0.
        start: First guess of the scale, above 0.

    Returns:
        The scale, to 1 %; NaN if none changes as much.
    """
    from scipy.optimize import brentq

    # Small changes grow with the square of the scale: on logarithms that is a straight line.
    @functools.cache
    def beyond(log_scale: float) -> float:
        return float(np.log(max(change(float(np.exp(log_scale))), 1e-12) / target))

    if not target > 0:
        return float("nan")
    here = float(np.log(start))
    stride = float(np.copysign(np.log(STRIDE), -beyond(here)))
    while beyond(here) * beyond(here + stride) > 0:
        here += stride
        if abs(here) > np.log(LARGEST_SCALE):
            return float("nan")
    root: Any = brentq(beyond, *sorted((here, here + stride)), xtol=0.01)
    return float(np.exp(root))
