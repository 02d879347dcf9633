"""The supervised control: what the same network learns besides, for claims about learning as such."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .config import LEARNED, ControlConfig

CHARACTERS: Mapping[str, Mapping[str, Any]] = {
    "mnist": {**LEARNED, "dataset": "omniglot"},
    "mnist-test": LEARNED,
    "glyphs": {"classes": 20},
}
"""Data set of digits → settings of the characters that stand beside it: those that study 1 meta-trains on at
the same scale, and a synthetic set beside itself."""


def tasks(config: ControlConfig) -> dict[str, ControlConfig]:
    """Four tasks for one network, each with perturbations that change as much as learning it does.

    Args:
        config: The setting of digits.

    Returns:
        The digits themselves; characters, learned; gratings; and the digits with random labels.
    """
    replaced: dict[str, Mapping[str, Any]] = {
        "digits": {},
        "characters": CHARACTERS.get(config.dataset, LEARNED),
        "gratings": {"dataset": "gratings", "classes": 10, "rate": 1e-3},
        "random labels": {"labels": "random"},
    }
    return {
        name: config.parse({**config.model_dump(), "nulls": "matched", **values})
        for name, values in replaced.items()
    }


FAMILIES: Mapping[str, Callable[[ControlConfig], Mapping[str, ControlConfig]]] = {"tasks": tasks}
