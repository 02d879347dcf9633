"""One pass of supervised learning in four ways: ours (a seed, seeds side by side, at once), and a loader.

Every way has conv4 of study 2, batches of 32, the same SGD. What the time depends on is the shape of the
images, not what is in them: they are random.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reprise.data.images import ImageSet
from reprise.models.architectures import build
from reprise.training.batched import BatchedLearner
from reprise.training.supervised import Batches, Learner, Sgd

CLASSES = 10


def pictures(count: int, seed: int = 0) -> ImageSet:
    """Random images of CIFAR-10's shape."""
    draw = torch.Generator().manual_seed(seed)
    shape = (count, 3, 32, 32)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw)
    labels = torch.randint(0, CLASSES, (count,), generator=draw)
    return ImageSet(images, labels, tuple(map(str, range(CLASSES))))


def network(device: str, seed: int = 1) -> nn.Module:
    """Conv4 as a seed names it."""
    return build("conv4", CLASSES, seed).model.to(device)


class Ours:
    """The library's learner: images resident as bytes, batches by index."""

    seeds = 1

    def __init__(self, data: ImageSet, device: str, setting: Any = None) -> None:
        self.learner = Learner(network(device), data, Sgd(), Batches(len(data), 32, (1,)))
        self.steps = self.learner.batches.per_pass

    def run(self) -> Tensor:
        """One pass over the images; the loss of each batch, (steps,)."""
        return self.learner.advance(self.steps)[:, 0]

    def close(self) -> None:
        """Nothing to end."""


class Together:
    """Several seeds in one program, as the library does it on a GPU; images count once a seed."""

    def __init__(self, data: ImageSet, device: str, setting: int) -> None:
        self.seeds = setting
        orders = [Batches(len(data), 32, (seed,)) for seed in range(1, setting + 1)]
        models = [network(device, seed) for seed in range(1, setting + 1)]
        self.learner = BatchedLearner(models, [data] * setting, Sgd(), orders)
        self.steps = orders[0].per_pass

    def run(self) -> Tensor:
        """One pass of every seed; the losses of the first, (steps,)."""
        return self.learner.advance(self.steps)[:, 0]

    def close(self) -> None:
        """Nothing to end."""


class SideBySide:
    """Seeds in processes of their own with one thread each, as ``--jobs`` does it on a CPU."""

    def __init__(self, data: ImageSet, device: str, setting: int) -> None:
        self.seeds = setting
        context = multiprocessing.get_context("spawn")
        self.pipes, self.processes = [], []
        for _ in range(setting):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, len(data), device), daemon=True)
            process.start()
            self.pipes.append(here)
            self.processes.append(process)
        for pipe in self.pipes:
            pipe.recv()  # ready: what importing takes is not timed

    def run(self) -> Tensor:
        """One pass of every seed at the same time; the losses of the first, (steps,)."""
        for pipe in self.pipes:
            pipe.send("run")
        losses = [torch.tensor(pipe.recv()) for pipe in self.pipes]  # all of them: the slowest ends the pass
        return losses[0]

    def close(self) -> None:
        """End the processes."""
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            pipe.send("stop")
            process.join()


def _serve(pipe: Any, count: int, device: str) -> None:
    torch.set_num_threads(1)
    way = Ours(pictures(count), device)
    pipe.send("ready")
    while pipe.recv() == "run":
        pipe.send(way.run().tolist())


class Files(torch.utils.data.Dataset):
    """Pictures one by one, as torchvision's CIFAR-10 gives them: PIL image, to tensor, normalised."""

    def __init__(self, data: ImageSet) -> None:
        from torchvision import transforms

        self.images = data.images.permute(0, 2, 3, 1).contiguous().numpy()
        self.labels = data.labels.tolist()
        self.transform: Callable = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


class Loader:
    """A plain loop over a DataLoader, the released code's shape; the setting is its number of workers.

    Args:
        data: The images.
        device: Torch device string.
        setting: Worker processes.
        order: Batches of indices to show instead of a shuffled order: for comparing losses.
    """

    seeds = 1

    def __init__(
        self, data: ImageSet, device: str, setting: int, order: Sequence[Sequence[int]] | None = None
    ) -> None:
        self.device, self.model = device, network(device)
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)
        how: dict[str, Any] = {"batch_size": 32, "shuffle": True}
        if order is not None:
            how = {"batch_sampler": order}
        self.loader = torch.utils.data.DataLoader(
            Files(data), num_workers=setting, persistent_workers=setting > 0, **how
        )

    def run(self) -> Tensor:
        """One pass; the loss of each batch, read from the device at each step as such loops do, (steps,)."""
        self.model.train()
        kind = next(self.model.parameters()).dtype
        losses = []
        for images, labels in self.loader:
            images, labels = images.to(self.device, kind), labels.to(self.device)
            self.optimiser.zero_grad()
            loss = F.cross_entropy(self.model(images), labels)
            loss.backward()
            self.optimiser.step()
            losses.append(loss.item())
        return torch.tensor(losses)

    def close(self) -> None:
        """Workers end with the loader."""


def seconds(way: Any, device: str) -> float:
    """Time of one pass, which ends with its losses on the CPU."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    way.run().cpu()
    return time.perf_counter() - start
