"""Settings of the sinusoid page, and the names that its figures share with it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ...places import UserError

LAYERS = ("hidden1", "hidden2", "output")
"""Layers of the network, in order of depth."""

INITIALISATIONS: tuple[str, ...] = ("meta-learned", "jointly trained", "random")
"""Where adaptation starts from."""

MEASURES = ("cka-linear", "cka-linear-debiased", "rsa-euclidean")
"""Measures of the change of representation. Correlation RSA needs more than the one unit of the output."""

_HELP = {
    "seed": ("", 0),
    "meta_iterations": ("meta-iterations", 1),
    "meta_batch": ("tasks", 1),
    "shots": ("points", 1),
    "inner_steps": ("steps", 1),
    "steps": ("steps", 1),
    "tasks": ("tasks", 2),
    "stimuli": ("points", 4),
}


@dataclass(frozen=True)
class SinusoidSettings:
    """Settings of one run.

    Network, tasks, shots, meta-batch, inner rate and inner steps are those of Finn et al. 2017, section 5.1.
    Their released code starts from weights of scale 0.01 and runs 70 000 meta-iterations at an outer rate of
    0.001; the defaults here learn within seconds.

    Attributes:
        seed: Names all random streams.
        meta_iterations: Steps of the outer loop.
        meta_batch: Tasks of a meta-iteration.
        shots: Support points of a task; as many query points.
        inner_rate: Step size of the inner loop, above 0.
        inner_steps: Inner steps while training.
        outer_rate: Learning rate of Adam in the outer loop, above 0.
        weight_scale: Standard deviation of the initial weights, above 0.
        steps: Inner steps when the trained networks are looked at, at least ``inner_steps``.
        tasks: New tasks by which they are judged.
        stimuli: Inputs, evenly spaced, on which error and representations are measured.
    """

    seed: int = 0
    meta_iterations: int = 1200
    meta_batch: int = 25
    shots: int = 10
    inner_rate: float = 0.01
    inner_steps: int = 1
    outer_rate: float = 0.01
    weight_scale: float = 0.1
    steps: int = 10
    tasks: int = 100
    stimuli: int = 51

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UserError(f"{field.name}={value!r}: a number is needed")
            if field.name not in _HELP:
                if not 0 < value < float("inf"):
                    raise UserError(f"{field.name}={value!r}: a number above 0 is needed")
                continue
            unit, least = _HELP[field.name]
            if not isinstance(value, int) or value < least:
                whole = f"whole number of {unit}" if unit else "whole number"
                raise UserError(f"{field.name}={value!r}: a {whole} is needed, at least {least}")
        if self.steps < self.inner_steps:
            raise UserError(
                f"steps={self.steps}: networks trained for {self.inner_steps} inner steps "
                f"are looked at for at least as many"
            )
