"""Parts of a segmentation network: their names, and how they go from one network into another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

PARTS = ("encoder", "decoder", "head")
"""Parts of a network, from the image to the class of every pixel."""


def transplant(source: nn.Module | Mapping[str, Tensor], target: Network, parts: Iterable[str]) -> Network:
    """Copy parts of one network into another, running statistics included.

    Args:
        source: A network, or the ``state_dict`` of one.
        target: Changed in place, once everything is known to fit.
        parts: Which of :data:`PARTS`.

    Returns:
        The target.

    Raises:
        ValueError: There is no such part, or the parts are not of one shape; the message names the first
            parameter that differs.
    """
    state = source.state_dict() if isinstance(source, nn.Module) else source
    fitting: dict[str, dict[str, Tensor]] = {}
    for part in check_parts(parts):
        given = {key.removeprefix(f"{part}."): v for key, v in state.items() if key.startswith(f"{part}.")}
        wanted = target.get_submodule(part).state_dict()
        for key in [*wanted, *given]:
            name = f"{part}.{key}"
            if key not in given:
                raise ValueError(f"the {part} cannot be transplanted: the source has no {name}")
            if key not in wanted:
                raise ValueError(f"the {part} cannot be transplanted: the target has no {name}")
            if given[key].shape != wanted[key].shape:
                raise ValueError(
                    f"the {part} cannot be transplanted: {name} is {tuple(given[key].shape)} in the source "
                    f"and {tuple(wanted[key].shape)} in the target"
                )
        fitting[part] = given
    for part, given in fitting.items():
        target.get_submodule(part).load_state_dict(given)
    return target


def check_parts(parts: Iterable[str]) -> tuple[str, ...]:
    """The parts, if all exist.

    Raises:
        ValueError: One does not; the message lists those that do.
    """
    parts = tuple(parts)
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"no part {part!r}; a network has: {', '.join(PARTS)}")
    return parts
