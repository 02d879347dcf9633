"""Study 1, second stage: adapt every checkpoint to tasks and look at a constant probe, layer by layer.

Representations are kept only as Gram matrices of the probe's stimuli: RDMs and CKA follow from these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ...data.fewshot import Episodes, EpisodeSampler, FewShotSplits, Probe, draw_probe, generator, query_probe
from ...engine.study import Unit
from ...models.activations import capture, flat
from ...models.conv4 import Conv4Maml, maml_layers
from ...similarity.gram import Grams
from ...similarity.measures import measure
from ...training.maml import inner_step, task_outcome
from ...training.metalearner import map_tasks
from .config import MamlConfig
from .states import MEASURES, Adapted
from .train import EVALUATION, PROBE, TASKS, inner_loop


def draw_tasks(
    unit: Unit[MamlConfig], splits: FewShotSplits, device: str
) -> tuple[Probe, Episodes, Episodes]:
    """Everything of unseen classes that a unit is measured on.

    Returns:
        The constant probe, the analysed tasks, and the tasks by which accuracy is judged.
    """
    config, seed = unit.config, unit.seed
    pool, probe = splits.test, None
    if config.probe == "apart":
        probe = draw_probe(pool, *config.stimuli_by_class, generator(seed, PROBE))
        # The probe's classes are in no task, so what happens to them is never what was adapted to.
        pool = pool.without(np.unique(probe.classes))
    sampler = EpisodeSampler(pool, config.ways, config.shots, config.analysis_queries, device)
    tasks = sampler.sample(config.analysis_tasks, generator(seed, TASKS))
    judged = sampler.sample(config.evaluation_tasks, generator(seed, EVALUATION))
    return probe or query_probe(tasks, pool), tasks, judged


def adapt_and_probe(
    model: nn.Module,
    parameters: Mapping[str, Tensor],
    episodes: Episodes,
    probe: Tensor,
    config: MamlConfig,
    chunk: int | None = None,
) -> Adapted:
    """Adapt to tasks step by step and record what the probe looks like, without training anything.

    Args:
        model: The network; only its structure is used.
        parameters: Its parameters at a checkpoint.
        episodes: Tasks; their query sets give accuracy, the probe gives representations.
        probe: Constant probe images (n, channels, height, width).
        config: Number of inner steps, and which of them to keep.
        chunk: Tasks to run at once; 5 if None.

    Returns:
        Grams (float64) and accuracies.
    """
    inner, kept = inner_loop(config), set(config.kept_steps)
    steps = max(config.analysis_steps, config.inner_steps)

    def work(model: nn.Module, some: Episodes) -> tuple[Tensor, ...]:
        def one_task(support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor):
            def accuracy(values: Mapping[str, Tensor]) -> Tensor:
                return (
                    (functional_call(model, dict(values), (query_x,)).argmax(-1) == query_y).double().mean()
                )

            fast: Mapping[str, Tensor] = parameters
            accuracies, grams, means = [accuracy(fast)], [], []
            for step in range(1, steps + 1):
                fast = inner_step(model, fast, support_x, support_y, inner)
                if step in kept:
                    accuracies.append(accuracy(fast))
                    gram, mean, _ = probe_grams(model, fast, probe)
                    grams.append(gram)
                    means.append(mean)
            return torch.stack(accuracies), torch.stack(grams), torch.stack(means)

        with torch.no_grad():
            return vmap(one_task)(*some.tensors())

    outcomes = map_tasks(work, model, episodes, chunk or 5)
    accuracies, grams, means = (torch.cat(parts) for parts in zip(*outcomes, strict=True))
    with torch.no_grad():
        gram, mean, features = probe_grams(model, parameters, probe)
    layers = config.layers
    after = by_layer(layers, grams.transpose(0, 1), means.transpose(0, 1), features)
    return Adapted(by_layer(layers, gram, mean, features), after, accuracies.T.cpu().numpy())


def by_layer(layers: Sequence[str], gram: Tensor, mean: Tensor, features: Sequence[int]) -> dict[str, Grams]:
    """Grams of each layer on the CPU.

    Args:
        layers: Names, in order of depth.
        gram: (…, layers, n, n).
        mean: (…, layers, n).
        features: Number of features of each layer.
    """
    return {
        name: Grams(gram[..., i, :, :].cpu().numpy(), mean[..., i, :].cpu().numpy(), features[i])
        for i, name in enumerate(layers)
    }


def probe_grams(
    model: nn.Module, parameters: Mapping[str, Tensor], probe: Tensor
) -> tuple[Tensor, Tensor, list[int]]:
    """Gram matrices of the probe in every layer.

    Args:
        model: The network, a ``Conv4Maml``.
        parameters: Its parameters.
        probe: Images (n, channels, height, width).

    Returns:
        Grams (layers, n, n) and means over features (layers, n), float64; number of features of each layer.
    """
    assert isinstance(model, Conv4Maml)
    layers = maml_layers(len(model.blocks))
    with capture(model, layers) as outputs:
        functional_call(model, dict(parameters), (probe,))
    features = [flat(outputs[name]).double() for name in layers]
    grams = torch.stack([f @ f.transpose(-1, -2) for f in features])
    return grams, torch.stack([f.mean(-1) for f in features]), [f.shape[-1] for f in features]


def evaluate(
    model: nn.Module, parameters: Mapping[str, Tensor], episodes: Episodes, config: MamlConfig
) -> np.ndarray:
    """Query accuracy of each task after the trained number of inner steps, (tasks,), in [0, 1]."""
    inner = inner_loop(config)

    def work(model: nn.Module, some: Episodes) -> np.ndarray:
        def one_task(*task: Tensor) -> Tensor:
            return task_outcome(model, parameters, task, inner)[1]

        with torch.no_grad():
            return vmap(one_task)(*some.tensors()).cpu().numpy()

    return np.concatenate(map_tasks(work, model, episodes, chunk=20))


def inner_similarity(adapted: Adapted, subset: np.ndarray | None = None) -> np.ndarray:
    """Similarity of the probe's representation before adaptation to that after it.

    Args:
        adapted: One checkpoint.
        subset: Indices of the stimuli to use; all if None.

    Returns:
        (measure, layer, kept step, task).
    """
    values = []
    for name in adapted.before:
        before, after = (grams[name].only(subset) for grams in (adapted.before, adapted.after))
        shape = after.gram.shape[:-2]
        values.append([measure(m).pairwise(before, after).reshape(shape) for m in MEASURES])
    return np.moveaxis(np.array(values), 1, 0)


def lag_similarity(pairs: np.ndarray, first: int) -> np.ndarray:
    """Mean similarity of checkpoints some sixtieths of meta-training apart.

    Args:
        pairs: Similarity of all pairs of the 61 equally spaced checkpoints, (…, 61, 61).
        first: Index of the first checkpoint that counts (the first tenth of training is left out).

    Returns:
        (…, 60 − first): entry k is the mean over pairs k + 1 sixtieths apart.
    """
    later = pairs[..., first:, first:]
    lags = range(1, later.shape[-1])
    return np.stack([np.diagonal(later, lag, -2, -1).mean(-1) for lag in lags], axis=-1)
