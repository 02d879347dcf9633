"""Where data, published results and local runs lie. Only the command line and a chapter's first cell ask."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class UserError(ValueError):
    """A request that cannot be met as it stands; the message says why and what is possible (exit code 2)."""


class DataMissing(FileNotFoundError, UserError):
    """A data set is not at hand; the message says which file, where to put it and what to use instead."""


class DataDamaged(UserError):
    """A local file is not the declared one: a broken download, or other data of that name."""


@dataclass(frozen=True)
class Places:
    """The folders that Reprise reads and writes.

    Attributes:
        data: Data root, where image sets are looked up and fetched to.
        published: Published units, read-only; may not exist.
        local: Units, weights and executed notebooks made on this machine.
        root: The book's folder, with ``_toc.yml`` and ``chapters/``; None outside a checkout.
        layers: Where finished units are looked for, in this order; see :class:`reprise.engine.store.Store`.
    """

    data: Path
    published: Path
    local: Path
    root: Path | None = None
    layers: tuple[str, ...] = ("published", "local")

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, start: Path | None = None
    ) -> "Places":
        """Find the folders.

        Args:
            environment: Variables to read ``REPRISE_DATA`` (data root) and ``REPRISE_STORE`` (local runs)
                from; those of the process if None.
            start: Folder to start the search for the checkout from; the current one if None.

        Returns:
            Absolute paths. Without variables: ``data/`` and ``_runs/`` of the checkout around ``start``, or
            of the one that the library is installed from, or of the current folder.
        """
        environment = os.environ if environment is None else environment
        here = (start or Path.cwd()).resolve()
        library = Path(__file__).resolve().parents[2]
        root = next((p for p in (here, *here.parents, library) if _is_checkout(p)), None)
        base = root or here

        def place(variable: str, default: Path) -> Path:
            value = environment.get(variable)
            return Path(value).expanduser().resolve() if value else default

        return cls(
            place("REPRISE_DATA", base / "data"),
            base / "results",
            place("REPRISE_STORE", base / "_runs"),
            root,
        )


def _is_checkout(folder: Path) -> bool:
    return (folder / "_toc.yml").is_file() and (folder / "chapters").is_dir()
