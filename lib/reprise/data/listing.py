"""Data sets that exist as lists of images only: CSV files with the columns ``filename`` and ``label``.

Such a set has no archive with a checksum. It is recognised by what its lists say: which classes they hold,
and how many images of each. The images are looked up beside a list, in ``images/<filename>`` or
``<list's name>/<label>/<filename>``.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..places import DataDamaged, DataMissing

Classes = dict[str, list[str]]
"""Label → names of its images, both in sorted order."""


def read(paths: Sequence[Path]) -> dict[Path, Classes]:
    """Read the lists of a data set, one per split.

    Args:
        paths: CSV files.

    Returns:
        For each list its classes, sorted, so that the order of its lines does not matter.

    Raises:
        DataMissing: A list is not there.
        DataDamaged: A list has other columns, an empty field or no line; an image stands in the lists twice;
            a class stands in two lists; or a class has another number of images than most.
    """
    lists = {path: _read(path) for path in paths}
    home: dict[str, Path] = {}
    images: dict[str, str] = {}
    counts = Counter(len(names) for classes in lists.values() for names in classes.values())
    usual = max(counts, key=counts.__getitem__, default=0)
    for path, classes in lists.items():
        for label, names in classes.items():
            if label in home:
                raise DataDamaged(
                    f"class {label} stands in {home[label]} and in {path}: splits must not share a class"
                )
            home[label] = path
            if len(names) != usual:
                raise DataDamaged(
                    f"{path}: class {label} has {len(names)} images, the others have {usual}; classes must "
                    "have equally many"
                )
            for name in names:
                if name in images:
                    raise DataDamaged(
                        f"{path}: image {name} stands twice, in class {images[name]} and in class {label}"
                    )
                images[name] = label
    return lists


def images(lists: Mapping[Path, Classes]) -> dict[Path, dict[str, list[Path]]]:
    """Find the images that lists name, without reading them.

    Args:
        lists: What :func:`read` returned.

    Returns:
        For each list: label → paths of its images, in the order of their names.

    Raises:
        DataMissing: Images are not there; the message counts them and names the first.
    """
    present: dict[Path, set[str]] = {}

    def find(places: Sequence[Path], name: str) -> Path | None:
        # A folder is read once: asking for each of tens of thousands of files takes much longer.
        for place in places:
            if place not in present:
                present[place] = {file.name for file in place.iterdir()} if place.is_dir() else set()
        return next((place / name for place in places if name in present[place]), None)

    files_of: dict[Path, dict[str, list[Path]]] = {}
    absent: list[str] = []
    for path, classes in lists.items():
        files_of[path] = {}
        for label, names in classes.items():
            places = path.parent / "images", path.parent / path.stem / label
            files = [find(places, name) for name in names]
            files_of[path][label] = [file for file in files if file is not None]
            absent += [
                f"{places[0] / name} or {places[1] / name}"
                for name, file in zip(names, files, strict=True)
                if file is None
            ]
    if absent:
        total = sum(len(names) for classes in lists.values() for names in classes.values())
        raise DataMissing(f"{len(absent)} of {total} images are missing; put the first at {absent[0]}")
    return files_of


def digest(path: Path) -> str:
    """SHA-256 of what a list says: a line ``<label> <number of images>`` for each class, in sorted order."""
    lines = (f"{label} {len(names)}" for label, names in _read(path).items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read(path: Path) -> Classes:
    if not path.is_file():
        raise DataMissing(f"the list {path} is missing")
    classes: Classes = {}
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.DictReader(stream, skipinitialspace=True)
        if not {"filename", "label"} <= set(rows.fieldnames or ()):
            raise DataDamaged(f"{path} must have the columns filename and label, not {rows.fieldnames}")
        for row in rows:
            if not row["filename"] or not row["label"]:
                raise DataDamaged(f"{path}, line {rows.line_num}: file name or label is empty")
            classes.setdefault(row["label"], []).append(row["filename"])
    if not classes:
        raise DataDamaged(f"{path} names no image")
    return {label: sorted(classes[label]) for label in sorted(classes)}
