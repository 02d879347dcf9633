"""The segmentation sets: files → splits. Which pictures are in which split is decided here."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .segmentation import IGNORE, SegmentationSet, SegmentationSplits, grouped, stratified

CAMVID_SOURCE, CAMVID_TRAIN, CAMVID_VALIDATION, CAMVID_TEST = "0016E5", "0006R0", "0001TP", "Seq05VD"
"""Drives of CamVid. The official split cuts them apart, so that neighbouring frames stand on both sides."""

CAMBRIDGE = "static_outdoor_street_city_cambridge_uk"
"""LabelMeFacade's pictures of CamVid's city: who pre-trained on CamVid has seen its streets."""

FACADES_TO_TRAIN_ON = (
    CAMBRIDGE,
    "spatial_envelope_256x256_static_8outdoorcategories",  # pictures of many places in one folder
    "database_static_street",  # its bost27 stands in the folder before as insidecity_bost27
)
"""Folders of LabelMeFacade that nothing may be chosen or judged by."""

ALIKE_CLOTHING = (("0078", "0984"), ("0183", "0730"), ("0594", "0722"), ("0692", "0732"), ("0907", "0990"))
"""Photographs of Clothing Co-Parsing that nearly repeat each other."""

SHORTER_SIDE = 192
"""Pixels to which the shorter side of photographs (VOC, Pet) is reduced when they are decoded."""

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train",
    "tv/monitor",
)  # fmt: skip


def load_camvid(paths: list[Path], train: tuple[str, ...] = (CAMVID_TRAIN,)) -> SegmentationSplits:
    """CamVid, split by drive.

    Args:
        paths: The one parquet file.
        train: Drives to train on.

    Returns:
        The drives to train on, 0001TP to validate, Seq05VD to test.
    """
    whole, rows = _rows(paths[0])

    def drives(*names: str) -> SegmentationSet:
        return whole.take([i for i, row in enumerate(rows) if row["sequence"] in names])

    return SegmentationSplits(drives(*train), drives(CAMVID_VALIDATION), drives(CAMVID_TEST))


def load_camvid_source(paths: list[Path]) -> SegmentationSplits:
    """CamVid with the drive 0016E5 to train on, which no other set of ours uses."""
    return load_camvid(paths, (CAMVID_SOURCE,))


def load_camvid_all(paths: list[Path]) -> SegmentationSplits:
    """CamVid with all four drives to train on: a source alone, as its other two splits are among them."""
    return load_camvid(paths, (CAMVID_SOURCE, CAMVID_TRAIN, CAMVID_VALIDATION, CAMVID_TEST))


def load_labelmefacade(paths: list[Path]) -> SegmentationSplits:
    """LabelMeFacade, about 60 : 15 : 25, no place (a folder of LabelMe) on two sides.

    The official split cuts places apart. :data:`FACADES_TO_TRAIN_ON` are in training only; the frames of the
    one fixed camera are one folder, and so one place.
    """
    whole, rows = _rows(paths[0])
    places = [row["place"] for row in rows]
    parts = grouped(places, (0.6, 0.15, 0.25), np.random.default_rng(0), FACADES_TO_TRAIN_ON)
    return SegmentationSplits(*(whole.take(part) for part in parts))


def load_clothing(paths: list[Path]) -> SegmentationSplits:
    """Clothing Co-Parsing in the twelve groups of its file, 70 : 10 : 20, near-repetitions on one side."""
    whole, _ = _rows(paths[0])
    twins = {second: first for first, second in ALIKE_CLOTHING}
    keys = [twins.get(name, name) for name in whole.names]
    parts = grouped(keys, (0.7, 0.1, 0.2), np.random.default_rng(0))
    return SegmentationSplits(*(whole.take(part) for part in parts))


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


def _rows(path: Path) -> tuple[SegmentationSet, list[dict[str, Any]]]:
    """A parquet file in hub layout: its pictures in the file's order, and all that stands beside them.

    The schema's metadata names the classes, the one to ignore, if any, and the groups that join them, if any.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    given = metadata["classes"].split(",")
    groups = json.loads(metadata["groups"]) if "groups" in metadata else {name: [name] for name in given}
    ignored = int(metadata["ignore_index"]) if "ignore_index" in metadata else -1
    classes = tuple(name for name, members in groups.items() if members != given[ignored : ignored + 1])
    ids = np.full(256, IGNORE, np.uint8)
    for k, name in enumerate(classes):
        ids[[given.index(member) for member in groups[name]]] = k
    rows = table.to_pylist()
    pairs = ((_rgb(row["image"]["bytes"]), _ids(row["mask"]["bytes"], ids)) for row in rows)
    return _set(pairs, classes, [Path(row["image"]["path"]).stem for row in rows]), rows


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


def _ids(data: bytes, table: np.ndarray | None = None) -> Tensor:
    """An encoded mask as uint8 (height, width), each value replaced by what a table has for it."""
    mask = np.array(Image.open(io.BytesIO(data)), np.uint8)
    return torch.from_numpy(mask if table is None else table[mask])
