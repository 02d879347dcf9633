"""Networks of study 2 by name, each with named layers to look at and stages to freeze."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ..places import UserError
from . import imagenet as published
from .conv4 import TRANSFER_LAYERS, Conv4Transfer
from .resnet import RESNET18_LAYERS, RESNET18_STAGES, resnet18
from .vgg import VGG16_LAYERS, VGG16_STAGES, vgg16_bn

TIMM = "timm:"
"""Prefix of names that are looked up in timm."""

NAMES = ("conv4", "resnet18", "vgg16-bn")
"""Architectures of the paper; any of timm's goes too, as ``timm:<name>``."""

_CONV4_STAGES = {**{f"pool{i}": (f"blocks.{i - 1}",) for i in range(1, 5)}, "head": ("head",)}
# Initial values are drawn from torch's one global stream, which only one network may use at a time.
_DRAWING = threading.Lock()


@dataclass(frozen=True)
class Architecture:
    """A network with what study 2 needs to know of it.

    Attributes:
        model: The network: images (n, 3, h, w) in [−1, 1] to logits (n, classes).
        layers: Names of layers to look at, in order of depth, the last one ``"logits"`` → dotted names.
        stages: Names of stages in order of depth, the last one ``"head"`` → prefixes of their parameters.
        parted: Number of stages → these stages and the rest, as two modules that share the network's weights;
            None where the stages are not simply in a row.
    """

    model: nn.Module
    layers: Mapping[str, str]
    stages: Mapping[str, tuple[str, ...]]
    parted: Callable[[int], tuple[nn.Module, nn.Module]] | None = None

    @property
    def body(self) -> list[str]:
        """Stages without the head."""
        return [name for name in self.stages if name != "head"]

    def chosen(self, layers: Sequence[str]) -> dict[str, str]:
        """Layers to look at.

        Args:
            layers: Names as in :attr:`layers`, or dotted names of the network; all named ones if empty.

        Raises:
            UserError: A name is neither; the message lists those that exist.
        """
        if not layers:
            return dict(self.layers)
        known = {**{name: name for name, _ in self.model.named_modules() if name}, **self.layers}
        if missing := [name for name in layers if name not in known]:
            dotted = [name for name in known if name not in self.layers]
            raise UserError(
                f"no layer {missing[0]!r}; it has: {', '.join(self.layers)}; and by their place in the "
                f"network: {', '.join(dotted)}"
            )
        return {name: known[name] for name in layers}

    def parameters_of(self, stages: Sequence[str]) -> set[str]:
        """Names of the parameters of some stages."""
        prefixes = [prefix for stage in stages for prefix in self.stages[stage]]
        return {
            name
            for name, _ in self.model.named_parameters()
            if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
        }


def build(name: str, classes: int, seed: int, image_size: int = 32, imagenet: bool = False) -> Architecture:
    """Build a network with initial values that depend on the seed alone.

    Args:
        name: ``"conv4"``, ``"resnet18"``, ``"vgg16-bn"`` or ``"timm:<name>"``.
        classes: Classes to tell apart.
        seed: Seed of the initial values.
        image_size: Height and width of the images in pixels.
        imagenet: Weights published for ImageNet, but for the head, which stays fresh.

    Raises:
        UserError: There is no such network, or no ImageNet weights for it, or they cannot be fetched.
    """
    makers: dict[str, Callable[[], Architecture]] = {
        "conv4": lambda: _conv4(classes, image_size, imagenet),
        "resnet18": lambda: Architecture(resnet18(classes, imagenet), RESNET18_LAYERS, RESNET18_STAGES),
        "vgg16-bn": lambda: Architecture(vgg16_bn(classes, imagenet, image_size), VGG16_LAYERS, VGG16_STAGES),
    }
    if name not in makers and not name.startswith(TIMM):
        raise UserError(
            f"no network {name!r}; there are: {', '.join(NAMES)}, and any of timm's as timm:<name>"
        )
    make = makers.get(name, lambda: _timm(name.removeprefix(TIMM), classes, imagenet))
    with _DRAWING, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return make()
        except OSError as error:  # from fetching weights
            raise UserError(f"the ImageNet weights of {name} cannot be fetched: {error}") from error


def _conv4(classes: int, image_size: int, imagenet: bool) -> Architecture:
    if imagenet:
        raise UserError("there are no ImageNet weights of conv4: choose resnet18, vgg16-bn or one of timm's")
    model = Conv4Transfer(classes, image_size=image_size)
    return Architecture(model, TRANSFER_LAYERS, _CONV4_STAGES, model.parted)


def _timm(name: str, classes: int, imagenet: bool) -> Architecture:
    import timm

    if name not in timm.list_models():
        import difflib

        near = difflib.get_close_matches(name, timm.list_models(), n=5, cutoff=0.3)
        raise UserError(f"timm has no network {name!r}; near it are: {', '.join(near)}")
    packaged = imagenet and published.state(name) is not None
    model = timm.create_model(name, pretrained=imagenet and not packaged, num_classes=classes)
    head = model.default_cfg.get("classifier")  # type: ignore[union-attr]
    head = head[0] if isinstance(head, (tuple, list)) else head
    info = getattr(model, "feature_info", None) or []
    places = [entry["module"] for entry in (info if isinstance(info, list) else info.info)]
    known = dict(model.named_modules())
    places = [place for place in dict.fromkeys(places) if place in known]
    if not places or head not in known:
        raise UserError(f"timm's {name} does not say where its stages end or which its head is")
    if packaged:
        published.load(model, name, but=f"{head}.")
    return Architecture(
        model, {**{place: place for place in places}, "logits": head}, _stages(model, places, head)
    )


def _stages(model: nn.Module, places: list[str], head: str) -> dict[str, tuple[str, ...]]:
    """Parameters in the order of the network, cut after the last one of each place; the head apart."""
    names = [name for name, _ in model.named_parameters()]
    stages: dict[str, tuple[str, ...]] = {}
    start = 0
    for place in places:
        inside = [i for i, name in enumerate(names) if name.startswith(f"{place}.")]
        stop = inside[-1] + 1 if inside else start
        stages[place] = tuple(names[start:stop])
        start = max(start, stop)
    stages[places[-1]] += tuple(name for name in names[start:] if not name.startswith(f"{head}."))
    return {**stages, "head": (head,)}
