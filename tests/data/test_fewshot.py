"""Episodes, probes and the synthetic glyphs."""

import numpy as np
import pytest
import torch

from reprise.data.fewshot import (
    ClassPool,
    EpisodeSampler,
    draw_probe,
    generator,
    query_probe,
    to_channels_first,
)
from reprise.data.synthetic import glyphs


@pytest.fixture(scope="module")
def numbered():
    """A pool in which every image says which it is: 20 · class + drawing, spread over two pixels."""
    index = np.arange(30 * 20).reshape(30, 20)
    images = np.zeros((30, 20, 28, 28), np.uint8)
    images[..., 0, 0], images[..., 0, 1] = index // 256, index % 256
    return ClassPool(images, tuple(f"a/{i}" for i in range(30)))


def _index(images):
    pixels = (images[..., 0, 0, :2] * 255).round().long()
    return pixels[..., 0] * 256 + pixels[..., 1]


def test_support_and_query_are_disjoint_and_labels_belong_to_classes(numbered):
    episodes = EpisodeSampler(numbered, ways=5, shots=3, queries=4).sample(200, generator(0))
    support, query = _index(episodes.support_x), _index(episodes.query_x)
    for task in range(200):
        assert not set(support[task].tolist()) & set(query[task].tolist())
        assert len(set(support[task].tolist())) == 15 and len(set(query[task].tolist())) == 20
        assert len(set(episodes.classes[task].tolist())) == 5
        for images, labels in ((support, episodes.support_y), (query, episodes.query_y)):
            assert torch.equal(images[task] // 20, episodes.classes[task][labels[task]])


def test_every_class_and_drawing_is_drawn_about_equally_often(numbered):
    episodes = EpisodeSampler(numbered, ways=5, shots=1, queries=1).sample(6000, generator(1))
    counts = np.bincount(_index(episodes.support_x).ravel().numpy(), minlength=600)
    # 30 000 draws over 600 images: 50 each, standard deviation about 7
    assert counts.min() > 15 and counts.max() < 90


def test_equal_keys_give_equal_tasks_and_others_do_not(numbered):
    sampler = EpisodeSampler(numbered, 5, 1, 1)
    first, again, other = (sampler.sample(4, generator(*key)) for key in ((3, 1), (3, 1), (3, 2)))
    assert torch.equal(first.support_x, again.support_x) and torch.equal(first.query_y, again.query_y)
    assert not torch.equal(first.support_x, other.support_x)


def test_more_than_there_is_is_refused(numbered):
    with pytest.raises(ValueError, match="31 ways.*30 classes"):
        EpisodeSampler(numbered, 31, 1, 1)
    with pytest.raises(ValueError, match="only 20 images"):
        EpisodeSampler(numbered, 5, 10, 11)
    with pytest.raises(ValueError, match="30 classes"):
        draw_probe(numbered, 31, 1, generator(0))


def test_a_probe_is_constant_for_its_key_and_names_its_stimuli(numbered):
    probe, again = (draw_probe(numbered, 5, 10, generator(7)) for _ in range(2))
    assert torch.equal(probe.images, again.images)
    assert (_index(probe.images).numpy() == probe.classes * 20 + probe.drawings).all()
    assert [numbered.names[c] for c in probe.classes] == list(probe.names)
    assert len(set(zip(probe.classes, probe.drawings, strict=True))) == 50
    other = draw_probe(numbered, 5, 10, generator(8))
    assert not torch.equal(probe.images, other.images)


@pytest.mark.parametrize(("ways", "queries"), [(5, 4), (3, 1), (7, 10)])
def test_a_query_probe_is_the_first_tasks_query_set_and_knows_its_drawings(numbered, ways, queries):
    tasks = EpisodeSampler(numbered, ways, 2, queries).sample(3, generator(9))
    probe = query_probe(tasks, numbered)
    assert torch.equal(probe.images, tasks.query_x[0]) and len(probe.images) == ways * queries
    # The pictures themselves say which they are.
    assert (_index(probe.images).numpy() == probe.classes * 20 + probe.drawings).all()
    assert probe.classes.tolist() == tasks.classes[0][tasks.query_y[0]].tolist()
    assert list(probe.names) == [numbered.names[label] for label in probe.classes]
    assert not set(_index(probe.images).tolist()) & set(_index(tasks.support_x[0]).tolist())


def test_a_query_probe_of_photographs_has_its_channels_first():
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 10, 10, 3), dtype=np.uint8)
    pool = ClassPool(images, tuple("abcdef"))
    probe = query_probe(EpisodeSampler(pool, 4, 1, 3).sample(2, generator(1)), pool)
    assert probe.images.shape == (12, 3, 10, 10)
    for image, label, drawing in zip(probe.images, probe.classes, probe.drawings, strict=True):
        shown = (image.permute(1, 2, 0) * 255).round().byte().numpy()
        assert (shown == images[label, drawing]).all()


def test_some_of_the_tasks_are_those_tasks(numbered):
    episodes = EpisodeSampler(numbered, 5, 2, 3).sample(6, generator(4))
    some = episodes[2:5]
    for name in ("support_x", "support_y", "query_x", "query_y", "classes"):
        assert torch.equal(getattr(some, name), getattr(episodes, name)[[2, 3, 4]])


def test_a_pool_without_the_probes_classes_has_none_of_them(numbered):
    probe = draw_probe(numbered, 5, 10, generator(7))
    rest = numbered.without(np.unique(probe.classes))
    assert len(rest) == 25 and not set(rest.names) & set(probe.names)


def test_rotations_are_new_classes_with_turned_images(numbered):
    turned = numbered.rotated()
    assert len(turned) == 120 and len(set(turned.names)) == 120
    assert (turned.images[30 + 4] == np.rot90(numbered.images[4], axes=(1, 2))).all()


def test_channels_come_first():
    assert to_channels_first(np.zeros((2, 3, 5, 6, 3), np.uint8)).shape == (2, 3, 3, 5, 6)
    assert to_channels_first(np.zeros((2, 3, 5, 6), np.uint8)).shape == (2, 3, 1, 5, 6)


def test_glyphs_are_reproducible_and_tell_classes_apart():
    splits, again, other = glyphs(), glyphs(), glyphs(seed=1)
    assert (splits.test.images == again.test.images).all()
    assert not (splits.test.images == other.test.images).all()
    names = [*splits.train.names, *splits.validation.names, *splits.test.names]
    assert len(names) == len(set(names)) == 120
    x = splits.test.images.astype(float).reshape(36, 20, -1)
    assert (x.max(-1) > 100).all()  # no drawing is empty
    within = ((x - x.mean(1, keepdims=True)) ** 2).sum(-1).mean()
    between = ((x.mean(1) - x.mean((0, 1))) ** 2).sum(-1).mean()
    assert between > within / 3
