"""RDMs against SciPy and rsatoolbox, from features and from Grams."""

from typing import Any

import numpy as np
import pytest
from rsatoolbox.data.dataset import Dataset
from rsatoolbox.rdm.calc import calc_rdm
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata

from reprise import similarity

SHAPES = [(3, 2), (20, 50), (60, 7), (12, 30_000)]
EXACT = {np.float64: 1e-10, np.float32: 5e-6}


def reference(x, distance):
    x = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    if distance == "spearman":
        return pdist(np.apply_along_axis(rankdata, 1, x), "correlation")
    return pdist(x, distance)


def exact_among(x, distance):
    """By differences, in extended precision: SciPy itself subtracts cosines from 1."""
    x = x.astype(np.longdouble)
    if distance in ("correlation", "cosine"):
        x = x - x.mean(axis=1, keepdims=True) if distance == "correlation" else x
        x = x / np.sqrt((x**2).sum(axis=1, keepdims=True))
    i, j = np.triu_indices(len(x), 1)
    squared = ((x[i] - x[j]) ** 2).sum(axis=1)
    return {"euclidean": np.sqrt(squared), "sqeuclidean": squared}.get(distance, squared / 2)


def sample(shape, kind=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return (np.maximum(rng.normal(size=shape), -0.3) + rng.normal(size=shape[1:])).astype(kind)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("distance", similarity.DISTANCES)
def test_equals_scipy(distance, shape, kind):
    x = sample(shape, kind)
    expected = reference(x, distance)
    scale = expected.max() if "eucl" in distance else 1.0
    np.testing.assert_allclose(similarity.rdm(x, distance), expected, rtol=0, atol=EXACT[kind] * scale)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("correlation", "correlation"), ("euclidean", "euclidean"), ("sqeuclidean", "euclidean")],
)
def test_equals_rsatoolbox(ours, theirs):
    # There "euclidean" is squared, and divided by the number of features.
    x = sample((15, 40))
    rdms: Any = calc_rdm(Dataset(x), method=theirs)
    expected = rdms.get_vectors()[0]
    if ours == "euclidean":
        expected = np.sqrt(expected * 40)
    if ours == "sqeuclidean":
        expected = expected * 40
    np.testing.assert_allclose(similarity.rdm(x, ours), expected, atol=1e-10)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("distance", ["correlation", "cosine", "euclidean", "sqeuclidean"])
def test_close_stimuli_keep_their_digits(distance, kind):
    """Cancellation would lose all digits of distances this far below the norms."""
    x = sample((30, 400), np.float64)
    x[10:] = x[0] + 1e-5 * x[10:]
    x = x.astype(kind)
    expected = reference(x, distance)
    scale = expected.max() if "eucl" in distance else 1.0
    got = similarity.rdm(x, distance)
    np.testing.assert_allclose(got, expected, rtol=0, atol=EXACT[kind] * scale)
    found = similarity.square(got)[10:, 10:][np.triu_indices(20, 1)]
    np.testing.assert_allclose(found, np.array(exact_among(x[10:], distance), dtype=float), rtol=1e-7)


@pytest.mark.parametrize("distance", similarity.DISTANCES)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_duplicates_are_at_distance_zero(distance, kind):
    x = sample((8, 100), kind)
    x[5] = x[2]
    assert similarity.square(similarity.rdm(x, distance))[5, 2] == 0


def test_large_offset_in_single_precision():
    x = (sample((20, 3000), np.float64) + 500).astype(np.float32)
    for distance in ("correlation", "euclidean", "sqeuclidean"):
        expected = reference(x, distance)
        np.testing.assert_allclose(similarity.rdm(x, distance), expected, rtol=0, atol=5e-6 * expected.max())


@pytest.mark.parametrize("distance", ["correlation", "euclidean", "cosine"])
def test_memory_layouts(distance):
    base = (sample((25, 14_000)) + 0.4).astype(np.float32)
    expected = reference(base, distance)
    wide = np.zeros((50, 28_000), np.float32)
    wide[::2, ::2] = base
    for x in (np.asfortranarray(base), wide[::2, ::2], base[::-1][::-1], base[:, ::-1]):
        got = similarity.rdm(x, distance)
        np.testing.assert_allclose(got, expected, rtol=0, atol=5e-6 * max(1, expected.max()))


def test_extreme_magnitudes():
    x = sample((10, 50))
    expected = reference(x, "correlation")
    for factor in (1e25, 1e-25):  # squares leave float32: products go to double precision
        scaled = (x * factor).astype(np.float32)
        np.testing.assert_allclose(similarity.rdm(scaled), expected, atol=5e-6)
        np.testing.assert_allclose(
            similarity.rdm(scaled, "euclidean") / factor, reference(x, "euclidean"), rtol=1e-5
        )
    for factor in (1e200, 1e-200):
        with pytest.raises(ValueError, match="rescale"):
            similarity.rdm(x * factor)


@pytest.mark.parametrize("distance", ["correlation", "euclidean", "sqeuclidean", "cosine"])
def test_from_gram(distance):
    stack = np.stack([sample((12, 40), seed=s) for s in range(3)])
    grams = similarity.Grams.of(stack, stacked=True)
    expected = similarity.rdm(stack, distance, stacked=True)
    got = similarity.rdm_from_gram(grams.gram, distance, grams.mean, grams.n_features)
    np.testing.assert_allclose(got, expected, atol=1e-10)
    one = similarity.rdm_from_gram(grams.gram[1], distance, grams.mean[1], 40)
    np.testing.assert_allclose(one, expected[1], atol=1e-10)
    stored = similarity.rdm_from_gram(grams.gram.astype(np.float32), distance, grams.mean, 40)
    np.testing.assert_allclose(stored, expected, atol=1e-5 * max(expected.max(), 1))


def test_from_gram_keeps_ties_and_finds_undefined_rows():
    x = sample((8, 64))
    x[5], x[7] = x[2], x[3]
    x[4] = 1.5
    for kind in (np.float64, np.float32):
        grams = similarity.Grams.of(x)
        gram = grams.gram.astype(kind)
        assert similarity.square(similarity.rdm_from_gram(gram, "euclidean"))[[5, 7], [2, 3]].max() == 0
        with pytest.warns(similarity.UndefinedWarning, match="row 4 "):
            found = similarity.square(similarity.rdm_from_gram(gram, "correlation", grams.mean, 64))
        assert found[5, 2] == 0
        assert np.isnan(found[4, :4]).all()
        assert np.isfinite(np.delete(found[0], 4)).all()


def test_from_gram_refuses():
    gram = np.eye(4)
    with pytest.raises(ValueError, match="does not follow"):
        similarity.rdm_from_gram(gram, "spearman")
    with pytest.raises(ValueError, match="means and n_features"):
        similarity.rdm_from_gram(gram, "correlation")
    with pytest.raises(ValueError, match="shape"):
        similarity.rdm_from_gram(gram, "correlation", np.zeros(3), 5)
    with pytest.raises(ValueError, match="NaN"):
        similarity.rdm_from_gram(gram * np.nan, "cosine")
    with pytest.raises(ValueError, match="at least 3"):
        similarity.rdm_from_gram(np.eye(2), "cosine")


def test_stack_equals_one_by_one():
    stack = sample((4, 9, 3, 5))
    got = similarity.rdm(stack, stacked=True)
    assert got.shape == (4, 36)
    np.testing.assert_array_equal(got[2], similarity.rdm(stack[2]))
    with pytest.raises(ValueError, match="stack"):
        similarity.rdm(stack[0, :, 0], stacked=True)


def test_square_and_back():
    v = np.random.default_rng(0).random((2, 10))
    m = similarity.square(v)
    np.testing.assert_array_equal(m[1], squareform(v[1]))
    np.testing.assert_array_equal(similarity.condense(m), v)
    assert similarity.square(v.astype(np.float32)).dtype == np.float32
    for wrong in (np.zeros(5), np.zeros(1), np.float64(3.0)):
        with pytest.raises(ValueError, match="condensed"):
            similarity.square(wrong)
    with pytest.raises(ValueError, match="symmetric"):
        similarity.condense(np.arange(9.0).reshape(3, 3))
    with pytest.raises(ValueError, match="n of at least 3"):
        similarity.condense(np.zeros((2, 2)))


def test_permuting_stimuli_permutes_the_rdm():
    x = sample((11, 30))
    order = np.random.default_rng(1).permutation(11)
    for distance in similarity.DISTANCES:
        m = similarity.square(similarity.rdm(x, distance))
        permuted = similarity.square(similarity.rdm(x[order], distance))
        np.testing.assert_allclose(permuted, m[np.ix_(order, order)], atol=1e-12)


def test_unknown_distance():
    with pytest.raises(ValueError, match="correlation, euclidean"):
        similarity.rdm(np.eye(4), "manhattan")
