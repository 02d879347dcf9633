"""CKA against its definition, written out, and against torch-free independent formulas."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import rbf_kernel

from reprise import similarity
from reprise.similarity.covariance import features_cheaper
from reprise.similarity.gram import gram_to_centre

SHAPES = [((20, 50), (20, 30)), ((200, 6), (200, 9)), ((10, 4000), (10, 7)), ((4, 3), (4, 2))]
EXACT = {np.float64: 1e-10, np.float32: 1e-5}


def pair(shapes, kind=np.float64, seed=0, offset=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shapes[0])
    y = rng.normal(size=shapes[1])
    y[:, : min(shapes[0][1], shapes[1][1])] += x[:, : shapes[1][1]]
    return (x + offset).astype(kind), (y - 2 * offset).astype(kind)


def by_definition(k, m):
    n = len(k)
    h = np.eye(n) - 1 / n
    hsic = lambda a, b: np.trace(h @ a @ h @ b)  # noqa: E731
    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


def song(k, m):
    """The unbiased estimator, term by term."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    value = np.trace(k @ m) + k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * k.sum(0) @ m.sum(0)
    return value / (n * (n - 3))


def unbiased(k, m):
    return song(k, m) / np.sqrt(song(k, k) * song(m, m))


def linear(x):
    x = x.astype(np.float64)
    x = x - x.mean(0)  # the definition's own digits
    return x @ x.T


def gaussian(x, bandwidth=None):
    x = x.astype(np.float64)
    squared = ((x[:, None] - x[None]) ** 2).sum(-1)
    variance = np.median(squared[squared > 0]) if bandwidth is None else bandwidth**2
    return rbf_kernel(x, gamma=1 / (2 * variance))


@pytest.mark.parametrize("offset", [0.0, 30.0])
@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("shapes", SHAPES)
def test_equals_the_definition(shapes, kind, offset):
    x, y = pair(shapes, kind, offset=offset)
    close: dict[str, Any] = {"abs": EXACT[kind]}
    assert similarity.cka(x, y) == pytest.approx(by_definition(linear(x), linear(y)), **close)
    assert similarity.cka(x, y, "rbf") == pytest.approx(by_definition(gaussian(x), gaussian(y)), **close)
    if len(x) > 4:
        assert similarity.cka(x, y, debiased=True) == pytest.approx(unbiased(linear(x), linear(y)), **close)
        expected = unbiased(gaussian(x), gaussian(y))
        assert similarity.cka(x, y, "rbf", debiased=True) == pytest.approx(expected, **close)
        wide = 2 * np.sqrt(x.shape[1])
        expected = by_definition(gaussian(x, wide), gaussian(x[:, :5], wide))
        assert similarity.cka(x, x[:, :5], "rbf", bandwidth=wide) == pytest.approx(expected, **close)


@pytest.mark.parametrize("shapes", SHAPES[:3])
def test_from_grams(shapes):
    x, y = pair(shapes)
    rbf = {"kernel": "rbf"}
    cases: list[dict[str, Any]] = [{}, {"debiased": True}, rbf, {**rbf, "bandwidth": 4.0}]
    for options in cases:
        expected = similarity.cka(x, y, **options)
        assert similarity.cka_from_grams(x @ x.T, y @ y.T, **options) == pytest.approx(expected, abs=1e-10)
    single = similarity.cka_from_grams((x @ x.T).astype(np.float32), (y @ y.T).astype(np.float32))
    assert single == pytest.approx(similarity.cka(x, y), abs=1e-5)


@pytest.mark.parametrize("widths", [(5, 8, 6), (500, 800, 6)])
@pytest.mark.parametrize("debiased", [False, True])
def test_matrix_equals_pairs_in_either_space(widths, debiased):
    rng = np.random.default_rng(0)
    items = [rng.normal(size=(60, w)) for w in widths]
    matrix = similarity.cka_matrix(items, debiased=debiased)
    expected = [[similarity.cka(x, y, debiased=debiased) for y in items] for x in items]
    np.testing.assert_allclose(matrix, expected, atol=1e-12)
    np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-12)
    others = similarity.cka_matrix(items, items[1:], debiased=debiased)
    np.testing.assert_allclose(others, matrix[:, 1:], atol=1e-12)


def test_which_space():
    from reprise.similarity._arrays import as_rows

    narrow, wide = as_rows(np.ones((60, 5))), as_rows(np.ones((60, 500)))
    assert features_cheaper([narrow], [narrow])
    assert not features_cheaper([wide], [wide])
    assert not features_cheaper([narrow], [wide])


def test_stack_of_grams():
    rng = np.random.default_rng(0)
    grams = np.stack([a @ a.T for a in rng.normal(size=(3, 9, 5))])
    matrix = similarity.cka_from_grams(grams, grams)
    assert matrix.shape == (3, 3)
    assert similarity.cka_from_grams(grams[0], grams).shape == (3,)
    assert similarity.cka_from_grams(grams, grams[1])[2] == pytest.approx(matrix[2, 1])


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 15), d=st.integers(1, 30))
@settings(max_examples=25, deadline=None)
def test_linear_cka_is_the_whitened_cosine_of_squared_distances(seed, n, d):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, d + 2))
    a, b = (similarity.rdm(z, "sqeuclidean") for z in (x, y))
    assert similarity.compare(a, b, "whitened-cosine") == pytest.approx(similarity.cka(x, y), abs=1e-10)


@pytest.mark.parametrize("shape", [(20, 400), (100, 20)])
def test_debiased_is_centred_on_zero_for_noise_and_biased_is_not(shape):
    rng = np.random.default_rng(0)
    values = np.array(
        [
            [similarity.cka(x, y, debiased=debiased) for debiased in (False, True)]
            for x, y in (rng.normal(size=(2, shape[0], shape[1])) for _ in range(200))
        ]
    )
    error = values[:, 1].std() / np.sqrt(200)
    assert abs(values[:, 1].mean()) < 4 * error
    assert values[:, 0].min() > 0.1


def test_large_offset_goes_the_careful_way():
    """Centring the Gram alone would lose the digits that centring features keeps."""
    from reprise.similarity._arrays import as_rows

    x = (np.random.default_rng(0).normal(size=(30, 200)) + 300).astype(np.float32)
    found = gram_to_centre(as_rows(x))
    expected = linear(x)
    assert np.abs(found - found.mean(0) - found.mean(1)[:, None] + found.mean() - expected).max() < 1e-2
    assert np.abs(found).max() < 2 * np.abs(expected).max()


def test_minibatch_approaches_debiased():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 10))
    y = x @ rng.normal(size=(10, 6)) + rng.normal(size=(4000, 6))
    whole = similarity.cka(x, y, debiased=True)
    batches = [(a, b) for a, b in zip(np.split(x, 40), np.split(y, 40), strict=True)]
    got = similarity.cka_minibatch(batches)
    assert got == pytest.approx(whole, abs=0.02)
    assert got != pytest.approx(whole, abs=1e-9)
    assert similarity.cka_minibatch([(x[:300], y[:300])]) == pytest.approx(
        similarity.cka(x[:300], y[:300], debiased=True), abs=1e-12
    )


def test_minibatch_of_layers_equals_definition():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(3, 12, 5))
    batches = [([b, b**2], [b + 1, b**3, np.abs(b)]) for b in data]
    for kernel, of in (("linear", linear), ("rbf", lambda z: gaussian(z, 2.0))):
        got = similarity.cka_minibatch(iter(batches), kernel=kernel, bandwidth=2.0)
        assert got.shape == (2, 3)
        parts = [(of(xs[1]), of(ys[2])) for xs, ys in batches]
        sums = [np.mean([song(p[i], p[j]) for p in parts]) for i, j in ((0, 1), (0, 0), (1, 1))]
        expected = sums[0] / np.sqrt(sums[1] * sums[2])
        assert got[1, 2] == pytest.approx(expected, abs=1e-10)


def test_refuses():
    x = np.random.default_rng(0).normal(size=(6, 4))
    with pytest.raises(ValueError, match="linear, rbf"):
        similarity.cka(x, x, "poly")
    for bandwidth in (0, -1.0, np.inf, "mean"):
        with pytest.raises(ValueError, match="bandwidth"):
            similarity.cka(x, x, "rbf", bandwidth=bandwidth)
    with pytest.raises(ValueError, match="at least 4"):
        similarity.cka(x[:3], x[:3], debiased=True)
    with pytest.raises(ValueError, match="no batches"):
        similarity.cka_minibatch([])
    with pytest.raises(ValueError, match="do not match"):
        similarity.cka_minibatch([(x, x[:5])])
    with pytest.raises(ValueError, match="gram_x"):
        similarity.cka_from_grams(x, x)
    with pytest.raises(ValueError, match="representation 1 holds NaN"):
        similarity.cka_matrix([x, x * np.nan])
