"""Explorers in a chapter: shown with a word for readers without JavaScript, and fed from store and data."""

from .analyses import analyses, measure_matters, spell_absent
from .panel import parameter_table, parameters, published_settings, rates
from .rules import rule_matters
from .segmentation import networks, segmentation
from .shown import explore
from .stimuli import crop_pictures, image_pictures, pictures
from .transfer import transfer_change, transfer_states

__all__ = [
    "analyses",
    "crop_pictures",
    "explore",
    "image_pictures",
    "measure_matters",
    "networks",
    "parameter_table",
    "parameters",
    "pictures",
    "published_settings",
    "rates",
    "rule_matters",
    "segmentation",
    "spell_absent",
    "transfer_change",
    "transfer_states",
]
