"""Datasets as pictures: each function returns a :class:`~reprise.plots.style.Plate`."""

from .style import Plate

__all__ = ["Plate"]
