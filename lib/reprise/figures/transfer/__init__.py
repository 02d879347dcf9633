"""Figures of study 2, each from runs by the name of their condition."""

from .audit import audit, beside_authors
from .course import maps, over_epochs
from .function import freezing, gain_against_change
from .layers import by_layer, levels, pretrained_or_initial
from .learning import learning
from .stimuli import stimuli

__all__ = [
    "audit",
    "beside_authors",
    "by_layer",
    "freezing",
    "gain_against_change",
    "learning",
    "levels",
    "maps",
    "over_epochs",
    "pretrained_or_initial",
    "stimuli",
]
