"""Datasets as widgets that compute in the page: an anywidget class and a plain ES module each.

- ``Representation``: any two states that a unit keeps, under every measure that follows from their Grams.
- ``Dynamics``: change per layer over training, with the state at a cursor.
- ``Segmentation``: two conditions of study 3, from their quality to their predictions and layers.
- ``Specification``: a claim under every measure and condition.
- ``Rule``: a rule at every choice that it could have made by hand.
- ``Parameters``: a study's settings as a form, with the command for them.

What they compute stands in ``core.js`` (RDMs, comparisons, CKA), ``ranks.js``, ``resample.js`` (bootstrap
over stimuli), ``scaling.js`` (maps), ``outcomes.js`` and ``choices.js`` (rules), with the results of
:mod:`reprise.similarity` and :mod:`reprise.claims`; :mod:`.joining` puts the files of a widget together.
None but ``Segmentation`` knows of any study.
"""

from .dynamics import Dynamics
from .parameters import Parameters
from .representation import Representation
from .rule import Rule
from .segmentation import Segmentation
from .specification import Specification
from .states import Column, States, states_of

__all__ = [
    "Column",
    "Dynamics",
    "Parameters",
    "Representation",
    "Rule",
    "Segmentation",
    "Specification",
    "States",
    "states_of",
]
