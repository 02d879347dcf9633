"""Bootstrap, Mantel test and noise ceiling against resampling written out."""

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from rsatoolbox.inference.noise_ceiling import boot_noise_ceiling
from rsatoolbox.rdm.rdms import RDMs

from reprise import similarity
from reprise.similarity.compare import METHODS
from reprise.similarity.inference import stimulus_counts
from reprise.similarity.weighted import WEIGHTED, weighted_comparisons


def stacks(n=12, tied=False, seed=0, m=2, k=3):
    rng = np.random.default_rng(seed)
    a = rng.random((m, n * (n - 1) // 2))
    b = rng.random((k, a.shape[1])) + a[:1]
    return (np.round(a * 4), np.round(b * 4)) if tied else (a, b)


def resampled(rdms, stimuli):
    """RDMs of the drawn stimuli, copies included, without pairs of a stimulus and its copy."""
    pairs = [(i, j) for i, j in itertools.combinations(stimuli, 2) if i != j]
    return np.array([[m[i, j] for i, j in pairs] for m in similarity.square(rdms)])


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("n", [6, 30, 260])
@pytest.mark.parametrize("method", WEIGHTED)
def test_weights_equal_resampled_rdms(method, n, tied):
    if n == 260 and "kendall" in method:
        return
    a, b = stacks(n, tied)
    rng = np.random.default_rng(1)
    counts = stimulus_counts(n, 7 if n < 100 else 3, rng)
    got = weighted_comparisons(a, b, counts, method)
    assert got.shape == (len(counts), 2, 3)
    for c, values in zip(counts, got, strict=True):
        stimuli = rng.permutation(np.repeat(np.arange(n), c))
        with warnings.catch_warnings():  # a resample of few stimuli and many ties may leave no order
            warnings.simplefilter("ignore", similarity.UndefinedWarning)
            expected = METHODS[method](resampled(a, stimuli), resampled(b, stimuli))
        np.testing.assert_allclose(values, expected, atol=1e-10)


def test_bootstrap_over_stimuli():
    a, b = stacks(20)
    result = similarity.bootstrap(a, b, resamples=200, rng=3)
    np.testing.assert_array_equal(result.estimate, similarity.compare(a, b))
    low, high = result.interval
    assert result.samples.shape == (200, 2, 3)
    np.testing.assert_allclose(low, np.quantile(result.samples, 0.025, axis=0))
    assert (low < high).all()
    assert result.n == {"stimuli": 20}
    assert "spearman" in result.method
    again = similarity.bootstrap(a, b, resamples=200, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(again.samples, result.samples)
    one = similarity.bootstrap(a[0], b[1], resamples=200, rng=3)
    np.testing.assert_allclose(one.samples, result.samples[:, 0, 1], atol=1e-12)
    assert isinstance(one.estimate, float)
    assert str(one).startswith(f"{one.estimate:.3f} [")


def test_copies_would_raise_the_correlation():
    """Why same-stimulus pairs are dropped: kept as zeros they are extreme in both RDMs."""
    a, b = stacks(15, m=1, k=1, seed=5)
    b = np.random.default_rng(9).random(b.shape) + 1
    result = similarity.bootstrap(a[0], b[0], "stimuli", "pearson", 300)
    kept = []
    for c in stimulus_counts(15, 300, np.random.default_rng(0)):
        chosen = np.repeat(np.arange(15), c)
        x, y = (similarity.condense(similarity.square(r[0])[np.ix_(chosen, chosen)]) for r in (a + 1, b))
        kept.append(similarity.compare(x, y, "pearson"))
    assert np.mean(kept) > np.mean(result.samples) + 0.2


def test_bootstrap_over_seeds_and_both():
    rng = np.random.default_rng(0)
    a, b = stacks(14, m=3, k=2)
    seeds_a = a + rng.normal(size=(6, *a.shape)) * 0.2
    seeds_b = b + rng.normal(size=(6, *b.shape)) * 0.2
    each = np.stack([similarity.compare(x, y) for x, y in zip(seeds_a, seeds_b, strict=True)])
    result = similarity.bootstrap(seeds_a, seeds_b, "seeds", resamples=4000)
    np.testing.assert_allclose(result.estimate, each.mean(axis=0))
    spread = each.std(axis=0) / np.sqrt(6)
    np.testing.assert_allclose(result.samples.std(axis=0), spread, rtol=0.1)
    assert result.n == {"seeds": 6}
    both = similarity.bootstrap(seeds_a, seeds_b, "both", resamples=400)
    assert both.n == {"seeds": 6, "stimuli": 14}
    stimuli = similarity.bootstrap(seeds_a, seeds_b, "stimuli", resamples=400)
    assert (both.samples.std(axis=0) > stimuli.samples.std(axis=0)).mean() > 0.8
    # One RDM a seed, against one fixed RDM
    simple = similarity.bootstrap(seeds_a[:, 0], b[0], "seeds", resamples=50)
    assert simple.estimate == pytest.approx(np.mean(similarity.compare(seeds_a[:, 0], b[0])))
    fixed = similarity.bootstrap(seeds_a[:, 0], b[:1], "both", resamples=50)
    assert isinstance(fixed.estimate, float)


def test_coverage_over_stimuli():
    """The interval holds the value of the population of stimuli about as often as it says."""
    rng = np.random.default_rng(0)
    features, noise = rng.normal(size=(400, 8)), rng.normal(size=(400, 8))
    other = features + 0.7 * noise
    truth = similarity.compare(similarity.rdm(features), similarity.rdm(other), "pearson")
    hits = 0
    for trial in range(100):
        chosen = rng.choice(400, 40, replace=False)
        x, y = similarity.rdm(features[chosen]), similarity.rdm(other[chosen])
        low, high = similarity.bootstrap(x, y, method="pearson", resamples=300, rng=trial).interval
        hits += low <= truth <= high
    assert 85 <= hits <= 100


def test_paired_difference_is_tighter_than_the_parts():
    rng = np.random.default_rng(0)
    target = similarity.rdm(rng.normal(size=(30, 20)))
    near, far = target + 0.05 * rng.normal(size=target.size), target + 0.2 * rng.normal(size=target.size)
    result = similarity.paired_difference((near, target), (far, target), resamples=500)
    expected = similarity.compare(near, target) - similarity.compare(far, target)
    assert result.estimate == pytest.approx(expected)
    assert result.interval[0] > 0
    assert result.p_value == pytest.approx(2 / 501)
    parts = [similarity.bootstrap(r, target, resamples=500).samples for r in (near, far)]
    np.testing.assert_allclose(result.samples, parts[0] - parts[1])
    none = similarity.paired_difference((near, target), (near, target), resamples=50)
    assert none.p_value == 1.0
    with pytest.raises(ValueError, match="one RDM a side"):
        similarity.paired_difference((np.stack([near, far]), target), (far, target))
    with pytest.raises(ValueError, match="differ in size"):
        similarity.paired_difference((near, target), (near[:10], target[:10]))


@pytest.mark.parametrize("method", METHODS)
def test_mantel_equals_permuting_by_hand(method):
    a, b = stacks(9)
    result = similarity.mantel(a[0], b[0], method, permutations=20, rng=4)
    orders = np.random.default_rng(4).permuted(np.tile(np.arange(9), (20, 1)), axis=1)
    matrix = similarity.square(b[0])
    null = [similarity.compare(a[0], similarity.condense(matrix[np.ix_(o, o)]), method) for o in orders]
    np.testing.assert_allclose(result.samples, null, atol=1e-10)
    assert result.estimate == similarity.compare(a[0], b[0], method)
    assert result.p_value == (1 + sum(v >= result.estimate - 1e-12 for v in null)) / 21


def test_mantel_p_values():
    a, b = stacks(20)
    assert similarity.mantel(a[0], a[0], permutations=499).p_value == 1 / 500
    assert similarity.mantel(a[0], a[0], permutations=499, alternative="less").p_value == 1.0
    assert similarity.mantel(a[0], -a[0], permutations=499, alternative="two-sided").p_value == 1 / 500
    rng = np.random.default_rng(0)
    ps = [similarity.mantel(*rng.random((2, 45)), permutations=99, rng=i).p_value for i in range(200)]
    assert np.mean(np.array(ps) <= 0.05) < 0.1
    assert abs(np.mean(ps) - 0.5) < 0.08
    with pytest.raises(ValueError, match="alternative"):
        similarity.mantel(a[0], b[0], alternative="more")
    with pytest.raises(ValueError, match="one condensed"):
        similarity.mantel(a, b)
    with pytest.warns(similarity.UndefinedWarning):
        assert np.isnan(similarity.mantel(a[0], np.ones_like(a[0]), permutations=9).p_value)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("spearman", "spearman"),
        ("rho-a", "rho-a"),
        ("pearson", "corr"),
        ("cosine", "cosine"),
        ("kendall-tau-a", "tau-a"),
        ("whitened-cosine", "cosine_cov"),
        ("whitened-pearson", "corr_cov"),
    ],
)
def test_noise_ceiling_equals_rsatoolbox(ours, theirs):
    rng = np.random.default_rng(0)
    rdms = rng.random(45) + 0.3 * rng.random((6, 45))
    lower, upper = boot_noise_ceiling(RDMs(rdms), method=theirs)
    got = similarity.noise_ceiling(rdms, ours)
    tolerance = 5e-5 if ours.startswith("whitened") else 1e-10
    assert (got.lower, got.upper) == pytest.approx((lower, upper), abs=tolerance)
    assert got.lower < got.upper
    assert got.n == 6
    with pytest.raises(ValueError, match="at least 2"):
        similarity.noise_ceiling(rdms[:1])


def test_missing_values_stay_missing():
    a, b = stacks(10)
    a[0, 3] = np.nan
    with pytest.warns(similarity.UndefinedWarning, match="RDM row 0"):
        result = similarity.bootstrap(a, b, resamples=20)
    assert np.isnan(result.estimate[0]).all()
    assert np.isnan(result.interval[0][0]).all()
    assert np.isfinite(result.interval[0][1]).all()


def test_few_stimuli_still_give_pairs():
    counts = stimulus_counts(3, 500, np.random.default_rng(0))
    assert (np.count_nonzero(counts, axis=1) == 3).all()
    assert (counts.sum(axis=1) == 3).all()


def test_refuses():
    a, b = stacks()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"over": "layers"}, "stimuli, seeds, both"),
        ({"method": "tau"}, "unknown method"),
        ({"resamples": 0}, "at least 1"),
        ({"confidence": 1.0}, "confidence"),
        ({"method": "whitened-cosine"}, "cannot be resampled"),
    ]
    for wrong, words in cases:
        with pytest.raises(ValueError, match=words):
            similarity.bootstrap(a, b, **wrong)
    with pytest.raises(ValueError, match="different length"):
        similarity.bootstrap(a, b[:, :10])
    with pytest.raises(ValueError, match="numbers of seeds"):
        similarity.bootstrap(a, b, "seeds")
    with pytest.raises(ValueError, match="at least 2"):
        similarity.bootstrap(a[:1], b[:1], "seeds")
    with pytest.raises(ValueError, match="Inf"):
        similarity.bootstrap(a * np.inf, b)
