"""Comparisons of RDMs against SciPy, rsatoolbox and loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rsatoolbox.rdm.compare import compare as peer
from rsatoolbox.rdm.rdms import RDMs
from scipy import stats

from reprise import similarity

PEERS = {
    "pearson": "corr",
    "spearman": "spearman",
    "kendall-tau-a": "tau-a",
    "kendall-tau-b": "tau-b",
    "rho-a": "rho-a",
    "cosine": "cosine",
    "whitened-cosine": "cosine_cov",
    "whitened-pearson": "corr_cov",
}


def stacks(n=12, tied=False, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.random((3, n * (n - 1) // 2))
    b = rng.random((4, a.shape[1])) + a[:1]
    return (np.round(a * 4), np.round(b * 4)) if tied else (a, b)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("method", similarity.METHODS)
def test_equals_rsatoolbox(method, tied):
    a, b = stacks(tied=tied)
    expected = peer(RDMs(a), RDMs(b), method=PEERS[method])
    # rsatoolbox solves for the whitening iteratively, to a tolerance of its own.
    tolerance = 1e-5 if method.startswith("whitened") else 1e-10
    np.testing.assert_allclose(similarity.compare(a, b, method), expected, atol=tolerance)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    ("method", "function"),
    [("pearson", stats.pearsonr), ("spearman", stats.spearmanr), ("kendall-tau-b", stats.kendalltau)],
)
def test_equals_scipy(method, function, tied):
    a, b = stacks(40, tied)
    expected = [[function(x, y)[0] for y in b] for x in a]
    np.testing.assert_allclose(similarity.compare(a, b, method), expected, atol=1e-10)


@pytest.mark.parametrize("tied", [False, True])
def test_kendall_by_counting_pairs(tied):
    a, b = stacks(10, tied)
    for x, y in itertools.product(a, b):
        signs = [np.sign((x[i] - x[j]) * (y[i] - y[j])) for i, j in itertools.combinations(range(45), 2)]
        assert similarity.compare(x, y, "kendall-tau-a") == pytest.approx(np.mean(signs), abs=1e-12)


def test_rho_a_is_the_mean_over_ways_to_break_ties():
    a, b = np.array([1.0, 1, 2, 3, 3, 3]), np.array([1.0, 5, 2, 2, 4, 3])

    def orders(x):
        for jitter in itertools.permutations(range(6)):
            yield stats.rankdata(x + np.array(jitter) * 1e-3)

    mean_a, mean_b = (np.mean(list(orders(x)), axis=0) for x in (a, b))
    expected = 12 * ((mean_a - 3.5) @ (mean_b - 3.5)) / (6**3 - 6)
    assert similarity.compare(a, b, "rho-a") == pytest.approx(expected, abs=1e-12)


def test_whitening_by_the_covariance_matrix():
    """The shortcut by double centring, against V written out."""
    n = 7
    a, b = stacks(n)
    i, j = np.triu_indices(n, 1)
    contrasts = np.zeros((len(i), n))
    contrasts[np.arange(len(i)), i], contrasts[np.arange(len(i)), j] = 1, -1
    inverse = np.linalg.inv((contrasts @ contrasts.T) ** 2)
    for method, shift in (("whitened-cosine", 0), ("whitened-pearson", 1)):
        x, y = (r - shift * r.mean(axis=1, keepdims=True) for r in (a, b))
        top = x @ inverse @ y.T
        norms = [np.sqrt(np.einsum("ip,pq,iq->i", r, inverse, r)) for r in (x, y)]
        np.testing.assert_allclose(similarity.compare(a, b, method), top / np.outer(*norms), atol=1e-10)


@pytest.mark.parametrize("method", ["rho-a", "kendall-tau-a"])
def test_below_one_on_tied_rdms(method):
    a, _ = stacks(tied=True)
    assert similarity.compare(a[0], a[0], method) < 0.99
    untied, _ = stacks()
    assert similarity.compare(untied[0], untied[0], method) == pytest.approx(1.0)


@pytest.mark.parametrize("method", similarity.METHODS)
def test_shapes_symmetry_and_range(method):
    a, b = stacks()
    both = similarity.compare(a, b, method)
    assert both.shape == (3, 4)
    np.testing.assert_allclose(similarity.compare(b, a, method), both.T, atol=1e-12)
    np.testing.assert_allclose(similarity.compare(a[1], b, method), both[1], atol=1e-12)
    np.testing.assert_allclose(similarity.compare(a, b[2], method), both[:, 2], atol=1e-12)
    assert isinstance(similarity.compare(a[0], b[0], method), float)
    own = similarity.compare(a, method=method)
    np.testing.assert_allclose(np.diag(own), 1, atol=1e-12)
    np.testing.assert_allclose(own, own.T, atol=1e-12)
    assert np.abs(both).max() <= 1
    np.testing.assert_allclose(similarity.compare(a * 1e200, b * 1e-200, method), both, atol=1e-9)


@pytest.mark.parametrize("method", ["spearman", "rho-a", "kendall-tau-a", "kendall-tau-b"])
@given(seed=st.integers(0, 2**32 - 1), tied=st.booleans())
@settings(max_examples=25, deadline=None)
def test_invariant_to_monotone_maps(method, seed, tied):
    a, b = stacks(8, tied, seed)
    expected = similarity.compare(a, b, method)
    np.testing.assert_allclose(similarity.compare(np.exp(3 * a), b**3 + 5, method), expected, atol=1e-12)


@pytest.mark.parametrize("method", similarity.METHODS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_equivariant_to_permutations_of_stimuli(method, seed):
    a, b = stacks(8, seed=seed)
    order = np.random.default_rng(seed).permutation(8)
    x, y = (similarity.condense(similarity.square(r)[:, order][:, :, order]) for r in (a, b))
    expected = similarity.compare(a, b, method)
    np.testing.assert_allclose(similarity.compare(x, y, method), expected, atol=1e-10)


def test_many_entries_and_long_merges():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 500, 2016 * 2015 // 2 // 100 * 100)[: 200 * 199 // 2].astype(float)
    b = a + rng.integers(0, 300, a.size)
    assert similarity.compare(a, b, "kendall-tau-b") == pytest.approx(stats.kendalltau(a, b)[0], abs=1e-12)


@pytest.mark.parametrize("method", similarity.METHODS)
def test_undefined_and_missing(method):
    a, b = stacks()
    a[1, 5] = np.nan
    with pytest.warns(similarity.UndefinedWarning, match="RDM row 1 .*holds NaN"):
        got = similarity.compare(a, b, method)
    assert np.isnan(got[1]).all()
    assert np.isfinite(got[[0, 2]]).all()
    a[1] = 0.0
    if method in ("rho-a", "kendall-tau-a"):  # all tied: no order, no agreement
        assert (similarity.compare(a, b, method)[1] == 0).all()
        return
    with pytest.warns(similarity.UndefinedWarning, match="RDM row 1 "):
        assert np.isnan(similarity.compare(a, b, method)[1]).all()


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall-tau-b", "whitened-pearson"])
def test_constant_rdms_are_undefined(method):
    a, b = stacks()
    a[2] = 0.1
    with pytest.warns(similarity.UndefinedWarning, match="RDM row 2 "):
        assert np.isnan(similarity.compare(a, b, method)[2]).all()


def test_refuses():
    a, b = stacks()
    with pytest.raises(ValueError, match="pearson, spearman"):
        similarity.compare(a, b, "tau")
    with pytest.raises(ValueError, match="12 in a, 5 in b"):
        similarity.compare(a, b[:, :10])
    with pytest.raises(ValueError, match="condensed"):
        similarity.compare(a[:, :5])
    with pytest.raises(ValueError, match="Inf in RDM row 2"):
        wrong = a.copy()
        wrong[2, 0] = np.inf
        similarity.compare(wrong, b)
    with pytest.raises(ValueError, match="stack"):
        similarity.compare(similarity.square(a), b)
