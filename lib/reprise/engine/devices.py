"""On what units are computed."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from ..places import UserError


def check_device(device: str) -> str:
    """A device string, if something can be computed there.

    Raises:
        UserError: torch cannot compute on it on this machine; the message lists those that it can use.
    """
    import torch

    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError):
        there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        there += ["mps"] if torch.backends.mps.is_available() else []
        raise UserError(f"device {device!r} cannot be used here; there are: {', '.join(there)}") from None
    return device


def default_device() -> str:
    """``"cuda"`` if torch sees a GPU, else ``"cpu"``."""
    if not _driver():  # torch takes seconds and half a gigabyte to say so
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _driver() -> bool:
    """Whether there may be a GPU that torch calls ``cuda``: NVIDIA's driver is installed, or AMD's."""
    if not sys.platform.startswith("linux"):
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return Path("/dev/kfd").exists()
    return True
