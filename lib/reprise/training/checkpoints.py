"""Training state on disk: saved whole or not at all, by one process at a time."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file
from torch import Tensor


class CheckpointFolder:
    """Weights of one training, addressed by what determines them.

    ``progress.pt`` is what a killed run goes on from; ``<label>.safetensors`` are parameters to keep.

    Args:
        path: The folder, made if need be. No two trainings may share one, so its name is a hash of the
            settings that the training depends on.

    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = CheckpointFolder(Path(name) / "run")
    ...     folder.save("end", {"weight": torch.ones(2)})
    ...     folder.labels(), folder.load("end")["weight"]
    (['end'], tensor([1., 1.]))
    """

    def __init__(self, path: Path):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out; a second one waits, and then finds the work done."""
        with FileLock(self.path / ".lock"):
            yield

    def save_progress(self, state: dict[str, Any]) -> None:
        """Replace the state to go on from.

        Args:
            state: Tensors, numbers, strings and containers of these.
        """
        with self._replacing("progress.pt") as name:
            torch.save(state, name)

    def progress(self) -> dict[str, Any] | None:
        """The state to go on from, on the CPU; None if there is none or it cannot be read."""
        path = self.path / "progress.pt"
        try:
            return torch.load(path, map_location="cpu", weights_only=True) if path.is_file() else None
        except (RuntimeError, EOFError, ValueError, OSError):
            return None

    def save(self, label: str, tensors: dict[str, Tensor]) -> None:
        """Keep parameters under a label; an earlier file of that label is replaced."""
        with self._replacing(f"{label}.safetensors") as name:
            save_file({key: value.contiguous() for key, value in tensors.items()}, name)

    def load(self, label: str) -> dict[str, Tensor]:
        """Parameters kept under a label, on the CPU.

        Raises:
            FileNotFoundError: Nothing is kept under it; the message lists the labels that are.
        """
        path = self.path / f"{label}.safetensors"
        if not path.is_file():
            raise FileNotFoundError(
                f"no checkpoint {label!r} in {self.path}; there are: {', '.join(self.labels())}"
            )
        return load_file(path)

    def labels(self) -> list[str]:
        """Labels under which parameters are kept, sorted."""
        return sorted(path.stem for path in self.path.glob("*.safetensors"))

    @contextlib.contextmanager
    def _replacing(self, target: str) -> Iterator[str]:
        handle, name = tempfile.mkstemp(dir=self.path, prefix="writing-", suffix=".tmp")
        os.close(handle)
        try:
            yield name
            os.replace(name, self.path / target)
        finally:
            Path(name).unlink(missing_ok=True)
