"""Representational similarity of arrays: RSA, CKA, CCA and Procrustes, with inference.

Everything takes array-likes: NumPy arrays or torch tensors on any device, (stimuli, …features). RDMs are condensed
vectors: the row-major upper triangle, (n(n−1)/2,). Pure NumPy at import; torch and xarray are met only when passed in
or asked for.

>>> import numpy as np
>>> from reprise import similarity
>>> x = np.random.default_rng(0).normal(size=(20, 50))
>>> similarity.rdm(x).shape
(190,)
>>> round(similarity.cka(x, x @ np.linalg.qr(x.T @ x)[0]), 6)
1.0
"""

from ._arrays import UndefinedWarning
from .cca import canonical_correlations, cca, procrustes, pwcca, pwcca_projected, svcca
from .cka import cka, cka_from_grams, cka_matrix
from .compare import METHODS, compare
from .gram import Grams
from .measures import INVARIANCES, MEASURES, Measure, invariance_table, measure
from .rdm import DISTANCES, condense, n_stimuli, rdm, rdm_from_gram, square

__all__ = [
    "DISTANCES",
    "INVARIANCES",
    "MEASURES",
    "METHODS",
    "Grams",
    "Measure",
    "UndefinedWarning",
    "canonical_correlations",
    "cca",
    "cka",
    "cka_from_grams",
    "cka_matrix",
    "compare",
    "condense",
    "invariance_table",
    "measure",
    "n_stimuli",
    "procrustes",
    "pwcca",
    "pwcca_projected",
    "rdm",
    "rdm_from_gram",
    "square",
    "svcca",
]
