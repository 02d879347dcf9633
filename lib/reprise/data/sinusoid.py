"""Sinusoid regression: tasks that are functions of one number, drawn on the spot (Finn et al. 2017)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .fewshot import Episodes

AMPLITUDES = (0.1, 5.0)
"""Range of amplitudes, uniform (Finn et al. 2017, section 5.1)."""

PHASES = (0.0, math.pi)
"""Range of phases in radians, uniform (same source)."""

INPUTS = (-5.0, 5.0)
"""Range of inputs, uniform (same source)."""


@dataclass(frozen=True)
class Sinusoids:
    """A batch of tasks, each a function x ↦ amplitude · sin(x − phase).

    Attributes:
        amplitude: float32 (tasks,).
        phase: float32 (tasks,), in radians.
    """

    amplitude: Tensor
    phase: Tensor

    def __post_init__(self):
        if self.amplitude.shape != self.phase.shape or self.amplitude.dim() != 1:
            raise ValueError(
                f"one amplitude and one phase a task, not {tuple(self.amplitude.shape)} "
                f"and {tuple(self.phase.shape)}"
            )

    def __len__(self) -> int:
        return len(self.amplitude)

    def values(self, x: Tensor) -> Tensor:
        """The tasks' values.

        Args:
            x: Inputs of each task (tasks, points, 1), or the same for all of them (points, 1).

        Returns:
            float32 (tasks, points, 1).
        """
        return self.amplitude[:, None, None] * torch.sin(x - self.phase[:, None, None])

    def sample(self, points: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Points on each function, without noise.

        Args:
            points: How many a task, at least 1.
            random: Source of chance, on the CPU.

        Returns:
            Inputs, uniform over :data:`INPUTS`, and values, each (tasks, points, 1).

        Raises:
            ValueError: Fewer than one point.
        """
        if points < 1:
            raise ValueError(f"points must be at least 1, not {points}")
        x = _uniform(INPUTS, (len(self), points, 1), random)
        return x, self.values(x)

    def episodes(self, shots: int, queries: int, random: torch.Generator) -> Episodes:
        """A support and a query set of each task.

        Args:
            shots: Support points of a task, at least 1.
            queries: Query points of a task, at least 1.
            random: Source of chance, on the CPU.

        Returns:
            Episodes whose images are inputs (tasks, points, 1), whose labels are float32 values of that
            shape, and whose classes are the tasks' numbers (tasks, 1).

        Raises:
            ValueError: No support or no query points.
        """
        support, query = self.sample(shots, random), self.sample(queries, random)
        return Episodes(*support, *query, torch.arange(len(self))[:, None])


def draw_sinusoids(tasks: int, random: torch.Generator) -> Sinusoids:
    """Draw tasks from the distribution of the paper.

    Args:
        tasks: How many, at least 1.
        random: Source of chance, on the CPU.

    Raises:
        ValueError: Fewer than one task.
    """
    if tasks < 1:
        raise ValueError(f"tasks must be at least 1, not {tasks}")
    return Sinusoids(_uniform(AMPLITUDES, (tasks,), random), _uniform(PHASES, (tasks,), random))


def _uniform(ends: tuple[float, float], shape: tuple[int, ...], random: torch.Generator) -> Tensor:
    return ends[0] + (ends[1] - ends[0]) * torch.rand(shape, generator=random)
