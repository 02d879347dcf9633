"""Pre-training tasks: NT-Xent against a loop, corruptions that corrupt, tasks that learn what they say."""

import math

import pytest
import torch
from torch.nn import functional as F

from reprise.data.fewshot import generator
from reprise.data.segmentation import IGNORE, presence
from reprise.data.shapes import shapes
from reprise.training.augmentation import Augmentation, draw
from reprise.training.pretext import (
    CORRUPTIONS,
    Architecture,
    Classification,
    Contrastive,
    ContrastiveReconstruction,
    Reconstruction,
    Segmentation,
    nt_xent,
)
from reprise.training.pretext.tasks import psnr, relative_error
from reprise.training.session import Session
from reprise.training.steps import Schedule, Steps

SMALL = Architecture("mobilenetv3_small_050", "unet", (16, 16, 8, 8, 8))
ALL = {"contrast": 1.0, **dict.fromkeys(CORRUPTIONS, 1.0)}


@pytest.fixture(scope="module")
def scenes():
    return shapes("source").train


@pytest.fixture(scope="module")
def crops(scenes):
    return draw(scenes, 16, 0, Augmentation(64), (0, 0))


def loop_nt_xent(first, second, temperature):
    """The loss as the paper writes it, view by view."""
    z = [*first.tolist(), *second.tolist()]
    n = len(first)

    def similarity(a, b):
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))

    total = 0.0
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        negatives = sum(math.exp(similarity(z[i], z[k]) / temperature) for k in range(2 * n) if k != i)
        total -= math.log(math.exp(similarity(z[i], z[partner]) / temperature) / negatives)
    return total / (2 * n)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("n", [2, 7])
def test_nt_xent_equals_an_explicit_loop(n, temperature):
    random = torch.Generator().manual_seed(n)
    first, second = (torch.randn(n, 5, generator=random, dtype=torch.float64) for _ in range(2))
    loss, _ = nt_xent(first, second, temperature)
    assert float(loss) == pytest.approx(loop_nt_xent(first, second, temperature), rel=1e-12)


def test_matching_views_have_a_smaller_loss_and_are_found():
    z = torch.eye(4, dtype=torch.float64)
    matched, share = nt_xent(z, z, 0.5)
    swapped, none = nt_xent(z, z.roll(1, 0), 0.5)
    assert float(share) == 1 and float(none) == 0 and matched < swapped


def test_contrast_refuses_what_has_no_negatives():
    z = torch.randn(3, 4)
    with pytest.raises(ValueError, match="at least 2"):
        nt_xent(z[:1], z[:1], 0.5)
    with pytest.raises(ValueError, match="temperature=0"):
        nt_xent(z, z, 0)
    with pytest.raises(ValueError, match="one shape"):
        nt_xent(z, z[:2], 0.5)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_corrupts_every_image_and_leaves_the_clean_one_alone(name, crops):
    clean = crops[0].float() / 255
    before = clean.clone()
    corrupted = CORRUPTIONS[name](clean, generator(1))
    assert torch.equal(clean, before)
    assert corrupted.shape == clean.shape and corrupted.min() >= 0 and corrupted.max() <= 1
    distances = (corrupted - clean).flatten(1).norm(dim=1)
    assert (distances > 0.1).all()
    again = CORRUPTIONS[name](clean, generator(1))
    assert torch.equal(corrupted, again)
    if name != "colour":
        assert not torch.equal(corrupted, CORRUPTIONS[name](clean, generator(2)))


def test_masking_hides_half_of_the_patches_and_nothing_else():
    clean = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    corrupted = CORRUPTIONS["mask"](clean, generator(0))
    changed = (corrupted != clean).any(1).view(3, 8, 8, 8, 8).permute(0, 1, 3, 2, 4).flatten(3)
    whole, none = changed.all(-1), ~changed.any(-1)
    assert (whole | none).all() and (whole.flatten(1).sum(1) == 32).all()


def test_removed_colour_keeps_brightness_and_only_that():
    clean = torch.rand(2, 3, 8, 8)
    grey = CORRUPTIONS["colour"](clean, generator(0))
    assert torch.allclose(grey[:, 0], grey[:, 1]) and torch.allclose(grey[:, 0], grey[:, 2])
    luma = (clean * torch.tensor([0.2989, 0.587, 0.114])[:, None, None]).sum(1)
    assert torch.allclose(grey[:, 0], luma, atol=2e-3)


def test_shuffling_moves_patches_and_keeps_every_pixel():
    clean = torch.arange(2 * 3 * 16 * 16).float().view(2, 3, 16, 16) / 1536
    shuffled = CORRUPTIONS["shuffle"](clean, generator(0))
    for a, b in zip(clean, shuffled, strict=True):
        assert torch.equal(a.flatten().sort().values, b.flatten().sort().values)
        patches = a.unfold(1, 4, 4).unfold(2, 4, 4).permute(1, 2, 0, 3, 4).reshape(16, -1)
        moved = b.unfold(1, 4, 4).unfold(2, 4, 4).permute(1, 2, 0, 3, 4).reshape(16, -1)
        places = [int((patches == patch).all(1).nonzero()) for patch in moved]
        assert sorted(places) == list(range(16)) and places != list(range(16))
    with pytest.raises(ValueError, match="18 × 16"):
        CORRUPTIONS["shuffle"](torch.rand(1, 3, 18, 16), generator(0))


def test_noise_and_blur_both_occur(crops):
    clean = crops[0].float() / 255
    corrupted = CORRUPTIONS["noise"](clean, generator(3))
    rough = lambda x: (x[..., 1:] - x[..., :-1]).square().mean((1, 2, 3))  # noqa: E731
    ratio = rough(corrupted) / rough(clean)
    assert (ratio < 1).any() and (ratio > 1).any()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_target_of_a_reconstruction_is_the_clean_image(name, crops):
    corrupted, target = Reconstruction(SMALL, name, (0,)).pair(crops[0], generator(0))
    assert torch.equal(target, crops[0].float() / 255) and not torch.equal(corrupted, target)


def test_several_reconstructions_share_the_images_and_their_targets_are_clean(crops):
    task = ContrastiveReconstruction(SMALL, 16, 0.5, ALL, (0,))
    pairs = task.pairs(crops[0], generator(0))
    assert [name for name, _, _ in pairs] == list(CORRUPTIONS)
    assert [len(clean) for _, _, clean in pairs] == [4, 4, 4, 4]
    clean = crops[0].float() / 255
    for i, (_, corrupted, target) in enumerate(pairs):
        assert torch.equal(target, clean[i::4]) and not torch.equal(corrupted, target)


def _gradients(task, crops):
    task.train()
    loss, _ = task.loss(*crops, generator(0))
    loss.backward()
    return {name for name, p in task.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}


@pytest.mark.parametrize("off", ["contrast", *CORRUPTIONS])
def test_each_term_can_be_switched_off(off, crops):
    task = ContrastiveReconstruction(SMALL, 16, 0.5, {**ALL, off: 0.0}, (0,))
    moved = _gradients(task, crops)
    assert any(name.startswith("projector") for name in moved) == (off != "contrast")
    kept = [name for name in CORRUPTIONS if name != off]
    assert task.corruptions == kept
    # The first one's decoder is the network's own, the one that is transferred.
    assert set(task.decoders) == set(kept[1:])
    assert any(name.startswith("network.decoder") for name in moved)
    for name in kept[1:]:
        assert any(parameter.startswith(f"decoders.{name}.") for parameter in moved)
    assert any(name.startswith("network.encoder") for name in moved)


def test_weights_scale_the_terms(crops):
    def value(**weights):
        task = ContrastiveReconstruction(SMALL, 16, 0.5, {**dict.fromkeys(ALL, 0.0), **weights}, (0,)).eval()
        return float(task.loss(crops[0], crops[1], generator(0))[0].detach())

    one, three = value(mask=1.0), value(mask=3.0)
    assert three == pytest.approx(3 * one, rel=1e-5)
    both = value(mask=1.0, contrast=2.0)
    contrast = Contrastive(SMALL, 16, 0.5, (0,)).eval().loss(crops[0], crops[1], generator(0))[0]
    assert both > one + 1.9 * float(contrast.detach())


def test_a_proposal_without_reconstructions_is_refused():
    with pytest.raises(ValueError, match="use pretext=contrastive"):
        ContrastiveReconstruction(SMALL, 16, 0.5, {"contrast": 1.0, "mask": 0.0}, (0,))
    with pytest.raises(ValueError, match="none may be below 0"):
        ContrastiveReconstruction(SMALL, 16, 0.5, {**ALL, "mask": -1.0}, (0,))


@pytest.mark.parametrize(
    "task",
    [
        Classification(SMALL, 6, (0,)),
        Segmentation(SMALL, 6, (0,)),
        Reconstruction(SMALL, "mask", (0,)),
        Contrastive(SMALL, 16, 0.5, (0,)),
    ],
    ids=lambda task: type(task).__name__,
)
def test_tasks_move_the_parts_that_they_say_they_train(task, crops):
    moved = _gradients(task, crops)
    for part in ("encoder", "decoder"):
        assert any(name.startswith(f"network.{part}") for name in moved) == (part in task.trained)
    assert task.score_name


def test_equal_keys_start_from_equal_networks():
    first, again, other = (Segmentation(SMALL, 6, key).network for key in ((0, 1), (0, 1), (0, 2)))
    contrast = Contrastive(SMALL, 16, 0.5, (0, 1)).network
    weight = lambda network: next(network.encoder.parameters())  # noqa: E731
    assert torch.equal(weight(first), weight(again)) and not torch.equal(weight(first), weight(other))
    assert torch.equal(weight(first), weight(contrast))


def test_classification_and_segmentation_differ_in_nothing_but_the_label(crops):
    images, masks = crops
    task = Classification(SMALL, 6, (0,)).eval()
    loss, _ = task.loss(images, masks, generator(0))
    with torch.no_grad():
        logits = task.head(task.pooled((images.float() / 255 - _MEAN) / _SPREAD))
    expected = F.binary_cross_entropy_with_logits(logits, presence(masks, 6))
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
_SPREAD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def test_a_batch_with_nothing_labelled_gives_a_finite_loss(crops):
    images = crops[0]
    masks = torch.full_like(crops[1], IGNORE)
    for task in (Segmentation(SMALL, 6, (0,)), Classification(SMALL, 6, (0,))):
        loss, _ = task.loss(images, masks, generator(0))
        loss.backward()
        assert torch.isfinite(loss)


def test_relative_error_is_one_for_the_mean_and_psnr_is_known():
    clean = torch.rand(4, 3, 16, 16)
    assert float(relative_error(clean.mean().expand_as(clean), clean)) == pytest.approx(1, rel=1e-4)
    assert float(relative_error(clean, clean)) == 0
    assert psnr((clean * 0.5 + 0.1), clean * 0.5) == pytest.approx(20, abs=1e-3)


def _run(learner):
    Session([], learner.schedule.steps).run(learner)
    return learner.history


def _learn(task, scenes, steps, rate=3e-3):
    def loss(step):
        return task.loss(*draw(scenes, 16, step, Augmentation(32), (0, 0)), generator(0, 1, step))

    return _run(Steps(task, loss, Schedule(steps, rate), (0, 2)))["score"]


def test_reconstruction_alone_learns(scenes):
    scores = _learn(Reconstruction(SMALL, "mask", (0,)), scenes, 60)
    assert sum(scores[-10:]) / 10 > sum(scores[:5]) / 5 + 4  # dB


def test_contrast_learns_to_match_views(crops):
    task = Contrastive(SMALL, 32, 0.2, (0,))
    fixed = lambda _step: task.loss(crops[0], crops[1], generator(0))  # noqa: E731
    history = _run(Steps(task, fixed, Schedule(30, 3e-3), (0, 2)))
    assert history["score"][-1] > 0.5 > 0.2 > history["score"][0]  # chance is 1 in 31
    assert history["loss"][-1] < 0.7 * history["loss"][0]
