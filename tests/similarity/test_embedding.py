"""Multidimensional scaling against known points and scikit-learn."""

from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.manifold import smacof
from sklearn.preprocessing import StandardScaler

from reprise import similarity


def test_classical_recovers_points():
    points = np.random.default_rng(0).normal(size=(15, 3))
    result = similarity.mds(pdist(points), 3)
    np.testing.assert_allclose(pdist(result.points), pdist(points), atol=1e-10)
    assert result.stress < 1e-10
    np.testing.assert_allclose(result.points.mean(axis=0), 0, atol=1e-12)
    assert (np.diff(result.points.var(axis=0)) < 0).all()
    np.testing.assert_array_equal(similarity.mds(squareform(pdist(points)), 3).points, result.points)


def test_metric_is_as_good_as_scikit_learn():
    rng = np.random.default_rng(0)
    target = pdist(rng.normal(size=(25, 10)))
    result = similarity.mds(target, 2, "metric")
    classical = similarity.mds(target, 2)
    assert result.stress <= classical.stress
    theirs: Any = smacof(
        squareform(target), n_components=2, init=classical.points, n_init=1, max_iter=2000, eps=1e-12
    )[0]
    distances = pdist(theirs)
    stress = np.sqrt(np.sum((target - distances) ** 2) / np.sum(distances**2))
    assert result.stress == pytest.approx(stress, rel=1e-3)


def test_rows_as_features():
    rng = np.random.default_rng(0)
    matrix = squareform(pdist(rng.normal(size=(12, 4))))
    rows = StandardScaler().fit_transform(matrix)
    result = similarity.mds_of_scaled_rows(matrix, 2)
    expected = similarity.mds(pdist(rows), 2, "metric")
    np.testing.assert_allclose(result.points, expected.points, atol=1e-8)
    assert not np.allclose(pdist(result.points), similarity.mds(matrix, 2, "metric").points[:, 0].std())
    assert "rows" in result.method


def test_equal_points_and_zero_columns():
    result = similarity.mds(np.zeros(6), 2, "metric")
    np.testing.assert_array_equal(result.points, 0)
    assert result.stress == 0
    assert np.isfinite(similarity.mds_of_scaled_rows(np.zeros((4, 4))).points).all()


def test_frames_do_not_flip():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(20, 2))
    frames = []
    for step in range(8):
        q, _ = np.linalg.qr(rng.normal(size=(2, 2)))
        frames.append((base + 0.02 * step * rng.normal(size=(20, 2))) @ q + rng.normal(size=2))
    aligned = similarity.align(frames)
    for before, after, frame in zip(aligned[:-1], aligned[1:], frames[1:], strict=True):
        assert np.abs(after - before).max() < 0.8
        np.testing.assert_allclose(pdist(after), pdist(frame), atol=1e-10)
    turned = similarity.align(frames, reference=base)
    assert np.abs(turned[0] - (base - base.mean(0))).max() < 1e-10


def test_refuses():
    for wrong, words in (
        (np.array([1.0, np.nan, 2.0]), "NaN"),
        (np.array([1.0, -1.0, 2.0]), "negative"),
        (np.arange(9.0).reshape(3, 3), "symmetric"),
        (np.zeros((2, 3, 3)), "must be"),
    ):
        with pytest.raises(ValueError, match=words):
            similarity.mds(wrong)
    with pytest.raises(ValueError, match="dimensions"):
        similarity.mds(np.ones(3), 3)
    with pytest.raises(ValueError, match="classical, metric"):
        similarity.mds(np.ones(3), 2, "tsne")
    with pytest.raises(ValueError, match="frames"):
        similarity.align(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="reference"):
        similarity.align(np.zeros((2, 4, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="NaN"):
        similarity.align(np.full((2, 4, 2), np.nan))
