"""Representational similarity of arrays: RSA, CKA, CCA and Procrustes, with inference.

Everything takes array-likes: NumPy arrays or torch tensors on any device, (stimuli, …features). RDMs are
condensed vectors: the row-major upper triangle, (n(n−1)/2,). Only NumPy is imported; torch and xarray are met
when a tensor is passed in or a labelled matrix asked for.

>>> import numpy as np
>>> from reprise import similarity
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(20, 50))
>>> similarity.rdm(x).shape
(190,)
>>> rotated = x @ np.linalg.qr(rng.normal(size=(50, 50)))[0]
>>> round(similarity.cka(x, rotated), 6)
1.0
"""

from ._arrays import UndefinedWarning, to_numpy
from .cca import canonical_correlations, cca, pwcca, pwcca_unwhitened, svcca
from .ceiling import NoiseCeiling, mantel, noise_ceiling
from .cka import cka, cka_from_grams, cka_matrix
from .compare import METHODS, compare
from .condensed import condense, n_stimuli, square
from .embedding import Embedding, align, mds, mds_of_scaled_rows
from .gram import Grams
from .inference import Estimate, bootstrap, paired_difference
from .matrix import similarity_matrix, to_rsatoolbox
from .measures import INVARIANCES, MEASURES, Measure, invariance_table, measure
from .minibatch import cka_minibatch
from .procrustes import procrustes
from .rdm import DISTANCES, rdm, rdm_from_gram

__all__ = [
    "DISTANCES",
    "INVARIANCES",
    "MEASURES",
    "METHODS",
    "Embedding",
    "Estimate",
    "Grams",
    "Measure",
    "NoiseCeiling",
    "UndefinedWarning",
    "align",
    "bootstrap",
    "canonical_correlations",
    "cca",
    "cka",
    "cka_from_grams",
    "cka_matrix",
    "cka_minibatch",
    "compare",
    "condense",
    "invariance_table",
    "mantel",
    "mds",
    "mds_of_scaled_rows",
    "measure",
    "n_stimuli",
    "noise_ceiling",
    "paired_difference",
    "procrustes",
    "pwcca",
    "pwcca_unwhitened",
    "rdm",
    "rdm_from_gram",
    "similarity_matrix",
    "square",
    "svcca",
    "to_numpy",
    "to_rsatoolbox",
]
