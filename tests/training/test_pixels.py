"""Loss, prediction and quality of segmentation against loops and libraries."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reprise.data.segmentation import IGNORE, SegmentationSet
from reprise.models.unet import build
from reprise.training.pixel_loss import pixel_loss, pixel_loss_at_once
from reprise.training.pixels import (
    QualityMeter,
    batches,
    contour,
    evaluate,
    predict,
    reestimate,
)  # fmt: skip


def _masks(seed=0, classes=4, shape=(3, 24, 20), ignored=0.1):
    random = np.random.default_rng(seed)
    masks = random.integers(0, classes, shape)
    masks[random.random(shape) < ignored] = IGNORE
    return torch.as_tensor(masks, dtype=torch.uint8)


def test_the_loss_equals_a_loop_over_labelled_pixels():
    masks = _masks(classes=3)
    masks[masks == 2] = 1  # class 2 has no pixel: the Dice loss leaves it out
    logits = torch.randn(3, 3, 24, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    p = logits.softmax(1).numpy()
    entropy, hits, found, true = [], np.zeros(3), np.zeros(3), np.zeros(3)
    for n, y, x in np.argwhere(masks.numpy() != IGNORE):
        k = int(masks[n, y, x])
        entropy.append(-np.log(p[n, k, y, x]))
        hits[k] += p[n, k, y, x]
        found += p[n, :, y, x]
        true[k] += 1
    dice = (2 * hits / (found + true))[:2].mean()
    assert float(pixel_loss(logits, masks)) == pytest.approx(np.mean(entropy) + 1 - dice, rel=1e-9)


@pytest.mark.parametrize("ignored", [0.0, 0.3, 1.0])
def test_the_loss_at_once_equals_the_other_with_its_gradient(ignored):
    masks = _masks(classes=3, ignored=ignored)
    masks[masks == 2] = 1
    given = torch.randn(3, 3, 24, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    values, gradients = [], []
    for loss in (pixel_loss, pixel_loss_at_once):
        logits = given.clone().contiguous(memory_format=torch.channels_last).requires_grad_()
        value = loss(logits, masks)
        value.backward()
        values.append(float(value.detach()))
        gradients.append(logits.grad)
    assert values[0] == pytest.approx(values[1], rel=1e-12, abs=1e-12)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-14)


def test_ignored_pixels_get_no_gradient():
    masks = _masks()
    logits = torch.randn(3, 4, 24, 20, requires_grad=True)
    pixel_loss(logits, masks).backward()
    assert logits.grad is not None
    size = logits.grad.abs().sum(1)
    assert size[masks == IGNORE].max() == 0 and size[masks != IGNORE].min() > 0


def test_a_batch_with_nothing_labelled_costs_nothing_and_moves_nothing():
    logits = torch.randn(2, 3, 8, 8, requires_grad=True)
    loss = pixel_loss(logits, torch.full((2, 8, 8), IGNORE, dtype=torch.uint8))
    loss.backward()
    assert float(loss.detach()) == 0 and logits.grad is not None and logits.grad.abs().max() == 0


def test_masks_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 8, 9\) do not belong to logits \(2, 3, 8, 8\)"):
        pixel_loss(torch.zeros(2, 3, 8, 8), torch.zeros(2, 8, 9, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"\(2, 8, 9\) do not belong to logits \(2, 3, 8, 8\)"):
        pixel_loss_at_once(torch.zeros(2, 3, 8, 8), torch.zeros(2, 8, 9, dtype=torch.uint8))
    with pytest.raises(ValueError, match="do not belong to predictions"):
        QualityMeter(3).update(torch.zeros(2, 8, 8), torch.zeros(2, 8, 9, dtype=torch.uint8))


def test_iou_and_dice_equal_set_arithmetic_and_torchmetrics():
    from torchmetrics.classification import MulticlassF1Score, MulticlassJaccardIndex

    masks, predicted = _masks(1), _masks(2, ignored=0).long()
    meter = QualityMeter(4)
    for i in range(3):  # in parts, as over a set
        meter.update(predicted[i : i + 1], masks[i : i + 1])
    quality = meter.compute()
    labelled = masks != IGNORE
    for k in range(4):
        found, true = (predicted == k) & labelled, masks == k
        both = int((found & true).sum())
        assert quality.iou[k] == pytest.approx(both / int((found | true).sum()))
        assert quality.dice[k] == pytest.approx(2 * both / int(found.sum() + true.sum()))
    options = {"num_classes": 4, "ignore_index": IGNORE, "average": "none"}
    assert quality.iou == pytest.approx(
        MulticlassJaccardIndex(**options)(predicted, masks.long()).numpy(), rel=1e-5
    )
    assert quality.dice == pytest.approx(
        MulticlassF1Score(**options)(predicted, masks.long()).numpy(), rel=1e-5
    )
    assert quality.miou == pytest.approx(quality.iou.mean())


def test_classes_that_do_not_occur_are_left_out_and_invented_ones_count_as_wrong():
    meter = QualityMeter(4)
    truth = torch.zeros(1, 4, 4, dtype=torch.uint8)  # a target of one class
    predicted = torch.zeros(1, 4, 4, dtype=torch.long)
    meter.update(predicted, truth)
    quality = meter.compute()
    assert quality.iou[0] == 1 and np.isnan(quality.iou[1:]).all() and quality.miou == 1
    predicted[0, 0] = 2
    meter.update(predicted, truth)
    quality = meter.compute()
    assert quality.iou[2] == 0 and quality.miou == pytest.approx((28 / 32 + 0) / 2)


def test_a_perfect_and_an_ignored_prediction():
    masks = _masks(3)
    meter = QualityMeter(4)
    meter.update(masks.long().clamp(max=3), masks)
    meter.update(torch.zeros(1, 4, 4, dtype=torch.long), torch.full((1, 4, 4), IGNORE, dtype=torch.uint8))
    quality = meter.compute()
    assert quality.miou == quality.mean_dice == 1 and quality.mean_boundary > 0.8


def loop_contour(inside, width):
    """Pixels of a region with a pixel of the outside within a square around them."""
    found = np.zeros_like(inside)
    for y, x in np.argwhere(inside):
        window = inside[max(0, y - width) : y + width + 1, max(0, x - width) : x + width + 1]
        found[y, x] = not window.all()
    return found


@pytest.mark.parametrize("width", [1, 2])
def test_contours_equal_a_loop_and_the_pictures_edge_is_none(width):
    random = np.random.default_rng(0)
    inside = F.interpolate(torch.as_tensor(random.random((2, 1, 6, 5))), scale_factor=4)[:, 0] > 0.5
    found = contour(inside.long(), width)
    for a, b in zip(inside.numpy(), found.numpy(), strict=True):
        assert (loop_contour(a, width) == (b & a)).all() and (loop_contour(~a, width) == (b & ~a)).all()
    assert not contour(torch.ones(1, 9, 9, dtype=torch.uint8)).any()


def test_boundary_quality_equals_a_loop_and_sees_only_boundaries():
    random = np.random.default_rng(1)
    draw = lambda: F.interpolate(  # noqa: E731
        torch.as_tensor(random.integers(0, 3, (2, 1, 5, 6))).double(), scale_factor=5
    )[:, 0].long()
    masks, predicted = draw(), draw()
    masks[:, :4, :7] = IGNORE
    meter = QualityMeter(3)
    meter.update(predicted, masks)
    both, either = np.zeros(3), np.zeros(3)
    for k in range(3):
        for truth, guess in zip(masks.numpy(), predicted.numpy(), strict=True):
            a, b = (loop_contour(x == k, 2) & (truth != IGNORE) for x in (truth, guess))
            both[k] += (a & b).sum()
            either[k] += (a | b).sum()
    assert meter.compute().boundary == pytest.approx(both / either)
    blob = torch.zeros(1, 30, 30, dtype=torch.long)
    blob[0, 5:25, 5:25] = 1
    wider = F.max_pool2d(blob[None].float(), 3, 1, 1)[0].long()
    meter = QualityMeter(2)
    meter.update(wider, blob)
    quality = meter.compute()
    assert quality.mean_boundary < quality.miou - 0.2


@pytest.fixture(scope="module")
def network():
    return build(3, "mobilenetv3_small_050", decoder_channels=(16, 16, 8, 8, 8)).eval()


@pytest.mark.parametrize("size", [(64, 64), (50, 75), (33, 20), (7, 9)])
def test_pictures_of_any_size_are_segmented_pixel_by_pixel(network, size):
    images = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8)
    predicted = predict(network, images)
    assert predicted.shape == (2, *size) and predicted.dtype == torch.long
    assert torch.equal(predicted[:1], predict(network, images[:1]))


def test_sets_of_mixed_sizes_are_judged_as_one_by_one(network):
    random = torch.Generator().manual_seed(0)
    sizes = [(40, 48), (64, 32), (40, 48), (33, 47), (40, 48)]
    images = tuple(torch.randint(0, 256, (3, *s), dtype=torch.uint8, generator=random) for s in sizes)
    masks = tuple(torch.randint(0, 3, s, dtype=torch.uint8, generator=random) for s in sizes)
    data = SegmentationSet(images, masks, ("a", "b", "c"), tuple("vwxyz"))
    assert sorted(len(batch) for batch, _ in batches(data)) == [1, 1, 3]
    meter = QualityMeter(3)
    for image, mask in zip(images, masks, strict=True):
        meter.update(predict(network, image[None]), mask[None])
    one, together = meter.compute(), evaluate(network, data)
    assert one.iou == pytest.approx(together.iou) and one.boundary == pytest.approx(together.boundary)
    assert np.isnan(evaluate(network, data, boundaries=False).boundary).all()


def test_statistics_taken_anew_are_means_over_the_batches_and_frozen_parts_keep_theirs():
    batches_ = [
        torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(i))
        for i in range(3)
    ]
    network = build(3, "mobilenetv3_small_050", decoder_channels=(16, 16, 8, 8, 8), seed=0)
    first = next(m for m in network.encoder.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert first.running_mean is not None and first.running_var is not None
    inputs = []
    handle = first.register_forward_pre_hook(lambda _m, given: inputs.append(given[0].detach()))
    first.running_mean.fill_(7.0)
    momentum = first.momentum
    reestimate(network, batches_)
    handle.remove()
    assert first.running_mean.numpy() == pytest.approx(
        np.mean([x.mean((0, 2, 3)).numpy() for x in inputs], axis=0), abs=1e-5
    )
    assert first.running_var.numpy() == pytest.approx(
        np.mean([x.var((0, 2, 3)).numpy() for x in inputs], axis=0), rel=1e-4
    )
    assert first.momentum == momentum and not any(m.training for m in network.modules())
    network.freeze(["encoder"])
    first.running_mean.fill_(7.0)
    reestimate(network, batches_)
    assert (first.running_mean == 7).all()
