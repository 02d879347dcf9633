"""Adapt trained networks to new sinusoids and look at error, prediction and representation."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...engine.provenance import record, summary
from ...similarity import measure as find_measure
from ...similarity.gram import Grams
from .settings import INITIALISATIONS, LAYERS, MEASURES, SinusoidSettings
from .train import FRESH, TASKS, Trained, build_model, inner_loop, one_thread

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    from ...training.maml import Parameters


def adapt(
    settings: SinusoidSettings, parameters: Parameters, support: tuple[Tensor, Tensor], stimuli: Tensor
) -> dict[str, np.ndarray]:
    """What every layer puts out before adaptation and after each inner step.

    Args:
        settings: Inner rate and number of steps to look at.
        parameters: Where adaptation starts.
        support: Inputs and values of each task's support set, each (tasks, shots, 1).
        stimuli: Inputs that all layers are shown, (stimuli, 1).

    Returns:
        Layer → float32 (1 + steps, tasks, stimuli, units); the output is the prediction.
    """
    import torch
    from torch.func import functional_call, vmap

    from ...models.activations import capture
    from ...training.maml import inner_step

    model, inner = build_model(settings), inner_loop(settings, settings.inner_steps)

    def seen(values: Parameters) -> dict[str, Tensor]:
        with capture(model, model.layers) as outputs:
            functional_call(model, values, (stimuli,))
        return dict(outputs)

    def one_task(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        fast = parameters
        course = [seen(fast)]
        for _ in range(settings.steps):
            fast = inner_step(model, fast, x, y, inner)
            course.append(seen(fast))
        return {layer: torch.stack([state[layer] for state in course]) for layer in LAYERS}

    with torch.no_grad(), one_thread():
        outputs = vmap(one_task, out_dims=1)(*support)
    return {layer: values.numpy() for layer, values in outputs.items()}


def look(settings: SinusoidSettings, trained: Mapping[str, Trained]) -> xr.Dataset:
    """Adapt each initialisation to the same new tasks, and measure.

    Args:
        settings: Number of tasks, steps and stimuli.
        trained: The names of :data:`~reprise.studies.sinusoid.settings.INITIALISATIONS` → parameters.

    Returns:
        ``error`` (initialisation, inner_step, task): mean squared error over the stimuli;
        ``prediction`` (initialisation, inner_step, task, x) beside ``truth`` (task, x), ``support_x`` and
        ``support_y`` (task, shot); ``similarity`` (initialisation, measure, layer, inner_step, task) of a
        layer's representation of the stimuli to that before adaptation, ``fresh_similarity``
        (initialisation, measure, layer) to that of another random network; ``training_loss``
        (initialisation, meta_iteration), NaN where nothing was trained. Attribute ``record``: provenance.

    Raises:
        ValueError: Other initialisations than these.
    """
    import torch
    import xarray as xr

    from ...data.fewshot import generator
    from ...data.sinusoid import INPUTS, draw_sinusoids

    if tuple(trained) != INITIALISATIONS:
        raise ValueError(f"give {', '.join(INITIALISATIONS)}, in this order, not {', '.join(trained)}")
    started = time.perf_counter()
    random = generator(settings.seed, TASKS)
    tasks = draw_sinusoids(settings.tasks, random)
    support = tasks.sample(settings.shots, random)
    stimuli = torch.linspace(*INPUTS, settings.stimuli)[:, None]
    truth = tasks.values(stimuli)[..., 0].numpy()
    other = {n: p.detach() for n, p in build_model(settings, FRESH).named_parameters()}
    fresh = adapt(dataclasses.replace(settings, steps=settings.inner_steps), other, support, stimuli)

    errors, predictions, similarities, levels, losses = [], [], [], [], []
    for start in trained.values():
        outputs = adapt(settings, start.parameters, support, stimuli)
        predictions.append(outputs["output"][..., 0])
        errors.append(((predictions[-1] - truth).astype(np.float64) ** 2).mean(-1))
        similarities.append(_compare({layer: (values, values[0, 0]) for layer, values in outputs.items()}))
        levels.append(_compare({layer: (fresh[layer][:1, :1], outputs[layer][0, 0]) for layer in LAYERS}))
        losses.append(start.loss if len(start.loss) else np.full(settings.meta_iterations, np.nan))

    per_step = ("initialisation", "inner_step", "task")
    per_layer = ("initialisation", "measure", "layer")
    result = xr.Dataset(
        {
            "error": (per_step, np.stack(errors)),
            "prediction": ((*per_step, "x"), np.stack(predictions)),
            "truth": (("task", "x"), truth),
            "support_x": (("task", "shot"), support[0][..., 0].numpy()),
            "support_y": (("task", "shot"), support[1][..., 0].numpy()),
            "similarity": ((*per_layer, "inner_step", "task"), np.stack(similarities)),
            "fresh_similarity": (per_layer, np.stack(levels)[..., 0, 0]),
            "training_loss": (("initialisation", "meta_iteration"), np.stack(losses)),
        },
        coords={
            "initialisation": list(trained),
            "measure": list(MEASURES),
            "layer": list(LAYERS),
            "inner_step": np.arange(settings.steps + 1),
            "x": stimuli[:, 0].numpy(),
            "amplitude": ("task", tasks.amplitude.numpy()),
            "phase": ("task", tasks.phase.numpy()),
        },
        attrs={"settings": dataclasses.asdict(settings)},
    )
    seconds = {name: start.seconds for name, start in trained.items()}
    result.attrs["record"] = record("cpu", {**seconds, "measuring": time.perf_counter() - started}, "drawn")
    return result


def _compare(layers: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Similarity of states to a base, (measures, layers, steps, tasks).

    Args:
        layers: Layer → states (steps, tasks, n, p) and base (n, p).
    """
    similarity = np.empty((len(MEASURES), len(layers), *next(iter(layers.values()))[0].shape[:2]))
    for column, (states, base) in enumerate(layers.values()):
        flat = states.reshape(-1, *states.shape[2:])
        for row, name in enumerate(MEASURES):
            values = find_measure(name).pairwise(_grams(flat), _grams(base[None]))
            similarity[row, column] = values.reshape(states.shape[:2])
    return similarity


def _grams(representations: np.ndarray) -> Grams:
    """Grams of representations (m, n, p), in double precision."""
    x = representations.astype(np.float64)
    return Grams(x @ x.transpose(0, 2, 1), x.mean(-1), x.shape[-1])


def provenance_line(result: xr.Dataset) -> str:
    """What stands under a figure: trained where it is shown, from which seed, judged on how many tasks."""
    settings = result.attrs["settings"]
    fields = {"seed": str(settings["seed"]), "new tasks": str(settings["tasks"])}
    # Nothing of it is stored, so there are no units to count.
    _, rest = summary([result.attrs["record"]], fields).split(" · ", 1)
    return f"trained on this page · {rest.removesuffix(' a unit')}"
