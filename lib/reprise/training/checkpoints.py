"""Training state on disk: whole or not at all, by one process at a time, and proving what it is.

Every file carries the name of its training and a digest of all that it holds. What is damaged, or belongs to
another training, is set aside under another name with one line in the terminal, and made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..interrupts import Interrupts
from ..places import UserError

_PROGRESS, _POINTS, _WRITING = "progress.bin", "point-*.bin", "writing-*.tmp"
_FORMAT = "reprise progress 1"


class DamagedWeights(UserError):
    """A file of weights is not what was written; it was set aside, and the same command makes it again."""


@dataclass
class Progress:
    """A point that a training can go on from.

    Attributes:
        step: Steps taken.
        seconds: Time in training until then, over all sessions.
        checkpoints: Label → digest of the parameters kept until then. A point counts only while all of them
            are whole: they are one thing in several files.
        state: What the training needs besides: tensors, numbers, strings and containers of these.
    """

    step: int
    seconds: float = 0.0
    checkpoints: dict[str, str] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)


class CheckpointFolder:
    """Weights of one training, addressed by what determines them.

    ``progress.bin`` is what a killed run goes on from, ``point-<step>.bin`` are earlier such points, and
    ``<label>.safetensors`` are parameters to keep.

    Args:
        path: The folder, made if need be. No two trainings may share one, so its name is a hash of the
            settings that the training depends on; files carry this name.

    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = CheckpointFolder(Path(name) / "run")
    ...     digest = folder.save("end", {"weight": torch.ones(2)})
    ...     folder.labels(), folder.load("end")["weight"]
    (['end'], tensor([1., 1.]))
    """

    def __init__(self, path: Path):
        self.path, self.id = path, path.name
        path.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out; a second one says so, waits, and then finds the work done.

        The lock is the system's, so it ends with the process that holds it, however that one ends. What dead
        ones were writing is swept away.
        """
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=1)
        except Timeout:
            _say(f"another process is training {self.id}; waiting for it")
            lock.acquire()
        try:
            for litter in self.path.glob(_WRITING):
                litter.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    # --- parameters

    def save(self, label: str, tensors: Mapping[str, Tensor]) -> str:
        """Keep parameters under a label; an earlier file of that label is replaced.

        Returns:
            Their digest.
        """
        tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        digest = self._digest(label, tensors)
        with self._replacing(f"{label}.safetensors") as name:
            save_file(tensors, name, {"training": self.id, "label": label, "digest": digest})
        return digest

    def load(self, label: str) -> dict[str, Tensor]:
        """Parameters kept under a label, on the CPU.

        Raises:
            FileNotFoundError: Nothing is kept under it; the message lists the labels that are.
            DamagedWeights: The file holds something else than was written, or the parameters of another
                training or label.
        """
        path = self.path / f"{label}.safetensors"
        if not path.is_file():
            raise FileNotFoundError(
                f"no checkpoint {label!r} in {self.path}; there are: {', '.join(self.labels()) or 'none'}"
            )
        try:
            return self._read(label)[0]
        except ValueError as damage:
            aside = _set_aside(path)
            raise DamagedWeights(
                f"{path} {damage}; set aside as {aside}. The same command makes it again"
            ) from None

    def whole(self, label: str, digest: str | None = None) -> bool:
        """Whether parameters are there as they were written; a file that is not so is set aside.

        Args:
            label: Their label.
            digest: What :meth:`save` returned for them; any if None.
        """
        path = self.path / f"{label}.safetensors"
        if not path.is_file():
            return False
        try:
            return self._read(label)[1] == digest or digest is None
        except ValueError as damage:
            _say(f"{path} {damage}; set aside as {_set_aside(path)}")
            return False

    def labels(self) -> list[str]:
        """Labels under which parameters are kept, sorted."""
        return sorted(path.stem for path in self.path.glob("*.safetensors"))

    def _read(self, label: str) -> tuple[dict[str, Tensor], str]:
        """Parameters and their digest; a ValueError says what is wrong with them."""
        try:
            with safe_open(self.path / f"{label}.safetensors", framework="pt") as file:
                facts = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except (SafetensorError, OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
            raise ValueError(f"cannot be read ({type(error).__name__})") from None
        digest = self._digest(label, tensors)
        if facts.get("digest") != digest:
            raise ValueError(f"does not prove to be {label} of {self.id}")
        return tensors, digest

    def _digest(self, label: str, tensors: Mapping[str, Tensor]) -> str:
        total = hashlib.sha256(f"{self.id}|{label}".encode())
        for name in sorted(tensors):
            value = tensors[name]
            total.update(f"|{name}|{value.dtype}|{tuple(value.shape)}|".encode())
            total.update(value.reshape(-1).view(torch.uint8).numpy().data)
        return total.hexdigest()

    # --- points to go on from

    def save_progress(self, progress: Progress, keep_below: float = 0) -> None:
        """Replace the point to go on from.

        Args:
            progress: The point; parameters that it names are written before it.
            keep_below: Bytes below which it is kept as a point apart, too, for when a later one is damaged.
        """
        content = io.BytesIO()
        torch.save({"format": _FORMAT, "training": self.id, **vars(progress)}, content)
        with self._replacing(_PROGRESS) as name, open(name, "wb") as file:
            file.write(hashlib.sha256(content.getbuffer()).hexdigest().encode() + b"\n")
            file.write(content.getbuffer())
        if content.tell() < keep_below:
            with self._replacing(_POINTS.replace("*", f"{progress.step:09d}")) as name:
                shutil.copyfile(self.path / _PROGRESS, name)

    def points(self) -> list[Progress]:
        """Points to go on from, tensors on the CPU, the latest first.

        One that is damaged is set aside; one whose parameters are not all whole is passed over.
        """
        paths = [self.path / _PROGRESS, *sorted(self.path.glob(_POINTS), reverse=True)]
        read = [progress for path in paths if path.is_file() and (progress := self._read_progress(path))]
        named = {item for progress in read for item in progress.checkpoints.items()}
        lost = {item for item in named if not self.whole(*item)}
        if lost:
            labels = ", ".join(sorted({label for label, _ in lost}))
            _say(f"{self.id}: {labels} lost; training goes on from the last point before")
        whole = [progress for progress in read if lost.isdisjoint(progress.checkpoints.items())]
        return sorted(whole, key=lambda progress: -progress.step)

    def last(self) -> Progress | None:
        """The latest point to go on from; None if there is none."""
        return next(iter(self.points()), None)

    def _read_progress(self, path: Path) -> Progress | None:
        try:
            digest, _, content = path.read_bytes().partition(b"\n")
            if digest != hashlib.sha256(content).hexdigest().encode():
                raise ValueError
            found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            if (found.pop("format"), found.pop("training")) != (_FORMAT, self.id):
                raise ValueError
            return Progress(**found)
        except Exception:  # with a right digest only where another version wrote it
            _say(f"{path} does not prove to be progress of {self.id}; set aside as {_set_aside(path)}")
            return None

    def thin_out(self, keep: set[str]) -> None:
        """Throw parameters away, but for some, and with them the points that name them."""
        with Interrupts():
            for path in (self.path / _PROGRESS, *self.path.glob(_POINTS)):
                path.unlink(missing_ok=True)
            for label in set(self.labels()) - keep:
                (self.path / f"{label}.safetensors").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _replacing(self, target: str) -> Iterator[str]:
        with Interrupts():
            handle, name = tempfile.mkstemp(dir=self.path, prefix="writing-", suffix=".tmp")
            os.close(handle)
            try:
                yield name
                os.replace(name, self.path / target)
            finally:
                Path(name).unlink(missing_ok=True)


def _set_aside(path: Path) -> str:
    """Rename a damaged file; its new name."""
    return path.rename(path.with_name(f"{path.name}.damaged-{time.time_ns()}")).name


def _say(text: str) -> None:
    print(text, file=sys.stderr)
