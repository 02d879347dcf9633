"""The segmentation sets: files → splits. Which pictures are in which split is decided here."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .segmentation import IGNORE, SegmentationSet, SegmentationSplits, stratified

CAMVID_SOURCE, CAMVID_TRAIN, CAMVID_VALIDATION, CAMVID_TEST = "0016E5", "0006R0", "0001TP", "Seq05VD"
"""Drives of CamVid. The official split cuts them apart, so that neighbouring frames stand on both sides."""

SHORTER_SIDE = 192
"""Pixels to which the shorter side of photographs (VOC, Pet) is reduced when they are decoded."""

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train",
    "tv/monitor",
)  # fmt: skip


def load_camvid(paths: list[Path], train: str = CAMVID_TRAIN) -> SegmentationSplits:
    """CamVid, split by drive.

    Args:
        paths: The one parquet file.
        train: Drive to train on.

    Returns:
        The drive to train on, 0001TP to validate, Seq05VD to test.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(paths[0])
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    unlabelled = int(metadata["ignore_index"])
    classes = tuple(metadata["classes"].split(",")[:unlabelled])
    rows = table.to_pylist()

    def drive(name: str) -> SegmentationSet:
        chosen = [row for row in rows if row["sequence"] == name]
        pairs = ((_rgb(row["image"]["bytes"]), _ids(row["mask"]["bytes"])) for row in chosen)
        remapped = ((image, torch.where(mask == unlabelled, IGNORE, mask)) for image, mask in pairs)
        return _set(remapped, classes, [Path(row["image"]["path"]).stem for row in chosen])

    return SegmentationSplits(drive(train), drive(CAMVID_VALIDATION), drive(CAMVID_TEST))


def load_camvid_source(paths: list[Path]) -> SegmentationSplits:
    """CamVid with the drive 0016E5 to train on, which no other set of ours uses."""
    return load_camvid(paths, CAMVID_SOURCE)


def load_nuclei(paths: list[Path]) -> SegmentationSplits:
    """Nuclei, all pictures split anew so that every size and kind of stain is split alike.

    They come from few microscopes, and a random split puts each on all sides: results say nothing about new
    ones.
    """
    import pyarrow.parquet as pq

    rows = [row for path in sorted(paths) for row in pq.read_table(path).to_pylist()]
    images = [_rgb(row["image"]["bytes"]) for row in rows]
    pairs = zip(images, (_ids(row["mask"]["bytes"]) for row in rows), strict=True)
    whole = _set(pairs, ("background", "nucleus"), [Path(row["image"]["path"]).stem for row in rows])
    keys = [(*image.shape[-2:], stain(image)) for image in images]
    return SegmentationSplits(*(whole.take(part) for part in stratified(keys, np.random.default_rng(0))))


def stain(image: Tensor) -> str:
    """Kind of a micrograph by its mean colour: dark field, grey on bright, or stained."""
    colour = image.float().mean((1, 2))
    if float(colour.max() - colour.min()) > 12:
        return "stained"
    return "dark" if float(colour.mean()) < 100 else "bright"


def load_voc(paths: list[Path]) -> SegmentationSplits:
    """PASCAL VOC 2012: ``train`` without every tenth picture, that tenth to validate, ``val`` to test."""
    from torchvision.datasets import VOCSegmentation

    root = paths[0].parent
    _extract(paths, root, "VOCdevkit")

    def part(name: str) -> SegmentationSet:
        pictures = VOCSegmentation(str(root), year="2012", image_set=name)
        # The files already use 255 for the borders that are to be ignored.
        return _photographs(pictures, VOC_CLASSES, lambda mask: mask, [Path(p).stem for p in pictures.images])

    return SegmentationSplits(*_tenth(part("train")), part("val"))


def load_pet(paths: list[Path]) -> SegmentationSplits:
    """Oxford-IIIT Pet, animal against background, the border between them ignored."""
    from torchvision.datasets import OxfordIIITPet

    home = paths[0].parent
    root = home.parent if home.name == "oxford-iiit-pet" else home
    _extract(paths, root / "oxford-iiit-pet", "images", "annotations")
    names = {1: 1, 2: 0, 3: IGNORE}  # the files' trimap: animal, background, border

    def remap(mask: np.ndarray) -> np.ndarray:
        table = np.full(256, IGNORE, np.uint8)
        table[list(names)] = list(names.values())
        return table[mask]

    def part(name: str) -> SegmentationSet:
        pictures = OxfordIIITPet(str(root), split=name, target_types="segmentation")
        return _photographs(pictures, ("background", "pet"), remap, [p.stem for p in pictures._images])

    return SegmentationSplits(*_tenth(part("trainval")), part("test"))


def _tenth(whole: SegmentationSet) -> tuple[SegmentationSet, SegmentationSet]:
    """All but every tenth picture, and every tenth."""
    indices = range(len(whole))
    return whole.take([i for i in indices if i % 10]), whole.take([i for i in indices if i % 10 == 0])


def _extract(paths: list[Path], target: Path, *folders: str) -> None:
    """Unpack each archive, unless the folder that it holds is there already, as torchvision lays it out."""
    from torchvision.datasets.utils import extract_archive

    for path, folder in zip(paths, folders, strict=True):
        if not (target / folder).is_dir():
            extract_archive(str(path), str(target))


def _photographs(
    pictures: Any, classes: tuple[str, ...], remap: Callable[[np.ndarray], np.ndarray], names: list[str]
) -> SegmentationSet:
    """Decode photographs of a torchvision data set once, reduced to :data:`SHORTER_SIDE`."""

    def pairs() -> Iterable[tuple[Tensor, Tensor]]:
        for i in range(len(pictures)):
            image, mask = pictures[i]
            size = _reduced(*image.size)
            small = np.array(image.convert("RGB").resize(size, Image.Resampling.BILINEAR))
            ids = remap(np.array(mask.resize(size, Image.Resampling.NEAREST), np.uint8))
            yield torch.from_numpy(small).permute(2, 0, 1).contiguous(), torch.from_numpy(ids)

    return _set(pairs(), classes, names)


def _reduced(width: int, height: int) -> tuple[int, int]:
    """Size with the shorter side at most :data:`SHORTER_SIDE`, proportions kept."""
    scale = min(1.0, SHORTER_SIDE / min(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _set(
    pairs: Iterable[tuple[Tensor, Tensor]], classes: tuple[str, ...], names: list[str]
) -> SegmentationSet:
    images, masks = zip(*pairs, strict=True)
    return SegmentationSet(images, masks, classes, tuple(names))


def _rgb(data: bytes) -> Tensor:
    """An encoded picture as uint8 (3, height, width)."""
    return (
        torch.from_numpy(np.array(Image.open(io.BytesIO(data)).convert("RGB"))).permute(2, 0, 1).contiguous()
    )


def _ids(data: bytes) -> Tensor:
    """An encoded mask as uint8 (height, width)."""
    return torch.from_numpy(np.array(Image.open(io.BytesIO(data)), np.uint8))
