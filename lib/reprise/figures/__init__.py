"""Datasets as pictures: each function returns a :class:`~reprise.figures.style.Plate`."""

from .style import Plate

__all__ = ["Plate"]
