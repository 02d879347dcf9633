"""Reprise: what networks keep when they learn again.

The library behind the book. Sub-packages, from the ground up:

- ``reprise.similarity``: representational similarity of arrays (RSA, CKA and relatives); NumPy only.
- ``reprise.data``, ``reprise.models``: what is learned from, and the networks of the three papers.
- ``reprise.training``: how they learn.
- ``reprise.engine``: configurations, units, the store that keeps them; computing and gathering units.
- ``reprise.claims``, ``reprise.plots``, ``reprise.widgets``: datasets as verdicts and as pictures.
- ``reprise.studies``: what was asked, a folder a study.

- ``reprise.profile(model_a, model_b, images)``: layer by layer similarity of any two networks, in one call.

Nothing heavy is imported here: ``import reprise`` costs a few milliseconds.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .profiling import profile

__all__ = ["__version__", "profile"]

try:
    __version__ = version("reprise")
except PackageNotFoundError:  # run from a checkout on PYTHONPATH, as on a bare GPU machine
    __version__ = "0+checkout"


def __getattr__(name: str) -> Any:
    """``profile`` on first use: it imports torch."""
    if name == "profile":
        from .profiling import profile

        return profile
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
