"""Named layers of any ``torch.nn.Module``: what they put out on the next forward pass."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn


def layer_names(module: nn.Module, leaves: bool = True) -> list[str]:
    """Names under which the layers of a network can be asked for.

    Args:
        module: Any network.
        leaves: Only modules without children (the layers proper), in order of registration. With
            ``False`` also the containers, such as a whole residual stage.

    Returns:
        Dotted names as in ``module.named_modules()``; the network itself (name ``""``) is left out.
    """
    return [
        name
        for name, child in module.named_modules()
        if name and (not leaves or next(child.children(), None) is None)
    ]


def check_layers(module: nn.Module, layers: Sequence[str]) -> None:
    """Refuse names that the network does not have.

    Args:
        module: Any network.
        layers: Dotted names.

    Raises:
        ValueError: A name is unknown; the message lists those that exist.
    """
    known = layer_names(module, leaves=False)
    for name in layers:
        if name not in known:
            raise ValueError(f"no layer {name!r} in {type(module).__name__}; it has: {', '.join(known)}")


@contextlib.contextmanager
def capture(module: nn.Module, layers: Sequence[str] | Mapping[str, str]) -> Iterator[dict[str, Tensor]]:
    """Record what named layers put out while the block runs.

    Works for plain calls, under ``torch.func.functional_call`` and inside ``torch.func`` transforms
    (``vmap``, ``grad``): open it *inside* the transformed function, so that what is recorded belongs to
    the same level of the transform as what the function returns.

    Args:
        module: Any network.
        layers: Dotted names, or a mapping from the names wanted to dotted names.

    Yields:
        A dict, filled anew by every forward pass: name → output, with the shape and on the device that the
        layer gave it. A layer called more than once in a pass keeps its last output. Outputs keep their
        graph; call under ``torch.no_grad()`` to drop it.

    Raises:
        ValueError: A name is unknown; the message lists those that exist.
        TypeError: A layer puts out something other than one tensor (raised by the forward pass).
    """
    wanted = dict(layers) if isinstance(layers, Mapping) else {name: name for name in layers}
    check_layers(module, list(wanted.values()))
    outputs: dict[str, Tensor] = {}
    submodules = dict(module.named_modules())
    # An in-place layer (usually a ReLU) that follows would overwrite the output after it was recorded.
    works_in_place = any(getattr(child, "inplace", False) for child in submodules.values())

    def hook_for(name: str):
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, Tensor):
                raise TypeError(f"layer {wanted[name]!r} puts out {type(output).__name__}, not one tensor")
            outputs[name] = output.clone() if works_in_place else output

        return hook

    handles = [submodules[dotted].register_forward_hook(hook_for(name)) for name, dotted in wanted.items()]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def flat(output: Tensor) -> Tensor:
    """Stimuli × features: everything after the first axis flattened, shape ``(n, …) → (n, p)``."""
    return torch.flatten(output, start_dim=1)
