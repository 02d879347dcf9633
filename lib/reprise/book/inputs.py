"""What a chapter read while it was executed, and a key that changes when any of it does.

The kernel of a build notes every file that is opened and every folder that is listed (Python's audit events),
every unit that is looked up, there or not (:func:`reprise.engine.store.Store.path` tells), and at its end the
library's modules that were imported. From these the next build knows whether the chapter would come out the
same.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

VARIABLE = "REPRISE_INPUTS"
"""Environment variable that names the file which a kernel leaves its inputs in."""

UNIT_EVENT = "reprise.unit"
"""Audit event of a unit's file that is looked up."""

_EVENTS = {"open", "os.listdir", "os.scandir", UNIT_EVENT}
_FOLLOWED = ("REPRISE_DATA", "REPRISE_STORE")


def note(target: Path) -> None:
    """Note from now on what this process reads, and write it as a JSON list when the process ends."""
    seen: set[str] = set()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS and arguments and isinstance(arguments[0], str | os.PathLike):
            writes = event == "open" and isinstance(arguments[1], str) and not set(arguments[1]) <= {*"rtbU"}
            if not writes:
                seen.add(os.path.abspath(os.fspath(arguments[0])))

    def write() -> None:
        modules = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        target.write_text(json.dumps(sorted({*seen, *filter(None, modules)})), encoding="utf-8")

    sys.addaudithook(hook)
    atexit.register(write)


def inputs_of(noted: Path, root: Path, left_out: Iterable[Path]) -> list[str]:
    """What counts of the noted paths: what lies in the checkout or in one of the folders that Reprise reads.

    Args:
        noted: The file that :func:`note` wrote.
        root: The checkout.
        left_out: Folders below it that hold what a build makes.
    """
    followed = [root, *(Path(os.environ[name]) for name in _FOLLOWED if os.environ.get(name))]
    within = [f"{folder.resolve()}{os.sep}" for folder in followed]
    without = [f"{folder.resolve()}{os.sep}" for folder in (*left_out, root / ".venv", root / ".git")]
    paths = json.loads(noted.read_text(encoding="utf-8"))
    counted = [
        path for path in paths if path.startswith(tuple(within)) and not path.startswith(tuple(without))
    ]
    return [path for path in counted if "__pycache__" not in path]


def key(source: Path, parameters: Mapping[str, Any], inputs: Iterable[str]) -> str:
    """Digest of a chapter's source, its parameters, all that it read, and what it ran with.

    Args:
        source: The chapter.
        parameters: Values that it was executed with.
        inputs: Paths of what it read: of a file its content counts, of a folder its list, and that a path
            does not exist.
    """
    digest = hashlib.sha256()

    def add(*words: str | bytes) -> None:
        for word in words:
            digest.update((word.encode() if isinstance(word, str) else word) + b"\0")

    add(source.read_bytes(), json.dumps(parameters, sort_keys=True), sys.version)
    add(*(f"{name}={os.environ.get(name, '')}" for name in _FOLLOWED))
    add(*_packages())
    for path in sorted(set(inputs)):
        add(path, _content(Path(path)))
    return digest.hexdigest()


@functools.cache
def _packages() -> list[str]:
    """What is installed, with versions: read once, for it takes longer than all the rest."""
    return sorted(f"{found.name}={found.version}" for found in metadata.distributions())


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            # What is hidden, or made by a build, is nobody's input.
            names = sorted(entry.name for entry in path.iterdir() if entry.name[0] not in "._")
            return "\0".join(names).encode()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b"-"
