"""Figures of study 2, each from runs by the name of their condition."""

from .figures import by_layer, levels, pretrained_or_initial
from .figures_audit import audit, beside_authors
from .figures_course import maps, over_epochs
from .figures_function import freezing, gain_against_change
from .figures_learning import learning
from .figures_stimuli import stimuli

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
