"""Study 2, second stage: look at a network: Grams of the probe layer by layer, losses and accuracies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.images import ImageSet
from ...models.activations import capture, flat
from ...similarity.gram import Grams
from ...similarity.measures import measure
from ...training.frozen import CHUNK, inputs
from .states import MEASURES

CUT = 500
"""Channels that the released code cuts activations to; it meant samples."""


@dataclass(frozen=True)
class View:
    """How networks are looked at.

    Attributes:
        layers: Names of layers → dotted names.
        training_mode: Batch norm (and dropout) as in training, in batches of this size; None for evaluation.
        channels_cut: Look at the first 500 channels of each layer only.
    """

    layers: Mapping[str, str]
    training_mode: int | None = None
    channels_cut: bool = False


@contextlib.contextmanager
def _mode(model: nn.Module, view: View) -> Iterator[None]:
    """Evaluation mode, or training mode with chance of its own; what running statistics were comes back."""
    if view.training_mode is None:
        model.eval()
        yield
        return
    kept = {name: value.clone() for name, value in model.named_buffers()}
    model.train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
    for name, value in model.named_buffers():
        value.copy_(kept[name])


def grams(model: nn.Module, images: Tensor, view: View) -> dict[str, Grams]:
    """Gram matrices of some images in every layer.

    Args:
        model: The network.
        images: uint8 (n, 3, h, w).
        view: Layers and mode.

    Returns:
        Layer → Gram, with products in single precision summed in double.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in view.layers}
    with torch.no_grad(), _mode(model, view), capture(model, view.layers) as outputs:
        for batch in _batches(model, images, view):
            model(batch)
            for name in view.layers:
                output = outputs[name]
                if view.channels_cut:
                    output = output[:, :CUT]
                parts[name].append(flat(output).cpu().numpy())
    return {name: Grams.of(np.concatenate(batches), single=True) for name, batches in parts.items()}


def outcome(model: nn.Module, data: ImageSet, view: View, truth: Tensor | None = None) -> tuple[float, ...]:
    """Loss and accuracy of a network.

    Args:
        model: The network.
        data: Images with the labels to predict; or, for the later stages of a network alone, what its earlier
            ones made of them.
        view: Mode.
        truth: Other labels to count hits of too.

    Returns:
        Mean cross-entropy, share of hits in [0, 1], and the share of hits of ``truth`` if given.
    """
    with torch.no_grad(), _mode(model, view):
        logits = torch.cat([model(batch) for batch in _batches(model, data.images, view)]).float().cpu()
    predicted = logits.argmax(1)
    hits = [
        (predicted == labels.cpu()).double().mean().item()
        for labels in (data.labels, truth)
        if labels is not None
    ]
    return (F.cross_entropy(logits, data.labels.cpu()).item(), *hits)


def predictions(model: nn.Module, images: Tensor, view: View) -> np.ndarray:
    """Predicted class of each image, int16 (n,)."""
    with torch.no_grad(), _mode(model, view):
        found = [model(batch).argmax(1).cpu() for batch in _batches(model, images, view)]
    return torch.cat(found).numpy().astype(np.int16)


def _batches(model: nn.Module, images: Tensor, view: View) -> Iterator[Tensor]:
    return inputs(images, next(model.parameters()).device, view.training_mode or CHUNK)


class Reference:
    """States to compare with, prepared once for all measures.

    Args:
        states: Layer → Gram of each state.
    """

    def __init__(self, states: Sequence[Mapping[str, Grams]]):
        self.states = list(states)
        self.layers = list(self.states[0])
        self.prepared = {
            (name, layer): measure(name).prepared(Grams.stack([state[layer] for state in self.states]))
            for name in MEASURES
            for layer in self.layers
        }

    def similarity(self, state: Mapping[str, Grams]) -> np.ndarray:
        """Similarity of a state to each of the references: (reference, measure, layer)."""
        values = np.empty((len(self.states), len(MEASURES), len(self.layers)))
        for m, name in enumerate(MEASURES):
            for i, layer in enumerate(self.layers):
                entry = measure(name)
                prepared = entry.prepared(state[layer])
                values[:, m, i] = entry.of_prepared(self.prepared[name, layer], prepared)[:, 0]
        return values

    def of(self, stimuli: np.ndarray) -> Reference:
        """The same states on some of the stimuli."""
        return Reference([of_stimuli(state, stimuli) for state in self.states])


def of_stimuli(state: Mapping[str, Grams], stimuli: np.ndarray) -> dict[str, Grams]:
    """A state restricted to the stimuli of the given indices."""
    return {name: grams.only(stimuli) for name, grams in state.items()}
