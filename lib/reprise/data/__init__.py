"""What is learned from. Nothing is downloaded unless asked for; a synthetic set always works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .registry import DatasetEntry, dataset_entry, datasets, names

if TYPE_CHECKING:
    from .fewshot import FewShotSplits

__all__ = ["DatasetEntry", "dataset_entry", "datasets", "load_few_shot", "names"]


def load_few_shot(name: str, root: Path, download: bool = False) -> FewShotSplits:
    """Load a few-shot data set into memory.

    Args:
        name: Name of a variant of kind ``"few-shot"``.
        root: Data root.
        download: Fetch missing files.

    Returns:
        Its meta-training, validation and meta-test classes (without rotations).

    Raises:
        ValueError: There is no few-shot data set of that name.
        DataMissing: Its files are not at hand.
        DataDamaged: Its files are not the declared ones.
    """
    from . import fetch, omniglot, synthetic

    loaders: dict[str, Callable[[list[Path]], FewShotSplits]] = {
        "omniglot": omniglot.load_full,
        "omniglot-minimal": omniglot.load_minimal,
        "glyphs": lambda _paths: synthetic.glyphs(),
    }
    if name not in loaders:
        raise ValueError(f"no few-shot data set {name!r}; there are: {', '.join(names('few-shot'))}")
    return loaders[name](fetch.require(dataset_entry(name), root, download))
