"""Labels that were changed on purpose: noise of a degree, and shifts."""

import torch
from torch import Tensor

from ..places import UserError


def noisy(labels: Tensor, degree: int, classes: int, random: torch.Generator) -> Tensor:
    """Add noise of a degree: label ← (label + U{0 … degree}) mod classes.

    With ``degree`` = ``classes`` − 1 labels are fully random; a lower one keeps the true label in a share of
    1 / (degree + 1), more often than chance.

    Args:
        labels: int64 (n,), 0 … classes − 1.
        degree: 0 (none) to classes − 1.
        classes: Number of classes.
        random: Source of chance, on the CPU.

    Returns:
        New labels, int64 (n,); each image keeps its noisy label for good.

    Raises:
        UserError: A degree or a label out of range.
    """
    _check(labels, classes)
    if not 0 <= degree < classes:
        raise UserError(f"noise degree {degree}: choose 0 (none) to {classes - 1} (fully random)")
    added = torch.randint(0, degree + 1, labels.shape, generator=random)
    return (labels + added.to(labels.device)) % classes


def shifted(labels: Tensor, shift: int, classes: int) -> Tensor:
    """Give every class another name: label ← (label + shift) mod classes.

    Args:
        labels: int64 (n,), 0 … classes − 1.
        shift: Any integer that moves labels.
        classes: Number of classes.

    Raises:
        UserError: A label out of range, or a shift that leaves every label as it is.
    """
    _check(labels, classes)
    if shift % classes == 0:
        raise UserError(f"a shift by {shift} leaves labels of {classes} classes as they are")
    return (labels + shift) % classes


def _check(labels: Tensor, classes: int) -> None:
    if not len(labels):
        raise UserError("no labels")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise UserError(
            f"labels from {low} to {high}: with {classes} classes, 0 to {classes - 1} are allowed"
        )
