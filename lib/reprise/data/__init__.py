"""What is learned from. Nothing is downloaded unless asked for; a synthetic set always works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .registry import DatasetEntry, dataset_entry, datasets, names

if TYPE_CHECKING:
    import torch

    from .fewshot import Episodes, FewShotSplits
    from .segmentation import SegmentationSplits

__all__ = [
    "DatasetEntry",
    "dataset_entry",
    "datasets",
    "load_few_shot",
    "load_segmentation",
    "load_within_alphabet",
    "names",
]


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
    from . import fetch, mini_imagenet, omniglot, synthetic

    loaders: dict[str, Callable[[list[Path]], FewShotSplits]] = {
        "omniglot": omniglot.load_full,
        "omniglot-background": omniglot.load_background,
        "omniglot-minimal": omniglot.load_minimal,
        "mini-imagenet": mini_imagenet.load,
        "glyphs": lambda _paths: synthetic.glyphs(),
    }
    if name not in loaders:
        raise ValueError(f"no few-shot data set {name!r}; there are: {', '.join(names('few-shot'))}")
    entry = dataset_entry(name)
    paths = fetch.require(entry, root, download)
    with fetch.advising(entry):
        return loaders[name](paths)


def load_within_alphabet(root: Path, download: bool = False, device: torch.device | str = "cpu") -> Episodes:
    """Load Omniglot's official one-shot task: 20 tasks, 20-way 1-shot, each within one alphabet.

    Args:
        root: Data root.
        download: Fetch the zip if it is missing.
        device: Where the images come out.

    Returns:
        The runs in order, see :func:`reprise.data.within_alphabet.read_runs`.

    Raises:
        DataMissing: The zip is not at hand.
        DataDamaged: It is not the declared one.
    """
    from . import fetch, within_alphabet

    (path,) = fetch.require(dataset_entry("omniglot-one-shot-runs"), root, download)
    return within_alphabet.read_runs(path, device)


def load_segmentation(name: str, root: Path, download: bool = False) -> SegmentationSplits:
    """Load a segmentation data set into memory.

    Args:
        name: Name of a variant of kind ``"segmentation"``.
        root: Data root.
        download: Fetch missing files.

    Returns:
        Its splits; pictures may differ in size.

    Raises:
        ValueError: There is no segmentation data set of that name.
        DataMissing: Its files are not at hand.
        DataDamaged: Its files are not the declared ones.
    """
    from . import fetch, segmentation_sets, shapes

    loaders: dict[str, Callable[[list[Path]], SegmentationSplits]] = {
        "camvid-source": segmentation_sets.load_camvid_source,
        "camvid-all": segmentation_sets.load_camvid_all,
        "camvid": segmentation_sets.load_camvid,
        "labelmefacade": segmentation_sets.load_labelmefacade,
        "clothing": segmentation_sets.load_clothing,
        "nuclei": segmentation_sets.load_nuclei,
        "voc": segmentation_sets.load_voc,
        "pet": segmentation_sets.load_pet,
        "shapes-source": lambda _paths: shapes.shapes("source"),
        "shapes": lambda _paths: shapes.shapes("target"),
    }
    if name not in loaders:
        raise ValueError(f"no segmentation data set {name!r}; there are: {', '.join(names('segmentation'))}")
    return loaders[name](fetch.require(dataset_entry(name), root, download))
