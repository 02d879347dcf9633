"""Hard input: a clear error, or NaN with a warning that names the row; never a wrong number."""

import numpy as np
import pytest
import torch

from reprise import similarity

rng = np.random.default_rng(0)
GOOD = rng.normal(size=(12, 6))
ONE = list(similarity.MEASURES)


@pytest.mark.parametrize("name", ONE)
def test_every_measure_refuses_bad_input(name):
    measure = similarity.measure(name)
    with pytest.raises(ValueError, match="at least 3 are needed"):
        measure(GOOD[:2], GOOD[:2])
    with pytest.raises(ValueError, match="no features"):
        measure(GOOD, GOOD[:, :0])
    with pytest.raises(ValueError, match="different"):
        measure(GOOD, GOOD[:-1])
    with pytest.raises(ValueError, match="shape"):
        measure(GOOD[:, 0], GOOD)
    for bad in (np.nan, np.inf, -np.inf):
        wrong = GOOD.copy()
        wrong[7, 2] = bad
        for pair in ((wrong, GOOD), (GOOD, wrong)):
            with pytest.raises(ValueError, match="NaN or Inf in stimulus row 7"):
                measure(*pair)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("name", ONE)
def test_every_measure_is_nan_where_all_stimuli_are_alike(name, wide):
    flat = np.tile(rng.normal(size=(1, 40 if wide else 4)), (12, 1))
    other = rng.normal(size=(12, 40)) if wide else GOOD
    with pytest.warns(similarity.UndefinedWarning):
        assert np.isnan(similarity.measure(name)(flat, other))
    with pytest.warns(similarity.UndefinedWarning):
        assert np.isnan(similarity.measure(name)(other, flat))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, bool, np.float16, np.float32])
@pytest.mark.parametrize("name", ONE)
def test_integers_and_half_precision(name, kind):
    x = (rng.random((20, 5)) * 100).astype(kind)
    y = (rng.random((20, 4)) * 100).astype(kind) if kind is not bool else rng.random((20, 4)) > 0.5
    if kind is bool:
        x = rng.random((20, 5)) > 0.4
    measure = similarity.measure(name)
    wide = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(all="raise"):
        if name.startswith("rsa") and kind is bool:
            x[:, 0], x[:, 1] = True, False  # no constant rows
            y[:, 0], y[:, 1] = True, False
            wide = x.astype(np.float64), y.astype(np.float64)
            assert measure(x, y) == pytest.approx(measure(*wide), abs=1e-6)
        else:
            assert measure(x, y) == pytest.approx(measure(*wide), abs=2e-5)


@pytest.mark.parametrize("name", ONE)
def test_torch_and_views(name):
    x, y = rng.normal(size=(20, 2, 3)), rng.normal(size=(20, 5))
    measure = similarity.measure(name)
    expected = measure(x, y)
    tensor = torch.tensor(x, requires_grad=True)
    assert measure(tensor, torch.tensor(y)) == expected
    channels_last = torch.tensor(x[..., None]).to(memory_format=torch.channels_last)
    assert measure(channels_last, y) == pytest.approx(expected, abs=1e-9)
    assert measure(np.repeat(x, 2, axis=0)[::2], np.asfortranarray(y)) == pytest.approx(expected, abs=1e-9)
    half = torch.tensor(x).to(torch.bfloat16)
    assert measure(half, y) == pytest.approx(measure(half.double(), y), abs=2e-5)


@pytest.mark.gpu
@pytest.mark.parametrize("name", ONE)
def test_cuda_tensors(name):
    x, y = rng.normal(size=(20, 6)), rng.normal(size=(20, 5))
    measure = similarity.measure(name)
    assert measure(torch.tensor(x, device="cuda"), torch.tensor(y, device="cuda")) == measure(x, y)


def test_other_types_are_refused():
    for wrong in (GOOD.astype(complex), GOOD.astype(str), np.ma.masked_greater(GOOD, 0.5)):
        with pytest.raises(ValueError, match=r"x (must be real|has masked)"):
            similarity.rdm(wrong)


@pytest.mark.parametrize(("distance", "value"), [("correlation", 2.5), ("spearman", -1.0), ("cosine", 0.0)])
def test_undefined_rows_are_named(distance, value):
    x = GOOD.copy()
    x[[3, 8]] = value
    with pytest.warns(similarity.UndefinedWarning, match="rows 3, 8 ") as caught:
        v = similarity.rdm(x, distance)
    assert caught[0].filename == __file__
    missing = np.isnan(similarity.square(v))
    np.fill_diagonal(missing, False)
    assert missing[[3, 8]].sum() == 2 * 11
    assert missing.sum() == 2 * 2 * 11 - 2
    with pytest.warns(similarity.UndefinedWarning, match="RDM row 0 "):
        assert np.isnan(similarity.compare(v, similarity.rdm(GOOD)))


def test_constant_rows_are_found_despite_rounding():
    x = GOOD.copy()
    x[5] = 0.1  # its mean is not exactly 0.1
    for kind in (np.float64, np.float32):
        with pytest.warns(similarity.UndefinedWarning, match="row 5 "):
            similarity.rdm(x.astype(kind))


def test_nothing_warns_for_constant_rows_where_they_are_defined(recwarn):
    x = GOOD.copy()
    x[5] = 1.0
    assert np.isfinite(similarity.rdm(x, "euclidean")).all()
    assert np.isfinite(similarity.rdm(x, "cosine")).all()
    assert not recwarn.list


def test_equidistant_stimuli_have_no_debiased_cka():
    with pytest.warns(similarity.UndefinedWarning, match="no structure"):
        assert np.isnan(similarity.cka(np.eye(12), GOOD, debiased=True))
