"""Bring a data set's files to the data root, or say exactly what is missing."""

import hashlib
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm.auto import tqdm

from ..places import DataDamaged, DataMissing
from . import listing
from .registry import DataFile, DatasetEntry


def locate(entry: DatasetEntry, root: Path) -> list[Path] | None:
    """Find a data set's files without reading them.

    Args:
        entry: Data set.
        root: Data root.

    Returns:
        A path for each file (or the one folder that a set of folders lies in), or None if one is missing.
    """
    if entry.directory:
        folder = root / entry.directory
        return [folder] if folder.is_dir() else None
    located = [next((path for path in file.candidates(root) if path.is_file()), None) for file in entry.files]
    paths = [path for path in located if path is not None]
    return paths if len(paths) == len(located) else None


def require(entry: DatasetEntry, root: Path, download: bool = False) -> list[Path]:
    """Find a data set's files and check their bytes.

    Args:
        entry: Data set.
        root: Data root.
        download: Fetch what is missing from the official source, with progress.

    Returns:
        A checked path for each file; empty for synthetic sets.

    Raises:
        DataMissing: A file, or an image that a list names, is not there and was not, or could not be,
            fetched.
        DataDamaged: A file is there but is not the declared one.
    """
    if (paths := locate(entry, root)) is None:
        if not download:
            raise DataMissing(missing_message(entry, root))
        paths = fetch(entry, root)
    if entry.directory:
        return paths
    with advising(entry):
        lists = listing.read([p for f, p in zip(entry.files, paths, strict=True) if f.algorithm == "listing"])
        for file, path in zip(entry.files, paths, strict=True):
            verify(file, path)
        listing.images(lists)
    return paths


def fetch(entry: DatasetEntry, root: Path) -> list[Path]:
    """Download what is missing; whole files appear at once, under their own names, or not at all.

    Args:
        entry: Data set.
        root: Data root, made if need be.

    Returns:
        A path for each file.

    Raises:
        DataMissing: The source cannot be reached, or there is none and the set must be made by hand.
        DataDamaged: What arrived is not the declared file.
    """
    if entry.preparation and locate(entry, root) is None:
        raise DataMissing(missing_message(entry, root))
    paths = []
    for file in entry.files:
        path = next((p for p in file.candidates(root) if p.is_file()), None)
        if path is None:
            path = file.candidates(root)[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                _download(file, path)
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                raise DataMissing(f"{missing_message(entry, root)}\n(download failed: {error})") from error
        paths.append(path)
    return paths


def verify(file: DataFile, path: Path) -> None:
    """Compare a file with its declared checksum.

    Raises:
        DataDamaged: They differ.
    """
    if file.algorithm == "listing":
        if listing.digest(path) != file.checksum:
            raise DataDamaged(
                f"{path} is not the declared {file.name}: it lists other classes or other numbers of images. "
                f"Put the one from {file.url} in its place"
            )
        return
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, file.algorithm).hexdigest()
    if digest != file.checksum:
        raise DataDamaged(
            f"{path} is not the declared {file.name}: its {file.algorithm} is {digest}, expected "
            f"{file.checksum}. Remove it to fetch it again."
        )


def missing_message(entry: DatasetEntry, root: Path) -> str:
    """What is missing, where to put it, and what to use instead."""
    absent = [file for file in entry.files if not any(path.is_file() for path in file.candidates(root))]
    lines = [f"data set {entry.name!r} is not complete below {root}:"]
    lines += [f"  put {file.name} (from {file.url}) at {file.candidates(root)[0]}" for file in absent]
    lines.append(f"  {entry.preparation or f'or fetch it with: reprise data fetch {entry.name}'}")
    return "\n".join([*lines, *_stand_in(entry)])


@contextmanager
def advising(entry: DatasetEntry) -> Iterator[None]:
    """Let errors about a data set's files say also what to use instead."""
    try:
        yield
    except (DataMissing, DataDamaged) as error:
        raise type(error)("\n".join([str(error), *_stand_in(entry)])) from error


def _stand_in(entry: DatasetEntry) -> list[str]:
    words = f"  or use the synthetic stand-in, which needs no file: --set dataset={entry.stand_in}"
    return [words] if entry.stand_in else []


_ABANDONED = 3600
"""Seconds without a byte after which a download is one of a process that is no more."""


def _download(file: DataFile, path: Path) -> None:
    """Stream one file to a temporary neighbour, check it, and rename it into place."""
    for litter in path.parent.glob(f".{file.name}-*"):
        if time.time() - litter.stat().st_mtime > _ABANDONED:
            litter.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{file.name}-")
    try:
        with (
            os.fdopen(handle, "wb") as target,
            urllib.request.urlopen(file.url, timeout=30) as source,
            tqdm(total=file.bytes, unit="B", unit_scale=True, desc=file.name) as bar,
        ):
            while block := source.read(1 << 16):
                target.write(block)
                bar.update(len(block))
        verify(file, Path(name))
        shutil.move(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
