"""Labelled matrices, the way to rsatoolbox, and how light the package is."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from reprise import similarity


def items():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(15, 6))
    return {"first": x, "second": x + rng.normal(size=x.shape), "third": rng.normal(size=(15, 4))}


@pytest.mark.parametrize("measure", ["cka-linear", "rsa-cosine", "procrustes", "pwcca"])
def test_similarity_matrix(measure):
    entry = similarity.measure(measure)
    result = similarity.similarity_matrix(items(), measure=measure)
    assert result.dims == ("representation", "other")
    assert list(result.representation.values) == ["first", "second", "third"]
    expected = entry(items()["first"], items()["third"])
    assert float(result.sel(representation="first", other="third")) == pytest.approx(expected)
    assert result.name == measure
    assert result.attrs["long_name"] == entry.axis
    assert ("smaller" in result.attrs["direction"]) == (measure == "procrustes")
    few = similarity.similarity_matrix(items(), list(items().values())[1:], measure=entry)
    assert few.shape == (3, 2)
    assert list(few.other.values) == ["0", "1"]


def test_similarity_matrix_refuses():
    with pytest.raises(ValueError, match="no representations"):
        similarity.similarity_matrix({})
    with pytest.raises(ValueError, match="unknown measure"):
        similarity.similarity_matrix(items(), measure="cka")


def test_to_rsatoolbox():
    stack = np.stack([similarity.rdm(x) for x in items().values()])
    converted = similarity.to_rsatoolbox(stack, stimuli=[f"s{i}" for i in range(15)], names=list(items()))
    np.testing.assert_array_equal(converted.get_vectors(), stack)
    np.testing.assert_array_equal(converted.get_matrices()[1], similarity.square(stack[1]))
    assert converted.dissimilarity_measure == "correlation"
    assert list(converted.rdm_descriptors["name"]) == list(items())
    assert similarity.to_rsatoolbox(stack[0]).n_rdm == 1
    with pytest.raises(ValueError, match="stimuli given"):
        similarity.to_rsatoolbox(stack, stimuli=["one"])


def test_to_rsatoolbox_without_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "rsatoolbox.rdm.rdms", None)
    with pytest.raises(ImportError, match="pip install rsatoolbox"):
        similarity.to_rsatoolbox(np.ones(3))


def test_import_is_light():
    code = "import sys, reprise.similarity; print({'torch', 'scipy', 'xarray', 'pandas'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_everything_public_is_documented():
    for name in similarity.__all__:
        thing = getattr(similarity, name)
        assert isinstance(thing, (dict, tuple)) or thing.__doc__, name


def peak(call):
    call()
    tracemalloc.start()
    call()
    bytes_ = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return bytes_


@pytest.mark.parametrize("shape", [(300, 20_000), (1500, 200)])
@pytest.mark.parametrize("distance", ["correlation", "euclidean", "cosine"])
def test_memory_of_an_rdm(distance, shape):
    n, d = shape
    x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    allowed = 2 * 8 * n * n + 4 * n * d
    assert peak(lambda: similarity.rdm(x, distance)) <= 1.02 * allowed + 2e5


@pytest.mark.parametrize("shape", [(300, 20_000), (1500, 2000)])
@pytest.mark.parametrize("debiased", [False, True])
def test_memory_of_cka(shape, debiased):
    n, d = shape
    x, y = (np.random.default_rng(s).standard_normal(shape, dtype=np.float32) for s in range(2))
    allowed = 2 * 8 * n * n + 4 * n * d
    assert peak(lambda: similarity.cka(x, y, debiased=debiased)) <= 1.02 * allowed + 2e5
