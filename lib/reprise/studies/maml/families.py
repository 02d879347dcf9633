"""Study 1: groups of conditions that belong together, each made from one condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from .config import MamlConfig

Conditions = Mapping[str, MamlConfig]

ALGORITHMS = get_args(MamlConfig.model_fields["algorithm"].annotation)

SWEEPS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "ways": ("ways", (5, 20)),
    "shots": ("shots", (1, 5)),
    "inner steps": ("inner_steps", (1, 5)),
    "blocks": ("blocks", (2, 3, 4)),
}
"""Title → field and values; all else as in the condition swept."""

SWITCHES: Mapping[str, Mapping[str, Any]] = {
    "inner loss: sum": {"inner_loss": "sum"},
    "offsets adapt too": {"adapt_offset": True},
    "max-pooling": {"downsampling": "pool"},
    "head from N(0, 1)": {"head_init": "normal"},
    "probe: a task's query set": {"probe": "query"},
}
"""What is switched, in words → settings; all else as in the condition switched."""


def _with(config: MamlConfig, **values: Any) -> MamlConfig:
    return MamlConfig.parse({**config.model_dump(), **values})


def algorithms(config: MamlConfig) -> Conditions:
    """The same tasks and seeds under every algorithm."""
    return {name: _with(config, algorithm=name) for name in ALGORITHMS}


def function(config: MamlConfig) -> Conditions:
    """What the weights of every algorithm do with layers frozen, reset and swapped."""
    return {name: _with(config, algorithm=name, analysis="function") for name in ALGORITHMS}


def sweeps(config: MamlConfig) -> Conditions:
    """One setting at a time: :data:`SWEEPS`."""
    return {
        f"{title} {value}": _with(config, **{field: value})
        for title, (field, values) in SWEEPS.items()
        for value in values
    }


def switches(config: MamlConfig) -> Conditions:
    """One switch at a time: :data:`SWITCHES`, the condition itself first."""
    return {"as it is": config, **{name: _with(config, **values) for name, values in SWITCHES.items()}}


def external(config: MamlConfig) -> Conditions:
    """Omniglot's official task within an alphabet, 20-way."""
    return {"within an alphabet": _with(config, ways=20, shots=1, analysis="within-alphabet")}


FAMILIES: Mapping[str, Callable[[MamlConfig], Conditions]] = {
    "algorithms": algorithms,
    "function": function,
    "sweeps": sweeps,
    "switches": switches,
    "external": external,
}
