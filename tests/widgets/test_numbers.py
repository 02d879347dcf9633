"""What the page computes is what Python computes: RDMs, comparisons, CKA, bootstrap, maps."""

import warnings
from typing import Any

import numpy as np
import pytest

from reprise import similarity
from reprise.similarity import inference
from reprise.similarity.condensed import pair_indices
from reprise.similarity.measures import measure_menu
from reprise.similarity.weighted import weighted_comparisons

N = 12
Measures = list[dict[str, Any]]
METHODS = ("spearman", "pearson", "cosine", "kendall-tau-a", "kendall-tau-b")
REGISTERED: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in measure_menu()}
RSA: Measures = [
    {**entry, "method": method}
    for entry in REGISTERED.values()
    if entry["form"] == "rdm"
    for method in METHODS
]
CKA: Measures = [entry for entry in REGISTERED.values() if entry["form"] == "kernel"]

pytestmark = pytest.mark.filterwarnings("ignore::reprise.similarity.UndefinedWarning")


def features(seed=0, n=N):
    """Representations that are alike to different degrees; the last one has ties among its distances."""
    rng = np.random.default_rng(seed)
    base = np.maximum(rng.normal(size=(n, 40)) + rng.normal(size=(n, 1)), 0)
    others = [base[:, :30] + noise * rng.normal(size=(n, 30)) + 2 for noise in (0.1, 1.0, 3.0)]
    coarse = rng.integers(0, 3, size=(n, 4)) + np.array([1.0, 0.0, 0.0, 0.0])
    return [base, *others, coarse]


def stored(representations):
    """As a unit keeps them: Grams for Python, and the packed form that a page gets; float32 in both."""
    grams = [similarity.Grams.of(x) for x in representations]
    single = [
        similarity.Grams(g.gram.astype(np.float32), g.mean.astype(np.float32), g.n_features) for g in grams
    ]
    n = single[0].n
    rows, columns = np.triu_indices(n)
    packed = {
        "gram": [g.gram[rows, columns] for g in single],
        "mean": [g.mean for g in single],
        "features": [g.n_features for g in single],
        "sets": [0] * len(single),
        "n": n,
    }
    return single, packed


@pytest.fixture(scope="module")
def given():
    return stored(features())


def python_rdm(grams, distance, keep=slice(None)):
    gram = grams.gram[keep][:, keep]
    return similarity.rdm_from_gram(gram, distance, grams.mean[keep], grams.n_features)


@pytest.mark.parametrize("keep", [list(range(N)), [0, 2, 3, 5, 8, 9, 11]])
def test_rdms(javascript, given, keep):
    grams, packed = given
    found = javascript(
        "const all = states(input.packed);"
        "return ['correlation', 'euclidean', 'cosine'].map((d) => all.map((s) => grams.rdm(s, d, "
        "input.keep)))",
        {"packed": packed, "keep": keep},
    )
    for rows, distance in zip(found, ("correlation", "euclidean", "cosine"), strict=True):
        expected = [python_rdm(one, distance, keep) for one in grams]
        np.testing.assert_allclose(np.array(rows, float), expected, rtol=1e-12, atol=1e-12)


def test_rdms_are_those_of_the_features(javascript, given):
    _, packed = given
    found = javascript("return states(input).map((s) => grams.rdm(s, 'euclidean', every(s.n)))", packed)
    x = features()[1]
    loops = [np.linalg.norm(x[i] - x[j]) for i in range(N) for j in range(i + 1, N)]
    np.testing.assert_allclose(found[1], loops, rtol=1e-5)


@pytest.mark.parametrize("keep", [list(range(N)), [0, 2, 3, 5, 8, 9, 11]])
def test_all_pairs_under_every_measure(javascript, given, keep):
    grams, packed = given
    found = javascript(
        "return input.measures.map((measure) => finish(tasks.TASKS.matrix("
        "{ chosen: every(input.packed.features.length), measure, "
        "keep: input.keep }, states(input.packed))))",
        {"packed": packed, "keep": keep, "measures": RSA + CKA},
    )
    m = len(grams)
    for flat, measure in zip(found, RSA + CKA, strict=True):
        if measure["form"] == "rdm":
            rdms = np.stack([python_rdm(one, measure["distance"], keep) for one in grams])
            expected = similarity.compare(rdms, rdms, measure["method"])
        else:
            stack = np.stack([one.gram[keep][:, keep] for one in grams])
            expected = similarity.cka_from_grams(stack, stack, measure["kernel"], measure["debiased"])
        np.testing.assert_allclose(
            np.array(flat, float).reshape(m, m), expected, atol=1e-9, err_msg=str(measure)
        )


def test_registered_measures_mean_the_same(javascript, given):
    grams, packed = given
    stack = similarity.Grams.stack(grams)
    found = javascript(
        "return input.measures.map((measure) => { const all = states(input.packed); const keep "
        "= every(all[0].n);"
        " const [a, b] = [0, 2].map((i) => core.form(all[i], measure, keep));"
        "return core.similarity(a, b, measure); })",
        {"packed": packed, "measures": list(REGISTERED.values())},
    )
    for value, name in zip(found, REGISTERED, strict=True):
        expected = similarity.measure(name).pairwise(stack)[0, 2]
        assert value == pytest.approx(expected, abs=1e-9), name


@pytest.mark.parametrize("measure", RSA, ids=lambda m: f"{m['distance']}-{m['method']}")
def test_resamples_are_weighted_comparisons(javascript, given, measure):
    grams, packed = given
    counts = inference.stimulus_counts(N, 25, np.random.default_rng(1))
    pairs = [(0, 1), (1, 2), (0, 4)]
    found = javascript(
        "const all = states(input.packed); const keep = every(all[0].n);"
        "return input.pairs.map(([a, b]) => resample.resampled(all[a], all[b], input.measure, "
        "keep, input.counts))",
        {"packed": packed, "measure": measure, "counts": counts, "pairs": pairs},
    )
    for values, (a, b) in zip(found, pairs, strict=True):
        rdms = [python_rdm(grams[k], measure["distance"])[None] for k in (a, b)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = weighted_comparisons(rdms[0], rdms[1], counts, measure["method"])[:, 0, 0]
        np.testing.assert_allclose(values, expected, atol=1e-9)


def explicit_cka(x, y, counts, debiased, kernel):
    """CKA of a resample written out: copies are rows, pairs of copies are left out, effects by "
    "least squares."""
    copies = np.repeat(np.arange(len(x)), counts)
    residuals = []
    for rows in (x, y):
        squared = np.sum((rows[:, None] - rows[None]) ** 2, axis=-1)
        if kernel == "rbf":
            matrix = np.exp(-squared / (2 * np.median(squared[squared > 0])))
        else:
            matrix = (rows - rows.mean(0)) @ (rows - rows.mean(0)).T
        design, target = [], []
        for p, i in enumerate(copies):
            for q, j in enumerate(copies):
                if i == j and (p != q or debiased):
                    continue
                row = np.zeros(2 * len(copies))
                row[p], row[len(copies) + q] = 1, 1
                design.append(row)
                target.append(matrix[i, j])
        design, target = np.array(design), np.array(target)
        residuals.append(target - design @ np.linalg.lstsq(design, target, rcond=None)[0])
    a, b = residuals
    return a @ b / np.sqrt((a @ a) * (b @ b))


@pytest.mark.parametrize("measure", CKA, ids=["linear", "debiased", "rbf"])
def test_resampled_cka_is_that_of_a_written_out_resample(javascript, measure):
    x, y = features(3, 8)[:2]
    _, packed = stored([x, y])
    counts = np.vstack([np.ones(8, int), inference.stimulus_counts(8, 3, np.random.default_rng(2))])
    found = javascript(
        "const all = states(input.packed); const keep = every(all[0].n);"
        "return resample.resampled(all[0], all[1], input.measure, keep, input.counts)",
        {"packed": packed, "measure": measure, "counts": counts},
    )
    expected = [explicit_cka(x, y, c, measure["debiased"], measure["kernel"]) for c in counts]
    np.testing.assert_allclose(found, expected, atol=2e-6)
    whole = similarity.cka(x, y, measure["kernel"], measure["debiased"])
    assert found[0] == pytest.approx(whole, abs=2e-6)


def test_intervals_agree_statistically(javascript, given):
    grams, packed = given
    found = javascript(
        "return finish(tasks.TASKS.interval({ a: 0, b: 2, measure: measures['rsa-euclidean'],"
        "keep: every(input.n), resamples: 4000, seed: 7 }, states(input)))",
        packed,
    )
    expected = similarity.bootstrap(
        python_rdm(grams[0], "euclidean"), python_rdm(grams[2], "euclidean"), resamples=4000
    )
    width = expected.interval[1] - expected.interval[0]
    np.testing.assert_allclose(found["interval"], expected.interval, atol=0.06 * width)
    assert found["defined"] == 4000


def test_draws_are_multinomial_and_repeat(javascript):
    body = "return resample.stimulusCounts(10, 3000, resample.generator(input))"
    first, again, other = (np.array(javascript(body, seed), float) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first.sum(1) == 10).all() and ((first > 0).sum(1) >= 3).all()
    np.testing.assert_allclose(first.mean(0), 1, atol=0.08)
    np.testing.assert_allclose(first.var(), 0.9, atol=0.05)


def test_quantiles(javascript):
    values = np.random.default_rng(0).normal(size=101)
    low, high = javascript("return resample.percentileInterval(input.map((v) => v ?? NaN))", [*values, None])
    np.testing.assert_allclose([low, high], np.quantile(values, [0.025, 0.975]), atol=1e-12)
    assert np.isnan(javascript("return resample.percentileInterval([NaN, NaN])")).all()


def test_what_is_undefined_is_nan_not_a_number(javascript):
    x = features()[0].copy()
    constant, zero = x.copy(), x.copy()
    constant[3], zero[3] = 2.0, 0.0
    grams, packed = stored([x, constant, zero, np.ones_like(x)])
    found = javascript(
        "const keep = every(input.packed.n); return input.measures.map((measure) =>"
        "finish(tasks.TASKS.matrix({ chosen: [0, 1, 2, 3], measure, keep }, states(input.packed))))",
        {"packed": packed, "measures": list(REGISTERED.values())},
    )
    for flat, name in zip(found, REGISTERED, strict=True):
        expected = similarity.measure(name).pairwise(
            similarity.Grams(np.stack([g.gram for g in grams]), np.stack([g.mean for g in grams]), x.shape[1])
        )
        np.testing.assert_allclose(np.array(flat, float).reshape(4, 4), expected, atol=1e-9, err_msg=name)
    assert np.isnan(np.array(found[0], float)).any() and np.isnan(np.array(found[3], float)).any()


def test_too_few_stimuli_and_other_stimuli_give_nothing(javascript, given):
    _, packed = given
    found = javascript(
        "const all = states(input); const m = (measure, keep) => finish(tasks.TASKS.matrix("
        "{ chosen: [0, 1], measure, keep }, all))[1];"
        "return [m(measures['rsa-cosine'], [0, 1]), m(measures['cka-linear-debiased'], [0, 1, 2]),"
        "m(measures['cka-linear'], [0, 1, 2])]",
        packed,
    )
    assert np.isnan(found[:2]).all() and np.isfinite(found[2])
    found = javascript(
        "const all = states(input); return finish(tasks.TASKS.matrix({ chosen: [0, 1, 2], keep: [0, 1, 2, 3],"
        "measure: measures['cka-linear'] }, all))",
        {**packed, "sets": [0, 0, 1, 1, 1]},
    )
    matrix = np.array(found, float).reshape(3, 3)
    assert (
        np.isnan(matrix[:2, 2]).all()
        and np.isfinite(matrix[:2, :2]).all()
        and matrix[2, 2] == pytest.approx(1)
    )


def test_maps(javascript, given):
    grams, _ = given
    rdms = [python_rdm(one, "euclidean") for one in grams[:4]]
    found = javascript(
        "let last = null; return input.rdms.map((v) => { const { points, stress } = "
        "scaling.mds(Float64Array.from(v),"
        "input.n); last = last ? scaling.alignTo(points, last) : points; return { points, stress, last }; })",
        {"rdms": rdms, "n": N},
    )
    expected = [similarity.mds(v, method="metric") for v in rdms]
    for frame, embedding in zip(found, expected, strict=True):
        assert frame["stress"] == pytest.approx(embedding.stress, abs=1e-6)
        np.testing.assert_allclose(frame["points"], embedding.points, atol=1e-4)
    aligned = similarity.align([e.points for e in expected])
    np.testing.assert_allclose([frame["last"] for frame in found], aligned, atol=1e-4)


def test_eigenvectors(javascript):
    x = np.random.default_rng(4).normal(size=(9, 9))
    matrix = x + x.T
    found = javascript("return scaling.eigen(input.flat(), input.length)", matrix)
    vectors = np.array(found["vectors"]).reshape(9, 9)
    np.testing.assert_allclose(vectors @ np.diag(found["values"]) @ vectors.T, matrix, atol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(9), atol=1e-12)


def test_condensed_order_is_pythons(javascript):
    i, j = pair_indices(5)
    gram = np.zeros((5, 5), np.float32)
    # Of one feature each, at places whose distances name their pair.
    places = np.array([0.0, 1.0, 3.0, 7.0, 12.0])
    gram[:] = places[:, None] * places
    rows, columns = np.triu_indices(5)
    packed = {"gram": [gram[rows, columns]], "mean": [places], "features": [1], "sets": [0], "n": 5}
    found = javascript("return grams.rdm(states(input)[0], 'euclidean', [0, 1, 2, 3, 4])", packed)
    np.testing.assert_allclose(found, np.abs(places[i] - places[j]), atol=1e-6)
