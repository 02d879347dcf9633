"""Bring a data set's files to the data root, or say exactly what is missing."""

import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from tqdm.auto import tqdm

from ..places import UserError
from .registry import DataFile, DatasetEntry


class DataMissing(FileNotFoundError, UserError):
    """A data set is not at hand; the message says which file, where to put it and what to use instead."""


class DataDamaged(UserError):
    """A local file does not have the declared checksum: a broken download, or other data of that name."""


def locate(entry: DatasetEntry, root: Path) -> list[Path] | None:
    """Find a data set's files without reading them.

    Args:
        entry: Data set.
        root: Data root.

    Returns:
        A path for each file, or None if one is missing.
    """
    found = [next((path for path in file.candidates(root) if path.is_file()), None) for file in entry.files]
    paths = [path for path in found if path is not None]
    return paths if len(paths) == len(found) else None


def require(entry: DatasetEntry, root: Path, download: bool = False) -> list[Path]:
    """Find a data set's files and check their bytes.

    Args:
        entry: Data set.
        root: Data root.
        download: Fetch what is missing from the official source, with progress.

    Returns:
        A checked path for each file; empty for synthetic sets.

    Raises:
        DataMissing: A file is not there and was not, or could not be, fetched.
        DataDamaged: A file is there but is not the declared one.
    """
    if (paths := locate(entry, root)) is None:
        if not download:
            raise DataMissing(missing_message(entry, root))
        paths = fetch(entry, root)
    for file, path in zip(entry.files, paths, strict=True):
        verify(file, path)
    return paths


def fetch(entry: DatasetEntry, root: Path) -> list[Path]:
    """Download what is missing; whole files appear at once, under their own names, or not at all.

    Args:
        entry: Data set.
        root: Data root, made if need be.

    Returns:
        A path for each file.

    Raises:
        DataMissing: The source cannot be reached.
        DataDamaged: What arrived is not the declared file.
    """
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
    lines.append(f"  or fetch it with: reprise data fetch {entry.name}")
    if entry.stand_in:
        lines.append(f"  or use the synthetic stand-in, which needs no file: --set dataset={entry.stand_in}")
    return "\n".join(lines)


def _download(file: DataFile, path: Path) -> None:
    """Stream one file to a temporary neighbour, check it, and rename it into place."""
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
