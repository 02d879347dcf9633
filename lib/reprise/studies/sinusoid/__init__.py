"""Sinusoid regression, small enough to be trained while a page is executed.

It prepares the reader for study 1 and judges no claim: nothing of it is stored or published.
"""

from .measure import adapt, look, provenance_line
from .settings import SinusoidSettings
from .train import Trained, build_model, inner_loop, train, untrained

__all__ = [
    "SinusoidSettings",
    "Trained",
    "adapt",
    "build_model",
    "inner_loop",
    "look",
    "provenance_line",
    "train",
    "untrained",
]
