"""Grams as units keep them."""

import numpy as np
import pytest

from reprise import similarity
from reprise.engine.grams import fold, kept_states, unfold


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def some(rng, n, count):
    return [similarity.Grams.of(rng.standard_normal((n, 4 + i))) for i in range(count)]


@pytest.mark.parametrize("lead", [(), (2, 3)])
def test_folding_keeps_the_upper_triangle_row_by_row(rng, lead):
    features = rng.standard_normal((*lead, 5, 7))
    gram = features @ np.swapaxes(features, -1, -2)
    folded = fold(gram)
    loop = np.stack([gram[..., i, j] for i in range(5) for j in range(i, 5)], -1).astype(np.float32)
    np.testing.assert_array_equal(folded, loop)
    np.testing.assert_array_equal(unfold(folded), gram.astype(np.float32))


def test_a_vector_of_another_length_is_no_triangle():
    with pytest.raises(ValueError, match="5 is not the length of an upper triangle"):
        unfold(np.zeros((2, 5)))


def test_kept_states_give_back_the_similarities(rng):
    grams = some(rng, 6, 3)
    kept = kept_states(grams, layer=np.array(["a", "a", "b"]), step=np.array([0, 1, 1]))
    assert kept["state_layer"].values.tolist() == ["a", "a", "b"]
    assert kept["state_step"].values.tolist() == [0, 1, 1]
    assert kept["state_features"].values.tolist() == [4, 5, 6]
    for name in ("rsa-correlation", "cka-linear"):
        measure = similarity.measure(name)
        again = similarity.Grams(
            unfold(kept["gram"].values), kept["feature_mean"].values, kept["state_features"].values
        )
        expected = measure.pairwise(similarity.Grams.stack(grams))
        np.testing.assert_allclose(measure.pairwise(again), expected, atol=1e-5)


def test_grams_of_some_stimuli_are_those_of_their_features(rng):
    x = rng.standard_normal((2, 8, 5))
    chosen = np.array([6, 1, 3, 4])
    part, full = similarity.Grams.of(x[:, chosen], stacked=True), similarity.Grams.of(x, stacked=True)
    np.testing.assert_allclose(full.only(chosen).gram, part.gram, atol=1e-12)
    np.testing.assert_allclose(full.only(chosen).mean, part.mean, atol=1e-12)
    assert full.only(None) is full
    np.testing.assert_array_equal(full.only(slice(2, 5)).gram, full.gram[:, 2:5, 2:5])
