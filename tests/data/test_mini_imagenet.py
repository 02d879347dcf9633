"""mini-ImageNet's lists and images: a small set in its layout, every way it can be wrong, training."""

import csv
import dataclasses
import io

import numpy as np
import pytest
import torch
from PIL import Image

import reprise.data
from reprise.data import dataset_entry, fetch, listing, load_few_shot, mini_imagenet
from reprise.data.fewshot import EpisodeSampler, draw_probe, generator
from reprise.models.conv4 import Conv4Maml
from reprise.places import DataDamaged, DataMissing
from reprise.training.maml import InnerLoop, meta_gradients

SPLITS = {
    "train": ("n0111", "n0100", "n0122"),
    "val": ("n0200", "n0211"),
    "test": ("n0300", "n0311", "n0322"),
}
IMAGES = 6

# Ravi and Larochelle's split as public tools state it: the declared checksums rest on something one can read.
OFFICIAL = {
    "train": """
        n01532829 n01558993 n01704323 n01749939 n01770081 n01843383 n01910747 n02074367 n02089867 n02091831
        n02101006 n02105505 n02108089 n02108551 n02108915 n02111277 n02113712 n02120079 n02165456 n02457408
        n02606052 n02687172 n02747177 n02795169 n02823428 n02966193 n03017168 n03047690 n03062245 n03207743
        n03220513 n03337140 n03347037 n03400231 n03476684 n03527444 n03676483 n03838899 n03854065 n03888605
        n03908618 n03924679 n03998194 n04067472 n04243546 n04251144 n04258138 n04275548 n04296562 n04389033
        n04435653 n04443257 n04509417 n04515003 n04596742 n04604644 n04612504 n06794110 n07584110 n07697537
        n07747607 n09246464 n13054560 n13133613""",
    "val": """
        n01855672 n02091244 n02114548 n02138441 n02174001 n02950826 n02971356 n02981792 n03075370 n03417042
        n03535780 n03584254 n03770439 n03773504 n03980874 n09256479""",
    "test": """
        n01930112 n01981276 n02099601 n02110063 n02110341 n02116738 n02129165 n02219486 n02443484 n02871525
        n03127925 n03146219 n03272010 n03544143 n03775546 n04146614 n04149813 n04418357 n04522168
        n07613480""",
}


def _colour(label, number):
    """A colour that says which image this is; red, green and blue differ."""
    return 40 * int(label[2]) + 10 * int(label[4]), 30 * number + 20, 200 - 25 * number


def _jpeg(colour, size):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def _rows(labels, images=IMAGES):
    """Lines of a list, in no order."""
    rows = [(f"{label}{i:08d}.jpg", label) for label in labels for i in range(images)]
    return [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]


def _write_list(path, rows, header=("filename", "label")):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def _make(root, place=lambda folder, split, label: folder / "images", sizes=((84, 84), (100, 60))):
    """Write a small set in mini-ImageNet's layout; images have several sizes."""
    folder = root / "mini-imagenet"
    for split, labels in SPLITS.items():
        _write_list(folder / f"{split}.csv", _rows(labels))
        for i, (name, label) in enumerate(sorted(_rows(labels))):
            target = place(folder, split, label)
            target.mkdir(parents=True, exist_ok=True)
            number = int(name[-12:-4])
            (target / name).write_bytes(_jpeg(_colour(label, number), sizes[i % len(sizes)]))
    return folder


def _declared(root):
    """The registry's entry, with the lists below the root as the declared ones."""
    entry = dataset_entry("mini-imagenet")
    files = [
        dataclasses.replace(file, checksum=listing.digest(root / "mini-imagenet" / file.name))
        for file in entry.files
    ]
    return dataclasses.replace(entry, files=tuple(files))


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small set below the data root that the registry takes for the whole."""
    _make(tmp_path)
    entry = _declared(tmp_path)
    monkeypatch.setattr(reprise.data, "dataset_entry", lambda _name: entry)
    return tmp_path


def _expected(split):
    """The same images by an explicit loop: constant colours stay themselves whatever the resizing."""
    return np.array([[_colour(label, i) for i in range(IMAGES)] for label in sorted(SPLITS[split])])


def test_every_image_is_where_the_lists_say(small):
    splits = load_few_shot("mini-imagenet", small)
    for split, pool in zip(SPLITS, (splits.train, splits.validation, splits.test), strict=True):
        assert pool.names == tuple(sorted(SPLITS[split]))
        assert pool.images.shape == (len(pool), IMAGES, 84, 84, 3) and pool.images.dtype == np.uint8
        difference = pool.images.astype(int) - _expected(split)[:, :, None, None]
        assert np.abs(difference).max() <= 3  # JPEG


def test_images_by_split_and_label_give_the_same(small, tmp_path_factory):
    other = tmp_path_factory.mktemp("folders")
    folder = _make(other, lambda folder, split, label: folder / split / label)
    assert not (folder / "images").exists()
    paths = [folder / f"{split}.csv" for split in SPLITS]
    digests = {
        mini_imagenet.pixel_digest(s)
        for s in (load_few_shot("mini-imagenet", small), mini_imagenet.load(paths))
    }
    assert len(digests) == 1


def test_the_digest_of_pixels_follows_one_pixel_and_names(small):
    splits = load_few_shot("mini-imagenet", small)
    before = mini_imagenet.pixel_digest(splits)
    renamed = dataclasses.replace(splits.test, names=("a", *splits.test.names[1:]))
    assert mini_imagenet.pixel_digest(dataclasses.replace(splits, test=renamed)) != before
    splits.test.images[0, 0, 0, 0, 0] ^= 1
    assert mini_imagenet.pixel_digest(splits) != before


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_decoding_gives_84_pixels_in_colour(tmp_path, mode):
    y, x = np.mgrid[0:120, 0:200]
    image = Image.fromarray(np.stack([x, y, x // 2], 2).astype(np.uint8)).convert(mode)
    image.save(tmp_path / "a.jpg", quality=95)
    pixels = mini_imagenet.decode(tmp_path / "a.jpg").astype(int)
    assert pixels.shape == (84, 84, 3)
    # the whole picture, squeezed: from dark to bright, to the right more (200 pixels) than downwards (120)
    right, down = (pixels.mean(axes).reshape(7, 12).mean(1) for axes in ((0, 2), (1, 2)))
    assert (np.diff(right) > 0).all() and (np.diff(down) > 0).all() and np.ptp(right) > np.ptp(down)
    if mode == "L":
        assert (pixels == pixels[..., :1]).all()


def test_an_image_of_the_right_size_keeps_its_pixels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (84, 84, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (mini_imagenet.decode(tmp_path / "a.png") == pixels).all()


def test_the_declared_lists_are_those_of_ravi_and_larochelle(tmp_path):
    entry = dataset_entry("mini-imagenet")
    for split, labels in OFFICIAL.items():
        _write_list(tmp_path / "mini-imagenet" / f"{split}.csv", _rows(labels.split(), entry.drawings))
    counts = [len(labels.split()) for labels in OFFICIAL.values()]
    assert counts == list(entry.classes.values()) == [64, 16, 20]
    # The lists pass, and the 60 000 images that they name are asked for.
    with pytest.raises(DataMissing, match="60000 of 60000 images are missing.*n0153282900000000.jpg"):
        fetch.require(entry, tmp_path)


def test_the_entry_states_the_geometry_and_others_have_defaults():
    entry = dataset_entry("mini-imagenet")
    assert (entry.channels, entry.size) == (3, mini_imagenet.SIZE)
    assert (dataset_entry("omniglot").channels, dataset_entry("omniglot").size) == (1, 28)


def _refused(root, error, entry=None):
    """The message of what loading is refused with; it must name the synthetic stand-in."""
    with pytest.raises(error) as caught:
        fetch.require(entry or _declared(root), root)
    assert "--set dataset=glyphs" in str(caught.value)
    return str(caught.value)


def test_a_missing_list_is_named_with_its_place_and_how_to_make_the_set(tmp_path):
    folder = _make(tmp_path)
    entry = _declared(tmp_path)
    (folder / "val.csv").unlink()
    message = _refused(tmp_path, DataMissing, entry)
    assert "val.csv (from https://" in message and f"at {folder / 'val.csv'}" in message
    assert "ILSVRC-2012" in message and "train.csv" not in message
    assert "reprise data fetch" not in message  # it could not


def test_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch.urllib.request, "urlopen", lambda *_a, **_k: pytest.fail("downloaded"))
    with pytest.raises(DataMissing, match="no official archive"):
        fetch.require(dataset_entry("mini-imagenet"), tmp_path, download=True)


def test_missing_images_are_counted_and_the_first_is_named(tmp_path):
    folder = _make(tmp_path)
    for name in ("n010000000002.jpg", "n031100000000.jpg"):
        (folder / "images" / name).unlink()
    message = _refused(tmp_path, DataMissing)
    assert "2 of 48 images" in message
    assert str(folder / "images" / "n010000000002.jpg") in message
    assert str(folder / "train" / "n0100" / "n010000000002.jpg") in message


def test_a_class_in_two_splits_is_named(tmp_path):
    folder = _make(tmp_path)
    _write_list(folder / "test.csv", _rows((*SPLITS["test"], "n0211")))
    message = _refused(tmp_path, DataDamaged)
    assert "n0211" in message and str(folder / "val.csv") in message and str(folder / "test.csv") in message


def test_a_class_with_another_number_of_images_is_named(tmp_path):
    folder = _make(tmp_path)
    rows = [row for row in _rows(SPLITS["train"]) if row[0] != "n012200000003.jpg"]
    _write_list(folder / "train.csv", rows)
    message = _refused(tmp_path, DataDamaged)
    assert str(folder / "train.csv") in message and "n0122 has 5 images, the others have 6" in message


def test_an_image_that_stands_twice_is_named(tmp_path):
    folder = _make(tmp_path)
    rows = [
        ("n010000000001.jpg" if name == "n011100000001.jpg" else name, label)
        for name, label in _rows(SPLITS["train"])
    ]
    _write_list(folder / "train.csv", rows)
    message = _refused(tmp_path, DataDamaged)
    assert "n010000000001.jpg stands twice" in message and "n0100" in message and "n0111" in message


def test_other_columns_empty_fields_and_empty_lists_are_refused(tmp_path):
    folder = _make(tmp_path)
    entry = _declared(tmp_path)
    _write_list(folder / "val.csv", _rows(SPLITS["val"]), header=("image", "class"))
    assert "columns filename and label, not ['image', 'class']" in _refused(tmp_path, DataDamaged, entry)
    _write_list(folder / "val.csv", [("a.jpg", "n0200"), ("b.jpg", "")])
    assert f"{folder / 'val.csv'}, line 3" in _refused(tmp_path, DataDamaged, entry)
    _write_list(folder / "val.csv", [])
    assert "names no image" in _refused(tmp_path, DataDamaged, entry)


def test_another_split_is_refused(tmp_path):
    folder = _make(tmp_path)
    message = _refused(tmp_path, DataDamaged, dataset_entry("mini-imagenet"))
    assert f"{folder / 'train.csv'} is not the declared train.csv" in message


def test_a_broken_image_is_named(small):
    broken = small / "mini-imagenet" / "images" / "n030000000004.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    with pytest.raises(DataDamaged) as caught:
        load_few_shot("mini-imagenet", small)
    assert str(broken) in str(caught.value) and "--set dataset=glyphs" in str(caught.value)


def test_a_digest_follows_classes_and_counts_and_nothing_else(tmp_path):
    def digest(rows, newline="\n"):
        lines = ["filename,label", *(f"{name},{label}" for name, label in rows)]
        (tmp_path / "a.csv").write_text("".join(line + newline for line in lines), newline="")
        return listing.digest(tmp_path / "a.csv")

    rows = _rows(SPLITS["train"])
    assert digest(rows) == digest(sorted(rows)) == digest(rows, newline="\r\n")
    assert digest(rows) != digest(rows[1:]) != digest(_rows(SPLITS["val"]))


def test_episodes_probe_and_meta_training_work_in_colour(small):
    splits = load_few_shot("mini-imagenet", small)
    probe = draw_probe(splits.test, 2, 3, generator(1))
    assert probe.images.shape == (6, 3, 84, 84)
    for image, label, drawing in zip(probe.images, probe.classes, probe.drawings, strict=True):
        pixels = torch.from_numpy(splits.test.images[label, drawing]).permute(2, 0, 1)
        assert torch.equal((image * 255).round().byte(), pixels)

    sampler = EpisodeSampler(splits.train, ways=3, shots=1, queries=2)
    model = Conv4Maml(
        3, in_channels=3, filters=32, downsampling="pool", head_init="xavier", image_size=84,
        generator=generator(2),
    )  # fmt: skip
    assert model.head.in_features == 800
    parameters = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
    optimiser = torch.optim.Adam(parameters.values(), lr=1e-3)
    for iteration in range(2):
        episodes = sampler.sample(2, generator(3, iteration))
        assert episodes.support_x.shape == (2, 3, 3, 84, 84) and episodes.query_x.shape == (2, 6, 3, 84, 84)
        loss, _accuracy, gradients = meta_gradients(
            model, parameters, episodes, InnerLoop(rate=0.01, steps=2), chunk=2
        )
        assert torch.isfinite(loss)
        for name, parameter in parameters.items():
            assert torch.isfinite(gradients[name]).all()
            parameter.grad = gradients[name]
        optimiser.step()
    moved = [name for name, p in model.named_parameters() if not torch.equal(p, parameters[name])]
    assert {"blocks.0.0.weight", "blocks.3.0.weight", "head.weight"} <= set(moved)
