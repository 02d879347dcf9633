"""From array-likes to checked NumPy arrays, and the warning for what is undefined."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

__all__ = ["Rows", "UndefinedWarning", "as_rows", "as_stack", "to_numpy", "warn_undefined"]

# Squares of larger (smaller) numbers leave the range of the type in which products are taken.
_FLOAT32_SAFE = (1e-15, 1e15)
_FLOAT64_SAFE = (1e-140, 1e140)


class UndefinedWarning(RuntimeWarning):
    """A measure is undefined for some rows, which are NaN in the result; the message names them."""


def warn_undefined(what: str, where: Any, why: str) -> None:
    """Warn that rows of `what` are undefined, naming the first few; attributed to whoever called us.

    Args:
        what: What the rows are, in the singular ("stimulus", "RDM").
        where: Boolean, (n,): True where undefined. Nothing happens if none is.
        why: The reason.
    """
    rows = np.flatnonzero(where)
    if rows.size:
        names = ", ".join(str(int(row)) for row in rows[:8]) + (", …" if rows.size > 8 else "")
        plural = "" if rows.size == 1 else "s"
        message = (
            f"{what} row{plural} {names} ({rows.size} of {where.size}) undefined, NaN in the result: {why}"
        )
        frame, level = sys._getframe(), 1
        while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
            frame, level = frame.f_back, level + 1
        warnings.warn(message, UndefinedWarning, stacklevel=level)


def to_numpy(x: Any, name: str = "x") -> np.ndarray:
    """View (or copy) an array-like as a real NumPy array.

    Args:
        x: NumPy array, torch tensor on any device, or anything `numpy.asarray` takes. Integers, booleans
            and half precision keep their type: later steps convert block by block.
        name: What to call it in an error.

    Returns:
        Array of the same shape; bfloat16 and float8 tensors become float32, long doubles float64.

    Raises:
        ValueError: Not numeric, complex, or with masked entries.

    >>> to_numpy([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if hasattr(x, "detach") and hasattr(
        x, "cpu"
    ):  # a torch tensor, told by its methods: importing torch takes seconds
        x = x.detach()
        if any(short in str(x.dtype) for short in ("bfloat16", "float8")):
            x = x.float()  # NumPy has no such types
        x = x.cpu().numpy()
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise ValueError(f"{name} has masked entries; drop or fill them first")
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be real numbers, not {array.dtype}")
    return array.astype(np.float64) if array.dtype.itemsize > 8 else array


@dataclass(frozen=True)
class Rows:
    """Stimulus-by-feature array, checked when first asked about its numbers.

    Attributes:
        values: (n, features), in the type it came in.
        name: What to call it in an error.
    """

    values: np.ndarray
    name: str = "x"

    @property
    def n(self) -> int:
        """Number of stimuli."""
        return self.values.shape[0]

    @property
    def d(self) -> int:
        """Number of features."""
        return self.values.shape[1]

    @cached_property
    def extent(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest feature of each stimulus, each (n,) float64; ValueError for NaN or Inf."""
        # One minimum and one maximum a row answer everything: NaN and Inf spread into them.
        low = self.values.min(axis=1).astype(np.float64)
        high = self.values.max(axis=1).astype(np.float64)
        bad = np.flatnonzero(~(np.isfinite(low) & np.isfinite(high)))
        if bad.size:
            raise ValueError(
                f"{self.name} holds NaN or Inf in stimulus row {bad[0]} ({bad.size} of {self.n} rows)"
            )
        return low, high

    @cached_property
    def constant(self) -> np.ndarray:
        """(n,) True where all features of a stimulus are equal (within rounding of float64)."""
        low, high = self.extent
        return high - low <= 8 * np.finfo(np.float64).eps * np.maximum(np.abs(low), np.abs(high))

    @cached_property
    def zero(self) -> np.ndarray:
        """(n,) True where all features of a stimulus are 0."""
        low, high = self.extent
        return (low == 0) & (high == 0)

    @cached_property
    def dtype(self) -> type:
        """Type for products: float32 for (half and) single precision, else float64.

        Raises:
            ValueError: NaN or Inf, or numbers so large or small that their squares leave float64.
        """
        low, high = self.extent
        magnitude = np.maximum(np.abs(low), np.abs(high))
        spread = np.where(self.constant, np.where(self.zero, 1.0, magnitude), high - low)
        if magnitude.max() > _FLOAT64_SAFE[1] or spread.min() < _FLOAT64_SAFE[0]:
            raise ValueError(
                f"{self.name} holds numbers whose squares leave the range of float64; rescale it"
            )
        single = self.values.dtype.kind == "f" and self.values.dtype.itemsize <= 4
        safe = magnitude.max() <= _FLOAT32_SAFE[1] and spread.min() >= _FLOAT32_SAFE[0]
        return np.float32 if single and safe else np.float64


def as_rows(x: Any, name: str = "x", *, minimum: int = 3, check: bool = True) -> Rows:
    """One representation with its features flattened.

    Args:
        x: (n, …features).
        name: What to call it in an error.
        minimum: Fewest stimuli allowed.
        check: Look at the numbers now; else that is left to whoever uses them.

    Raises:
        ValueError: Fewer than two axes, fewer than `minimum` stimuli, no features, and as `Rows.dtype`.
    """
    array = to_numpy(x, name)
    if array.ndim < 2:
        raise ValueError(f"{name} must have shape (stimuli, …features), got {array.shape}")
    if array.shape[0] < minimum:
        raise ValueError(f"{name} holds {array.shape[0]} stimuli; at least {minimum} are needed")
    if 0 in array.shape[1:]:
        raise ValueError(f"{name} has no features: shape {array.shape}")
    rows = Rows(array.reshape(array.shape[0], -1), name)
    if check:
        _ = rows.dtype
    return rows


def as_stack(x: Any, name: str = "x") -> list[Any]:
    """Split a stack (m, n, …features) into its m representations.

    Raises:
        ValueError: Fewer than three axes.
    """
    array = to_numpy(x, name)
    if array.ndim < 3:
        raise ValueError(f"{name} as a stack must have shape (stack, stimuli, …features), got {array.shape}")
    return list(array)
