"""CCA and relatives against scikit-learn, SciPy and formulas written out with covariances."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes, sqrtm, subspace_angles
from sklearn.cross_decomposition import CCA

from reprise import similarity


def pair(n=200, dx=6, dy=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dx)) @ rng.normal(size=(dx, dx)) + rng.normal(size=dx)
    y = x[:, :dy] + rng.normal(size=(n, dy)) * np.arange(1, dy + 1) + 3
    return x, y


def test_canonical_correlations_equal_scikit_learn_and_subspace_angles():
    x, y = pair()
    model = CCA(n_components=4, scale=False, max_iter=5000, tol=1e-12).fit(x, y)
    u, v = model.transform(x, y)
    expected = [abs(np.corrcoef(u[:, i], v[:, i])[0, 1]) for i in range(4)]
    rho = similarity.canonical_correlations(x, y)
    np.testing.assert_allclose(rho, np.sort(expected)[::-1], atol=1e-6)
    angles = subspace_angles(x - x.mean(0), y - y.mean(0))
    np.testing.assert_allclose(rho, np.sort(np.cos(angles))[::-1], atol=1e-10)
    assert similarity.cca(x, y) == pytest.approx(rho.mean())


def test_rank_deficiency():
    x, y = pair()
    redundant = np.hstack([x, x @ np.ones((6, 2)), np.ones((200, 1))])
    assert similarity.cca(redundant, y) == pytest.approx(similarity.cca(x, y), abs=1e-10)
    # As many features as stimuli: all correlations are 1, whatever the data.
    rng = np.random.default_rng(0)
    assert similarity.cca(rng.normal(size=(10, 30)), rng.normal(size=(10, 20))) == pytest.approx(1.0)


def test_svcca_is_cca_of_principal_components():
    x, y = pair(dx=12)
    x[:, 5:] *= 1e-3

    def components(z):
        z = z - z.mean(0)
        u, s, _ = np.linalg.svd(z, full_matrices=False)
        keep = np.searchsorted(np.cumsum(s**2) / np.sum(s**2), 0.99) + 1
        return u[:, :keep] * s[:keep]

    assert similarity.svcca(x, y) == pytest.approx(similarity.cca(components(x), components(y)), abs=1e-10)
    assert similarity.svcca(x, y, variance=1.0) == pytest.approx(similarity.cca(x, y), abs=1e-10)
    for wrong in (0.0, 1.1):
        with pytest.raises(ValueError, match="variance"):
            similarity.svcca(x, y, variance=wrong)


def whitened_directions(x, y):
    """Coefficients in the whitened spaces, by covariances and matrix square roots."""
    x, y = x - x.mean(0), y - y.mean(0)
    root_x, root_y = (np.linalg.inv(np.real(sqrtm(z.T @ z))) for z in (x, y))
    u, rho, vt = np.linalg.svd(root_x @ x.T @ y @ root_y, full_matrices=False)
    return x, y, root_x, u, vt.T, rho


def test_pwcca_by_its_formula():
    x, y = pair()
    centred, _, root, u, _, rho = whitened_directions(x, y)
    variates = centred @ root @ u
    weights = np.abs(variates.T @ centred).sum(axis=1)
    assert similarity.pwcca(x, y) == pytest.approx(np.sum(weights * rho) / weights.sum(), abs=1e-10)


@pytest.mark.parametrize("swap", [False, True])
def test_pwcca_as_copied(swap):
    x, y = pair()
    _, centred, _, _, v, rho = whitened_directions(x, y)
    q, _ = np.linalg.qr(centred @ v)  # not whitened
    weights = np.abs(q.T @ centred).sum(axis=1)
    expected = np.sum(weights * rho) / weights.sum()
    got = similarity.pwcca_unwhitened(*((y, x) if swap else (x, y)))
    assert got == pytest.approx(expected, abs=1e-10)
    assert got != pytest.approx(similarity.pwcca(y, x), abs=1e-3)


def test_pwcca_as_copied_needs_full_rank():
    x, _ = pair(n=5)
    with pytest.raises(ValueError, match="full column rank"):
        similarity.pwcca_unwhitened(x, x)


@pytest.mark.parametrize(("dx", "dy"), [(6, 6), (6, 4), (500, 300), (500, 3)])
def test_procrustes_by_its_formula(dx, dy):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, dx)), rng.normal(size=(30, dy))
    a, b = (z - z.mean(0) for z in (x, y))
    cosine = np.linalg.norm(a.T @ b, "nuc") / np.linalg.norm(a) / np.linalg.norm(b)
    assert similarity.procrustes(x, y) == pytest.approx(np.arccos(cosine), abs=1e-10)
    if dx == dy:
        rotation, _ = orthogonal_procrustes(a / np.linalg.norm(a), b / np.linalg.norm(b))
        chord = np.linalg.norm(a / np.linalg.norm(a) @ rotation - b / np.linalg.norm(b))
        assert similarity.procrustes(x, y) == pytest.approx(2 * np.arcsin(chord / 2), abs=1e-10)


def test_procrustes_is_exactly_small_for_the_same_shape():
    x, _ = pair()
    q, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))
    assert similarity.procrustes(x, 3 * x @ q + 1) < 1e-13
    assert similarity.procrustes(x, x + 1e-9 * np.random.default_rng(2).normal(size=x.shape)) > 1e-10


def test_procrustes_is_a_metric_on_these():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y, z = rng.normal(size=(3, 10, 4))
        d = similarity.procrustes
        assert d(x, z) <= d(x, y) + d(y, z) + 1e-12
