"""What the registry declares, held against the functions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise import similarity
from reprise.similarity import Grams

N, DX, DY = 14, 6, 4


def representations(seed, n=N, dx=DX, dy=DY):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dx)) + rng.normal(size=dx)
    y = rng.normal(size=(n, dy)) + x[:, :dy]
    return x, y


def change(x, how, rng):
    n, d = x.shape
    return {
        "permutation": lambda: x[:, rng.permutation(d)],
        "orthogonal": lambda: x @ np.linalg.qr(rng.normal(size=(d, d)))[0],
        "linear": lambda: x @ (rng.normal(size=(d, d)) + 3 * np.eye(d)),
        "scaling": lambda: x * rng.uniform(0.1, 10),
        "translation": lambda: x + rng.normal(size=d),
        "stimulus-gain": lambda: x * rng.uniform(0.5, 2, size=(n, 1)),
        "stimulus-offset": lambda: x + rng.normal(size=(n, 1)),
    }[how]()


CASES = [(name, how) for name in similarity.MEASURES for how in similarity.INVARIANCES]


@pytest.mark.parametrize(("name", "how"), CASES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_invariances(name, how, seed):
    """Declared invariances hold; those not declared fail for some example (below)."""
    measure = similarity.measure(name)
    if how not in measure.invariances:
        return
    x, y = representations(seed)
    rng = np.random.default_rng(seed)
    expected = measure(x, y)
    # Ranks may swap where two distances agree to rounding.
    tolerance = 1e-8 if not name.startswith("rsa") else 1e-3
    assert measure(change(x, how, rng), y) == pytest.approx(expected, abs=tolerance)
    assert measure(x, change(y, how, rng)) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("name", "how"), CASES)
def test_no_invariance_is_left_undeclared(name, how):
    measure = similarity.measure(name)
    if how in measure.invariances:
        return
    gaps = []
    for seed in range(5):
        x, y = representations(seed)
        rng = np.random.default_rng(seed)
        gaps += [abs(measure(change(x, how, rng), y) - measure(x, y))]
        gaps += [abs(measure(x, change(y, how, rng)) - measure(x, y))]
    assert max(gaps) > 1e-6


@pytest.mark.parametrize("name", similarity.MEASURES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_range_symmetry_and_order_of_stimuli(name, seed):
    measure = similarity.measure(name)
    x, y = representations(seed)
    value = measure(x, y)
    assert measure.range[0] <= value <= measure.range[1]
    if measure.symmetric:
        assert measure(y, x) == pytest.approx(value, abs=1e-10)
    best = measure.range[1] if measure.is_similarity else measure.range[0]
    assert measure(x, x) == pytest.approx(best, abs=1e-10)
    order = np.random.default_rng(seed).permutation(N)
    assert measure(x[order], y[order]) == pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize("name", [m.id for m in similarity.MEASURES.values() if not m.symmetric])
def test_asymmetric_ones_are(name):
    x, y = representations(0, dy=DX)
    measure = similarity.measure(name)
    assert abs(measure(x, y) - measure(y, x)) > 1e-4


@pytest.mark.parametrize("name", [m.id for m in similarity.MEASURES.values() if m.follows_from_grams])
@pytest.mark.parametrize("shape", [(14, 6), (9, 700), (80, 3)])
def test_from_grams_equals_from_features(name, shape):
    measure = similarity.measure(name)
    rng = np.random.default_rng(0)
    xs = [rng.normal(size=shape) + 0.5 for _ in range(3)]
    ys = [rng.normal(size=(shape[0], shape[1] + 3)) + xs[0][:, :1] for _ in range(2)]
    a, b = Grams.stack([Grams.of(x) for x in xs]), Grams.stack([Grams.of(y) for y in ys])
    expected = [[measure(x, y) for y in ys] for x in xs]
    got = measure.pairwise(a, b)
    assert got.shape == (3, 2)
    np.testing.assert_allclose(got, expected, atol=1e-9)
    assert measure.from_grams(Grams.of(xs[2]), Grams.of(ys[1])) == pytest.approx(expected[2][1], abs=1e-9)
    np.testing.assert_allclose(np.diag(measure.pairwise(a)), 1, atol=1e-9)
    stored = Grams(a.gram.astype(np.float32), a.mean.astype(np.float32), a.n_features)
    # A swap of two neighbouring ranks moves Spearman's rho by 6/P³ or so each.
    np.testing.assert_allclose(measure.pairwise(stored, b), expected, atol=2e-3)


@pytest.mark.parametrize("name", similarity.MEASURES)
def test_matrix_equals_pairs(name):
    measure = similarity.measure(name)
    items = [representations(s)[s % 2] for s in range(3)]
    others = [representations(s)[1] for s in range(5, 7)]
    expected = [[measure(x, y) for y in items] for x in items]
    np.testing.assert_allclose(measure.matrix(items), expected, atol=1e-10)
    expected = [[measure(x, y) for y in others] for x in items]
    np.testing.assert_allclose(measure.matrix(items, others), expected, atol=1e-10)


def test_grams_of_a_stack_with_different_features():
    x, y = representations(0)
    both = Grams.stack([Grams.of(x), Grams.of(y)])
    np.testing.assert_array_equal(both.n_features, [DX, DY])
    assert Grams.of(np.stack([x, x]), stacked=True).n_features == DX
    np.testing.assert_allclose(Grams.of(x).gram, x @ x.T)
    nested = Grams(both.gram.reshape(2, 1, N, N), both.mean.reshape(2, 1, N), np.array([[DX], [DY]]))
    np.testing.assert_allclose(
        similarity.measure("rsa-correlation").pairwise(nested),
        similarity.measure("rsa-correlation").pairwise(both),
    )


def test_single_precision_is_asked_for_and_summed_in_double():
    x = (np.random.default_rng(0).normal(size=(6, 30_000)) + 1).astype(np.float32)
    exact = x.astype(np.float64) @ x.T.astype(np.float64)
    single, double = (Grams.of(x, single=single).gram for single in (True, False))
    np.testing.assert_allclose(double, exact, rtol=1e-13)
    assert 1e-9 < np.abs(single / exact - 1).max() < 1e-5
    np.testing.assert_array_equal(Grams.of(x[None], stacked=True, single=True).gram[0], single)
    # Features in double precision are not rounded.
    wide = x.astype(np.float64)
    np.testing.assert_array_equal(Grams.of(wide, single=True).gram, Grams.of(wide).gram)


def test_refuses():
    x, y = representations(0)
    with pytest.raises(ValueError, match="rsa-correlation, rsa-euclidean"):
        similarity.measure("rsa")
    with pytest.raises(ValueError, match="does not follow"):
        similarity.measure("cca").pairwise(Grams.of(x), Grams.of(y))
    with pytest.raises(ValueError, match="different numbers of stimuli"):
        similarity.measure("cka-linear").pairwise(Grams.of(x), Grams.of(y[:5]))
    with pytest.raises(ValueError, match="gram must be"):
        Grams(np.eye(2), np.zeros(2), 3)
    with pytest.raises(ValueError, match="mean must have"):
        Grams(np.eye(4), np.zeros(3), 3)
    with pytest.raises(ValueError, match="n_features"):
        Grams(np.eye(4), np.zeros(4), 0)
    with pytest.raises(ValueError, match="share one shape"):
        Grams.stack([Grams.of(x), Grams.of(y[:5])])
    with pytest.raises(ValueError, match="NaN"):
        similarity.measure("cka-rbf").pairwise(Grams(np.eye(4) * np.nan, np.zeros(4), 3))


def test_table_has_a_row_per_measure_and_a_column_per_invariance():
    rows = similarity.invariance_table()
    assert [row["id"] for row in rows] == list(similarity.MEASURES)
    assert all(set(similarity.INVARIANCES) <= set(row) for row in rows)
    assert {row["larger means"] for row in rows} == {"similar", "different"}


def test_ids_that_stored_data_use():
    stored = {
        "rsa-correlation",
        "rsa-euclidean",
        "rsa-cosine",
        "cka-linear",
        "cka-linear-debiased",
        "cka-rbf",
    }
    assert stored == {m.id for m in similarity.MEASURES.values() if m.follows_from_grams}
