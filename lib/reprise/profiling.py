"""Layer by layer similarity of two networks in one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.similarity import Grams, Measure
from reprise.similarity import measure as find_measure
from reprise.similarity.matrix import labelled

if TYPE_CHECKING:
    import xarray
    from torch import Tensor, nn

__all__ = ["profile"]

_MANY = 40  # layers; networks with more are by default shown by their blocks


def profile(
    model_a: nn.Module,
    model_b: nn.Module,
    images: Any,
    layers: Sequence[str] | None = None,
    measure: str | Measure = "cka-linear",
    *,
    layers_b: Sequence[str] | None = None,
    batch_size: int = 64,
    device: Any = None,
    memory: float = 2.0,
    training: bool = False,
    progress: bool = True,
) -> xarray.DataArray:
    """Similarity of every layer of one network to every layer of another, on the same images.

    Both run in evaluation mode without gradients and are left as they came. Layers are taken in groups that
    fit into `memory`, with one pass over the images a group.

    Args:
        model_a: Any torch module that maps a batch of images to something.
        model_b: Another one, or the same (for the similarity of its layers to each other).
        images: (n, channels, height, width), as both networks expect it; or a list or loader of such batches,
            which may be (images, labels, …); it is run through more than once.
        layers: Dotted names of layers of `model_a`. By default the layers proper (convolutions,
            activations, …) that run; of networks with more than 40, the modules one level below the top.
        measure: Id in the registry of measures, or an entry of it.
        layers_b: Layers of `model_b`; by default `layers`, or as for `model_a`.
        batch_size: Images a forward pass, where `images` is one array.
        device: Where to run; by default where each network is.
        memory: Gigabytes of activations held at a time. CCA and Procrustes need all layers and ignore it.
        training: Leave the networks in the mode they are in (batch norm may then update its statistics).
        progress: Show a progress bar.

    Returns:
        `xarray.DataArray` (layer_a, layer_b); attribute `stimuli` is n. `result.values.diagonal()` is the
        profile over depth, if both networks have the same layers.

    Raises:
        ValueError: Unknown layer (the message lists those that exist) or measure, fewer than 3 images, NaN or
            Inf in activations.
        TypeError: A layer puts out something other than one tensor with a row per image.
    """
    from reprise.models.activations import check_layers

    entry = measure if isinstance(measure, Measure) else find_measure(measure)
    batches = _Batches(images, batch_size)
    grams = entry.follows_from_grams
    budget = memory * 1e9 if grams else float("inf")
    for model, chosen in ((model_a, layers), (model_b, layers_b if layers_b is not None else layers)):
        check_layers(model, chosen or [])
    with ExitStack() as stack:
        if not training:
            stack.enter_context(_evaluating(model_a))
            stack.enter_context(_evaluating(model_b))
        names_a = list(layers or _default_layers(model_a, batches, device))
        names_b = list(layers_b or layers or _default_layers(model_b, batches, device))
        same = model_b is model_a and names_b == names_a
        left = _collect(model_a, names_a, batches, device, budget, grams, "model_a" if progress else None)
        right = left
        if not same:
            right = _collect(
                model_b, names_b, batches, device, budget, grams, "model_b" if progress else None
            )
    if grams:
        values = entry.pairwise(Grams.stack(left), None if same else Grams.stack(right))
    else:
        values = entry.matrix(left, None if same else right)
    result = labelled(values, entry, {"layer_a": names_a, "layer_b": names_b})
    result.attrs["stimuli"] = left[0].n if grams else len(left[0])
    return result


def _default_layers(model: nn.Module, batches: _Batches, device: Any) -> list[str]:
    """Layers that run in a forward pass and put out one row per image, at a grain that can be looked at."""
    import torch

    from reprise.models.activations import layer_names

    names = layer_names(model)
    if len(names) > _MANY:
        names = [name for name in layer_names(model, leaves=False) if name.count(".") <= 1]
        parents = {name.rpartition(".")[0] for name in names}
        names = [name for name in names if name not in parents]
    batch = next(iter(batches))
    fit: set[str] = set()

    def hook_for(name: str) -> Any:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor) and output.ndim >= 2 and len(output) == len(batch):
                fit.add(name)

        return hook

    modules = dict(model.named_modules())
    handles = [modules[name].register_forward_hook(hook_for(name)) for name in names]
    try:
        with torch.no_grad(), _placed(model, device) as where:
            model(batch.to(where))
    finally:
        for handle in handles:
            handle.remove()
    if not fit:
        raise ValueError(f"found no layers in {type(model).__name__} with one row per image; name them")
    return [name for name in names if name in fit]


@contextmanager
def _placed(model: nn.Module, device: Any) -> Iterator[Any]:
    """The model on a device, and afterwards back where it was."""
    import torch

    home = next((p.device for p in model.parameters()), torch.device("cpu"))
    where = home if device is None else torch.device(device)
    model.to(where)
    try:
        yield where
    finally:
        model.to(home)


class _Batches:
    """Images in batches, as often as asked."""

    def __init__(self, images: Any, size: int) -> None:
        import torch

        if isinstance(images, np.ndarray):
            images = torch.as_tensor(images)
        self.single = isinstance(images, torch.Tensor)
        self.images, self.size = images, size
        if self.single and (images.ndim < 2 or len(images) < 3):
            raise ValueError(
                f"images must be at least 3 stimuli along the first axis, got {tuple(images.shape)}"
            )
        if isinstance(images, Iterator):
            raise ValueError(
                "images is an iterator, which can be run through only once; pass a list or a loader"
            )

    def __len__(self) -> int:
        return -(-len(self.images) // self.size) if self.single else len(self.images)

    def __iter__(self) -> Iterator[Tensor]:
        if self.single:
            yield from self.images.split(self.size)
        else:
            for item in self.images:
                yield item[0] if isinstance(item, (tuple, list)) else item


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _collect(
    model: nn.Module,
    layers: list[str],
    batches: _Batches,
    device: Any,
    budget: float,
    grams: bool,
    label: str | None,
) -> list[Any]:
    """Grams, or activations (n, features), of the layers."""
    import torch
    from tqdm.auto import tqdm

    done: dict[str, Any] = {}
    with torch.no_grad(), _placed(model, device) as where:
        groups = _groups(model, layers, batches, where, budget)
        total = len(groups) * len(batches)
        with tqdm(total=total, desc=label, unit="batch", disable=label is None, leave=False) as bar:
            for group in groups:
                parts: dict[str, list[np.ndarray]] = {name: [] for name in group}
                for outputs in _outputs(model, group, batches, where):
                    for name in group:
                        parts[name].append(outputs[name])
                    bar.update()
                for name in group:
                    whole = np.concatenate(parts.pop(name))
                    done[name] = Grams.of(whole) if grams else whole
    return [done[name] for name in layers]


def _outputs(
    model: nn.Module, layers: list[str], batches: _Batches, device: Any
) -> Iterator[dict[str, np.ndarray]]:
    from reprise.models.activations import capture
    from reprise.similarity import to_numpy

    for batch in batches:
        with capture(model, layers) as outputs:
            model(batch.to(device))
            missing = [name for name in layers if name not in outputs]
            if missing:
                raise ValueError(f"layers {missing} of {type(model).__name__} do not run in a forward pass")
            for name in layers:
                if outputs[name].ndim < 2 or len(outputs[name]) != len(batch):
                    shape = tuple(outputs[name].shape)
                    raise TypeError(f"layer {name!r} puts out {shape}, not one row per image ({len(batch)})")
            yield {name: to_numpy(outputs[name].flatten(1)) for name in layers}


def _groups(
    model: nn.Module, layers: list[str], batches: _Batches, device: Any, budget: float
) -> list[list[str]]:
    """Layers in groups whose activations for all images stay within the budget in bytes."""
    if budget == float("inf"):
        return [layers]
    first = next(iter(_outputs(model, layers, batches, device)))
    groups, used = [list[str]()], 0.0
    for name in layers:
        size = float(first[name].nbytes) * len(batches)
        if groups[-1] and used + size > budget:
            groups, used = [*groups, []], 0.0
        groups[-1].append(name)
        used += size
    return groups
