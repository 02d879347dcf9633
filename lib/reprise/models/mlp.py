"""A fully connected network for regression, whose hidden layers can be asked for by name."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """Hidden layers of ReLU units, called ``hidden1``, ``hidden2`` and so on, and a linear ``head``.

    Args:
        hidden: Units of each hidden layer; 40 and 40 for sinusoids (Finn et al. 2017).
        in_features: Numbers that go in.
        out_features: Numbers that come out.
        weight_scale: Standard deviation of the initial weights, a normal distribution cut at twice that;
            biases start at 0.
        generator: Source of the random initial values; the global one if None.

    Raises:
        ValueError: No hidden layer, a layer without units, or a scale that is not above 0.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (40, 40),
        in_features: int = 1,
        out_features: int = 1,
        weight_scale: float = 0.1,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        widths = [in_features, *hidden, out_features]
        if not hidden or min(widths) < 1:
            raise ValueError(f"every layer needs at least one unit and one of them must be hidden: {widths}")
        if not weight_scale > 0:
            raise ValueError(f"weight_scale must be above 0, not {weight_scale}")
        linears = [nn.Linear(*pair) for pair in pairwise(widths)]
        for linear in linears:
            nn.init.trunc_normal_(
                linear.weight, std=weight_scale, a=-2 * weight_scale, b=2 * weight_scale, generator=generator
            )
            nn.init.zeros_(linear.bias)
        self.depth = len(hidden)
        for i, linear in enumerate(linears[:-1], 1):
            self.add_module(f"hidden{i}", nn.Sequential(linear, nn.ReLU()))
        self.head = linears[-1]

    @property
    def layers(self) -> dict[str, str]:
        """Names of the layers in order of depth, ``output`` the last → dotted names in this network."""
        return {f"hidden{i}": f"hidden{i}" for i in range(1, self.depth + 1)} | {"output": "head"}

    def forward(self, x: Tensor) -> Tensor:
        """``(…, in_features)`` → ``(…, out_features)``."""
        for i in range(1, self.depth + 1):
            x = self.get_submodule(f"hidden{i}")(x)
        return self.head(x)
