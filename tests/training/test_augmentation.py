"""Crops: image and mask move together, chance is named, small pictures are padded and ignored."""

import pytest
import torch

from reprise.data.fewshot import generator
from reprise.data.segmentation import IGNORE, SegmentationSet
from reprise.training.augmentation import MEAN, SPREAD, Augmentation, draw, jittered, normalise, view


def _pair(height, width):
    """A picture that shows its own mask: red is 20 times the class id, in blocks of 8 pixels."""
    ids = torch.arange((height // 8) * (width // 8)) % 12
    mask = ids.view(height // 8, width // 8).repeat_interleave(8, 0).repeat_interleave(8, 1)
    image = torch.stack([mask * 20, torch.zeros_like(mask), torch.full_like(mask, 90)])
    return image.to(torch.uint8), mask.to(torch.uint8)


@pytest.mark.parametrize("turns", [False, True])
@pytest.mark.parametrize("zoom", [(1.0, 1.0), (0.7, 1.6)])
def test_image_and_mask_move_together(zoom, turns):
    image, mask = _pair(96, 128)
    augment = Augmentation(48, zoom=zoom, turns=turns, jitter=0.0)
    seen = set()
    for i in range(20):
        picture, classes = augment(image, mask, generator(i))
        assert picture.shape == (3, 48, 48) and classes.shape == (48, 48)
        assert picture.dtype == classes.dtype == torch.uint8
        # Only at the edges of blocks does interpolation mix colours.
        agree = (picture[0].float() / 20 - classes.float()).abs() < 0.5
        assert agree.float().mean() > 0.6
        assert set(classes.unique().tolist()) <= set(range(12))
        seen.add(classes.numpy().tobytes())
    assert len(seen) > 15
    again = augment(image, mask, generator(3))
    assert all(torch.equal(a, b) for a, b in zip(again, augment(image, mask, generator(3)), strict=True))


@pytest.mark.parametrize("turns", [False, True])
@pytest.mark.parametrize("jitter", [0.0, 0.3])
def test_a_batch_at_once_is_that_of_crops_one_by_one(turns, jitter):
    random = torch.Generator().manual_seed(0)
    pairs = []
    for i in range(24):  # of several sizes, some smaller than a crop
        height, width = 40 + 7 * (i % 5), 150 - 11 * (i % 7)
        soft = torch.rand(1, 3, height // 6 + 1, width // 6 + 1, generator=random)
        image = torch.nn.functional.interpolate(soft, (height, width), mode="bilinear")[0]
        mask = torch.randint(0, 9, (height, width), generator=random)
        pairs.append(((image * 255).to(torch.uint8), mask.to(torch.uint8)))
    augment = Augmentation(64, turns=turns, jitter=jitter)
    images, masks = augment.batch(pairs, generator(5))
    chance = generator(5)
    singly = [augment(image, mask, chance) for image, mask in pairs]
    assert torch.equal(masks, torch.stack([mask for _, mask in singly]))
    gaps = (images.int() - torch.stack([image for image, _ in singly]).int()).abs()
    assert int(gaps.max()) <= (5 if jitter else 1) and float(gaps.float().mean()) < 0.5
    assert (masks == IGNORE).any() and images.dtype == torch.uint8


def test_colours_change_and_masks_do_not():
    image, mask = _pair(48, 48)
    still, moving = (Augmentation(48, zoom=(1, 1), flips=False, jitter=j) for j in (0.0, 0.3))
    a, b = still(image, mask, generator(0)), moving(image, mask, generator(0))
    assert torch.equal(a[0], image) and torch.equal(a[1], mask)
    assert not torch.equal(b[0], image) and torch.equal(b[1], mask)
    assert torch.equal(jittered(image, 0.0, generator(0)), image)


def test_what_lies_beyond_a_small_picture_is_ignored():
    image, mask = _pair(16, 40)
    picture, classes = Augmentation(32, zoom=(1, 1), flips=False, jitter=0)(image, mask, generator(0))
    assert (classes[16:] == IGNORE).all() and (classes[:16] != IGNORE).all()
    assert (picture[:, 16:] == 0).all()


def test_batches_drawn_at_once_are_of_the_same_pictures():
    data = _numbered(5)
    augment = Augmentation(32, zoom=(1, 1), jitter=0)
    for step in range(3):
        a, b = (draw(data, 4, step, augment, (1,), at_once) for at_once in (False, True))
        assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])


def _numbered(count):
    images = tuple(torch.full((3, 32, 32), i, dtype=torch.uint8) for i in range(count))
    masks = tuple(torch.zeros(32, 32, dtype=torch.uint8) for _ in range(count))
    return SegmentationSet(images, masks, ("a", "b"), tuple(map(str, range(count))))


def test_batches_go_through_the_pictures_pass_by_pass():
    data, plain = _numbered(10), Augmentation(32, zoom=(1, 1), flips=False, jitter=0)
    drawn = [draw(data, 4, step, plain, (0,))[0][:, 0, 0, 0].tolist() for step in range(5)]
    numbers = [i for batch in drawn for i in batch]
    assert sorted(numbers[:10]) == sorted(numbers[10:]) == list(range(10))
    assert numbers[:10] != numbers[10:]
    other = draw(data, 4, 0, plain, (1,))[0][:, 0, 0, 0].tolist()
    assert other != drawn[0]
    few = draw(_numbered(2), 5, 0, plain, (0,))[0]
    assert len(few) == 5 and set(few[:, 0, 0, 0].tolist()) == {0, 1}


def test_views_differ_from_each_other_and_come_from_their_name():
    image = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    random = generator(0)
    first, second = view(image, random), view(image, random)
    assert first.shape == image.shape and first.dtype == torch.uint8
    assert not torch.equal(first, second)
    assert torch.equal(first, view(image, generator(0)))


def test_normalisation_is_imagenets_for_bytes_and_floats():
    image = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    expected = (image.double() / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(SPREAD)[
        :, None, None
    ]
    assert torch.allclose(normalise(image).double(), expected, atol=1e-5)
    assert torch.allclose(normalise(image.float() / 255), normalise(image))
