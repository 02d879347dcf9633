"""What was asked: the studies by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ..places import UserError

if TYPE_CHECKING:
    from .base import Study

STUDIES = ("maml", "control", "transfer", "segmentation")
"""Names of the studies, in the order of the book. Each is a sub-package with an object ``STUDY``."""


def study(name: str) -> Study:
    """Look a study up.

    Args:
        name: Its name.

    Raises:
        UserError: There is none of that name; the message lists those that exist.
    """
    if name not in STUDIES:
        raise UserError(f"unknown study {name!r}; there are: {', '.join(STUDIES)}")
    return importlib.import_module(f".{name}", __package__).STUDY
