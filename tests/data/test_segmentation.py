"""Segmentation sets: what is refused, what crops contain, how sets are split, and every loader's masks."""

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from reprise.data import load_segmentation, names, segmentation_sets
from reprise.data.fetch import DataMissing
from reprise.data.fewshot import generator
from reprise.data.segmentation import IGNORE, SegmentationSet, grouped, presence, stratified
from reprise.data.shapes import _SOURCE, _TARGET, shapes


def _set(masks, classes=("a", "b"), sizes=None):
    masks = tuple(torch.as_tensor(mask, dtype=torch.uint8) for mask in masks)
    sizes = sizes or [mask.shape for mask in masks]
    images = tuple(torch.zeros(3, *size, dtype=torch.uint8) for size in sizes)
    return SegmentationSet(images, masks, classes, tuple(f"p{i}" for i in range(len(masks))))


def test_pictures_may_differ_in_size():
    mixed = _set([torch.zeros(4, 5), torch.ones(7, 3)])
    assert [tuple(mixed[i][1].shape) for i in (0, 1)] == [(4, 5), (7, 3)]


@pytest.mark.parametrize(
    ("masks", "options", "message"),
    [
        (
            [torch.zeros(4, 5)],
            {"sizes": [(5, 4)]},
            "picture 'p0': mask of 4 × 5 pixels for an image of 5 × 4",
        ),
        ([torch.zeros(4, 5), torch.full((4, 5), 2)], {}, "'p1': class id 2 in the mask; valid are 0 to 1"),
        ([torch.full((4, 5), IGNORE)], {}, "every pixel of every mask is to be ignored"),
        ([torch.zeros(4, 5)], {"classes": ("only",)}, "at least two classes.*'only'"),
        ([], {}, "at least one picture"),
        ([torch.zeros(4, 5, 1)], {"sizes": [(4, 5)]}, "mask must be uint8 with 2 axes"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(masks, options, message):
    with pytest.raises(ValueError, match=message):
        _set(masks, **options)


def test_a_picture_with_nothing_labelled_is_kept_beside_others():
    assert len(_set([torch.full((4, 5), IGNORE), torch.zeros(4, 5)])) == 2


def test_presence_equals_a_loop_at_the_stated_share():
    random = np.random.default_rng(0)
    masks = random.choice([0, 1, 2, 3, IGNORE], p=[0.55, 0.3, 0.01, 0.04, 0.1], size=(40, 20, 20))
    found = presence(torch.as_tensor(masks, dtype=torch.uint8), 5)
    expected = [[float((mask == k).mean() >= 0.01) for k in range(5)] for mask in masks]
    assert found.tolist() == expected
    assert 0 < found[:, 2].mean() < 1 and found[:, 4].max() == 0


def test_fractions_are_nested_random_parts():
    whole = _set([torch.zeros(2, 2)] * 20)
    small, large = (set(whole.fraction(share, generator(3)).names) for share in (0.25, 0.5))
    assert len(small) == 5 and len(large) == 10 and small < large
    assert set(whole.fraction(0.25, generator(4)).names) != small
    assert len(whole.fraction(0.001, generator(3))) == 1
    assert whole.fraction(1, generator(3)).names == whole.names
    with pytest.raises(ValueError, match="fraction=0"):
        whole.fraction(0, generator(0))


def test_spread_takes_equally_spaced_pictures():
    whole = _set([torch.zeros(2, 2)] * 10)
    assert whole.spread(5).names == ("p0", "p2", "p4", "p6", "p8")
    assert whole.spread(10) is whole and len(whole.spread(3)) == 3


def test_frequencies_leave_ignored_pixels_out():
    mixed = _set([torch.tensor([[0, 0, 1, IGNORE]]), torch.tensor([[1, IGNORE, IGNORE, IGNORE]])])
    assert mixed.frequencies() == pytest.approx([0.5, 0.5])


def test_every_stratum_is_split_alike_and_nothing_is_lost():
    keys = ["a"] * 300 + ["b"] * 60 + ["c"] * 10
    parts = stratified(keys, np.random.default_rng(0))
    assert sorted(i for part in parts for i in part) == list(range(len(keys)))
    for key, size in (("a", 300), ("b", 60), ("c", 10)):
        counts = [sum(keys[i] == key for i in part) for part in parts]
        assert counts == pytest.approx([0.7 * size, 0.1 * size, 0.2 * size], abs=1)


def test_no_group_is_cut_apart_and_none_decides_alone():
    random = np.random.default_rng(0)
    keys = [f"g{k}" for k in random.integers(0, 60, 900)] + ["large"] * 70 + ["forced"] * 5
    parts = grouped(keys, (0.6, 0.15, 0.25), np.random.default_rng(1), ["forced"])
    assert sorted(i for part in parts for i in part) == list(range(len(keys)))
    groups = [{keys[i] for i in part} for part in parts]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert {"forced", "large"} <= groups[0]  # 70 is more than a quarter of validation or of test
    assert [len(part) / len(keys) for part in parts] == pytest.approx([0.6, 0.15, 0.25], abs=0.02)
    with pytest.raises(ValueError, match="'absent'"):
        grouped(keys, (0.6, 0.15, 0.25), np.random.default_rng(1), ["absent"])


def test_shapes_come_from_the_seed_and_share_no_kind_between_parts():
    source, again, target = shapes("source"), shapes.__wrapped__("source"), shapes("target")
    assert torch.equal(source.train.images[7], again.train.images[7])
    assert not torch.equal(source.train.images[7], shapes("source", seed=1).train.images[7])
    assert not set(_SOURCE) & set(_TARGET)
    assert source.classes == ("background", *_SOURCE) and target.classes == ("background", *_TARGET)
    assert len(target.train) == 240 and target.test.images[0].shape == (3, 128, 128)
    for part in (target.train, target.validation, target.test):
        assert part.frequencies().min() > 0.01
    pictures = {bytes(x.numpy().tobytes()) for s in (target.train, target.test) for x in s.images}
    assert len(pictures) == 320
    with pytest.raises(ValueError, match="source, target"):
        shapes("both")


def test_colour_says_little_of_a_shapes_kind():
    train = shapes("target").train
    means = {k: [] for k in range(1, 6)}
    for image, mask in zip(train.images, train.masks, strict=True):
        for k in means:
            if int((mask == k).sum()) > 50:
                means[k].append(image[:, mask == k].float().mean(1).numpy())
    grand = np.concatenate([np.array(v) for v in means.values()]).std(0)
    for k, values in means.items():
        others = np.concatenate([np.array(v) for j, v in means.items() if j != k])
        assert (np.abs(np.mean(values, 0) - others.mean(0)) < 0.35 * grand).all()


def _png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def _add(archive, name, data):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _jpeg(width, height, random):
    buffer = io.BytesIO()
    Image.fromarray(random.integers(0, 255, (height, width, 3), np.uint8)).save(buffer, format="JPEG")
    return buffer.getvalue()


def test_voc_is_read_through_torchvision_from_its_archive(tmp_path):
    random = np.random.default_rng(0)
    path = tmp_path / "VOCtrainval_11-May-2012.tar"
    ids = {"train": [f"t{i:02d}" for i in range(11)], "val": ["v0", "v1"]}
    with tarfile.open(path, "w") as archive:
        base = "VOCdevkit/VOC2012"
        for split, members in ids.items():
            _add(archive, f"{base}/ImageSets/Segmentation/{split}.txt", "\n".join(members).encode())
            for member in members:
                mask = np.zeros((210, 420), np.uint8)
                mask[:100], mask[100:110] = 20, 255
                _add(archive, f"{base}/JPEGImages/{member}.jpg", _jpeg(420, 210, random))
                _add(archive, f"{base}/SegmentationClass/{member}.png", _png(mask))
    splits = segmentation_sets.load_voc([path])
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (9, 2, 2)
    assert len(splits.classes) == 21 and splits.test.names == ("v0", "v1")
    image, mask = splits.train[0]
    assert image.shape == (3, 192, 384) and sorted(mask.unique().tolist()) == [0, 20, IGNORE]


@pytest.mark.parametrize("folder", ["oxford-iiit-pet", "."])
def test_pet_masks_become_animal_background_and_ignored_border(tmp_path, folder):
    random = np.random.default_rng(0)
    home = tmp_path / folder
    home.mkdir(exist_ok=True)
    trimap = np.full((60, 80), 2, np.uint8)
    trimap[10:30], trimap[30:35] = 1, 3
    with tarfile.open(home / "images.tar.gz", "w:gz") as archive:
        for name in ("cat_1", "dog_1", "dog_2"):
            _add(archive, f"images/{name}.jpg", _jpeg(80, 60, random))
    with tarfile.open(home / "annotations.tar.gz", "w:gz") as archive:
        _add(archive, "annotations/trainval.txt", b"cat_1 1 1 1\ndog_1 2 2 1\n")
        _add(archive, "annotations/test.txt", b"dog_2 2 2 1\n")
        for name in ("cat_1", "dog_1", "dog_2"):
            _add(archive, f"annotations/trimaps/{name}.png", _png(trimap))
    splits = segmentation_sets.load_pet([home / "images.tar.gz", home / "annotations.tar.gz"])
    assert [s.names for s in (splits.train, splits.validation, splits.test)] == [
        ("dog_1",), ("cat_1",), ("dog_2",),
    ]  # fmt: skip
    _, mask = splits.train[0]
    expected = np.select([trimap == 1, trimap == 2], [1, 0], IGNORE)
    assert np.array_equal(mask.numpy(), expected)


def test_missing_files_are_named_with_their_stand_in(tmp_path):
    with pytest.raises(DataMissing, match=r"camvid.parquet(.|\n)*shapes"):
        load_segmentation("camvid", tmp_path)
    with pytest.raises(
        ValueError, match="camvid-source, camvid-all, camvid, nuclei, labelmefacade, clothing, voc, pet"
    ):
        load_segmentation("cityscapes", tmp_path)
    assert len(names("segmentation")) == 10
    for name, source in (("labelmefacade", "cvjena/labelmefacade"), ("clothing", "clothing-co-parsing")):
        with pytest.raises(DataMissing, match=rf"{name}.parquet.*{source}(.|\n)*made by hand(.|\n)*shapes"):
            load_segmentation(name, tmp_path)
    assert load_segmentation("shapes", tmp_path).classes[1] == "star"


@pytest.fixture
def data_root():
    root = Path(os.environ.get("REPRISE_DATA", "data"))
    needed = "camvid", "nuclei-train", "labelmefacade", "clothing"
    if not all((root / f"{name}.parquet").is_file() for name in needed):
        pytest.skip("no real segmentation sets below REPRISE_DATA")
    return root


@pytest.mark.realdata
def test_camvid_is_split_by_drive(data_root):
    source, target = (load_segmentation(name, data_root) for name in ("camvid-source", "camvid"))
    parts = source.train, target.train, target.validation, target.test
    drives = [{name.partition("_")[0] for name in part.names} for part in parts]
    assert drives == [{"0016E5"}, {"0006R0"}, {"0001TP"}, {"Seq05VD"}]
    assert [len(part) for part in parts] == [305, 101, 124, 171]
    assert len(target.classes) == 11
    assert all(int(ids[ids != IGNORE].max()) <= 10 for ids in (mask.unique() for mask in target.test.masks))
    assert any((mask == IGNORE).any() for mask in target.test.masks)


@pytest.mark.realdata
def test_nuclei_are_split_alike_by_size_and_stain(data_root):
    splits = load_segmentation("nuclei", data_root)
    parts = (splits.train, splits.validation, splits.test)
    assert sum(map(len, parts)) == 664 and len({n for part in parts for n in part.names}) == 664
    shares = []
    for part in parts:
        kinds = [segmentation_sets.stain(image) for image in part.images]
        shares.append([kinds.count(kind) / len(kinds) for kind in ("dark", "bright", "stained")])
    assert np.ptp(shares, axis=0).max() < 0.03
    assert len({tuple(image.shape) for image in splits.train.images}) > 2


def _thumbnails(part):
    """Pictures as unit vectors, so that their products are correlations."""
    small = [F.interpolate(x[None].float(), (24, 24), mode="area").flatten().numpy() for x in part.images]
    rows = np.stack(small)
    rows -= rows.mean(1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _parts(splits):
    return splits.train, splits.validation, splits.test


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "count", "classes"), [("labelmefacade", 945, 8), ("clothing", 1004, 12)])
def test_nothing_of_a_set_leaks_from_one_side_to_another(data_root, name, count, classes):
    splits = load_segmentation(name, data_root)
    parts = _parts(splits)
    assert sum(map(len, parts)) == count == len({x for part in parts for x in part.names})
    assert len(splits.classes) == classes
    for part in parts:
        present = part.frequencies()
        assert (present > 0).all() and present == pytest.approx(splits.train.frequencies(), abs=0.13)
    vectors = [_thumbnails(part) for part in parts]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert (vectors[i] @ vectors[j].T).max() < 0.93, "a picture nearly repeats one of another side"


@pytest.mark.realdata
def test_labelmefacade_is_split_by_place(data_root):
    splits = load_segmentation("labelmefacade", data_root)
    places = [[name.partition("__")[0] for name in part.names] for part in _parts(splits)]
    train, validation, test = map(set, places)
    assert not train & validation and not train & test and not validation & test
    assert len(train | validation | test) == 73
    assert set(segmentation_sets.FACADES_TO_TRAIN_ON) <= train
    assert places[0].count(segmentation_sets.CAMBRIDGE) == 81
    assert min(len(validation), len(test)) >= 10
    camera = [sum(place.startswith("video_street") for place in part) for part in places]
    assert sorted(camera) == [0, 0, 8]
    twins = "database_static_street__bost27", "spatial_envelope_256x256_static_8outdoorcategories__insidecity"
    assert sum(name.startswith(twins[1]) and name.endswith("bost27") for name in splits.train.names) == 1
    assert twins[0] in splits.train.names
    # "various" is ignored: 4.8 % of all pixels.
    ignored = np.mean([float((mask == IGNORE).float().mean()) for p in _parts(splits) for mask in p.masks])
    assert ignored == pytest.approx(0.048, abs=0.005)


@pytest.mark.realdata
def test_clothings_near_repetitions_stay_together_and_tags_are_joined(data_root):
    splits = load_segmentation("clothing", data_root)
    side = {name: k for k, part in enumerate(_parts(splits)) for name in part.names}
    assert all(side[a] == side[b] for a, b in segmentation_sets.ALIKE_CLOTHING)
    assert splits.classes[0] == "background" and splits.train.frequencies()[0] == pytest.approx(
        0.77, abs=0.01
    )
    assert all(int(mask.max()) < 12 for part in _parts(splits) for mask in part.masks)


@pytest.mark.realdata
def test_camvid_as_a_source_has_all_four_drives(data_root):
    train = load_segmentation("camvid-all", data_root).train
    assert len(train) == 701 == len(set(train.names))
    assert {name.partition("_")[0] for name in train.names} == {"0016E5", "0006R0", "0001TP", "Seq05VD"}
