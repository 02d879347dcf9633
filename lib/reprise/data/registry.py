"""The list of data sets, and where their files lie."""

import functools
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path


@dataclass(frozen=True)
class DataFile:
    """One downloadable file of a data set.

    Attributes:
        name: File name below the data root: as published, unless that would not say of what.
        url: Official source.
        bytes: Size; 0 for lists, of which not the bytes count but what they say.
        algorithm: ``"sha256"`` or ``"md5"``, whichever the source publishes, or ``"listing"`` for a list of
            images, see :func:`reprise.data.listing.digest`.
        checksum: Hexadecimal digest.
        folder: Folder below the data root in which torchvision keeps the file; empty if it does not.
    """

    name: str
    url: str
    bytes: int
    algorithm: str
    checksum: str
    folder: str = ""

    def candidates(self, root: Path) -> list[Path]:
        """Places below the data root where the file may lie, in order of look-up."""
        return [root / self.folder / self.name, root / self.name] if self.folder else [root / self.name]


@dataclass(frozen=True)
class DatasetEntry:
    """One variant of a data set, as ``datasets.toml`` declares it.

    Attributes:
        name: Name used in configurations.
        title: Name for people.
        kind: What it serves, such as ``"few-shot"``; ``"one-shot-task"`` for fixed tasks.
        images: Size and number of images, in words.
        licence: Licence of the images.
        citation: Key in the book's bibliography, or empty.
        files: Files to have; empty for synthetic sets.
        stand_in: Synthetic set to use where this one is missing, or empty.
        synthetic: Version of the drawing code, 0 for real data.
        classes: Number of classes by split, so that requests can be refused before anything is loaded.
        drawings: Images of each class.
        channels: 1 for grey images, 3 for colour.
        size: Height and width in pixels as they are learned from.
        preparation: How to make the set where no official archive exists; empty where files can be fetched.
        sizes: Number of images by official split, where that is fixed.
        directory: Folder below the data root, for sets that come as folders of pictures, not as files; what
            it holds is not checked.
        part: What of the files is learned from, where variants share files; empty for all of it.
        shown: Whether its pictures may be shown beside results.
    """

    name: str
    title: str
    kind: str
    images: str
    licence: str
    citation: str
    files: tuple[DataFile, ...] = ()
    stand_in: str = ""
    synthetic: int = 0
    classes: Mapping[str, int] = field(default_factory=dict)
    drawings: int = 0
    channels: int = 1
    size: int = 28
    preparation: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    directory: str = ""
    part: str = ""
    shown: bool = True

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any byte of the data set.

        Of a set that exists as lists of images only, they change with its classes and numbers of images.
        """
        content = [f"{file.name}:{file.checksum}" for file in self.files] or [f"{self.name}:{self.synthetic}"]
        content += [self.part] if self.part else []
        return hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]


@functools.cache
def datasets() -> dict[str, DatasetEntry]:
    """All data sets by name, in the order of ``datasets.toml``."""
    tables = tomllib.loads(resources.files("reprise.data").joinpath("datasets.toml").read_text("utf-8"))
    entries = {}
    for name, table in tables.items():
        files = []
        for file in table.pop("files"):
            algorithm = next(key for key in ("sha256", "md5", "listing") if key in file)
            files.append(DataFile(algorithm=algorithm, checksum=file.pop(algorithm), **file))
        entries[name] = DatasetEntry(name=name, files=tuple(files), **table)
    return entries


def dataset_entry(name: str) -> DatasetEntry:
    """Look a data set up.

    Args:
        name: Name of a variant.

    Raises:
        ValueError: There is none of that name; the message lists those that exist.
    """
    try:
        return datasets()[name]
    except KeyError:
        raise ValueError(f"no data set {name!r}; there are: {', '.join(datasets())}") from None


def names(kind: str) -> list[str]:
    """Names of the data sets that serve a kind of study."""
    return [name for name, entry in datasets().items() if entry.kind == kind]
