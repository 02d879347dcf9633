"""Few-shot data: pools of classes, their splits, and episodes sampled from them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class ClassPool:
    """Classes with equally many images each, decoded once and kept in memory.

    Attributes:
        images: uint8, shape (classes, drawings, height, width) or (…, height, width, channels); ink is high.
        names: A name per class, such as ``"Greek/character03"``.
    """

    images: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self):
        if len(self.names) != len(self.images):
            raise ValueError(f"{len(self.names)} names for {len(self.images)} classes")

    def __len__(self) -> int:
        return len(self.images)

    def rotated(self) -> "ClassPool":
        """Each class in four orientations, by 90° turns, as four classes (meta-training only)."""
        turns = [np.rot90(self.images, k, axes=(2, 3)) for k in range(4)]
        names = [f"{name}@{90 * k}" for k in range(4) for name in self.names]
        return ClassPool(np.ascontiguousarray(np.concatenate(turns)), tuple(names))

    def without(self, classes: np.ndarray) -> "ClassPool":
        """The pool without the classes of the given indices."""
        keep = np.setdiff1d(np.arange(len(self)), classes)
        return ClassPool(self.images[keep], tuple(self.names[i] for i in keep))


@dataclass(frozen=True)
class FewShotSplits:
    """Meta-training, validation and meta-test classes; no class is in two of them."""

    train: ClassPool
    validation: ClassPool
    test: ClassPool


@dataclass(frozen=True)
class Probe:
    """The constant images on which representations are compared.

    Attributes:
        images: float32, shape (stimuli, channels, height, width), in [0, 1], grouped by class.
        classes: Index of each stimulus's class in the pool it was taken from, shape (stimuli,).
        drawings: Index of each stimulus within its class, shape (stimuli,).
        names: Name of each stimulus's class.
    """

    images: Tensor
    classes: np.ndarray
    drawings: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True)
class Episodes:
    """A batch of tasks.

    Attributes:
        support_x: float32 (tasks, ways·shots, channels, height, width) in [0, 1].
        support_y: int64 (tasks, ways·shots), labels 0…ways−1.
        query_x: float32 (tasks, ways·queries, channels, height, width).
        query_y: int64 (tasks, ways·queries).
        classes: int64 (tasks, ways): which class of the pool stands behind each label.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor
    classes: Tensor

    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Support images and labels, query images and labels."""
        return self.support_x, self.support_y, self.query_x, self.query_y

    def __getitem__(self, tasks: slice) -> "Episodes":
        """Some of the tasks."""
        support_x, support_y, query_x, query_y = (x[tasks] for x in self.tensors())
        return Episodes(support_x, support_y, query_x, query_y, self.classes[tasks])


def generator(*key: int) -> torch.Generator:
    """A random stream named by integers: equal keys, equal stream; so no state has to be saved to resume."""
    state = np.random.SeedSequence(key).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))


class EpisodeSampler:
    """Draws N-way K-shot tasks from a pool that stays on one device.

    Args:
        pool: Classes to draw from.
        ways: Classes of a task.
        shots: Support images a class.
        queries: Query images a class; never those of the support.
        device: Where the images are kept and the episodes come out.

    Raises:
        ValueError: More ways than classes, or more shots and queries than images of a class.
    """

    def __init__(
        self, pool: ClassPool, ways: int, shots: int, queries: int, device: torch.device | str = "cpu"
    ):
        drawings = pool.images.shape[1]
        if ways > len(pool):
            raise ValueError(f"{ways} ways asked for, but there are only {len(pool)} classes to draw from")
        if shots + queries > drawings:
            raise ValueError(
                f"{shots} shots and {queries} queries asked for, but a class has only {drawings} images"
            )
        self.ways, self.shots, self.queries = ways, shots, queries
        self.images = to_channels_first(pool.images).to(device)

    def sample(self, tasks: int, random: torch.Generator) -> Episodes:
        """Draw tasks.

        Args:
            tasks: How many.
            random: Source of chance, on the CPU whatever the device, so that every device sees equal tasks.

        Returns:
            The episodes; within one, classes differ and support and query share no image.
        """
        n_classes, drawings = self.images.shape[:2]
        classes = torch.rand(tasks, n_classes, generator=random).argsort(1)[:, : self.ways]
        order = torch.rand(tasks, self.ways, drawings, generator=random).argsort(2)
        support = self._images(classes, order[:, :, : self.shots])
        query = self._images(classes, order[:, :, self.shots : self.shots + self.queries])
        labels = torch.arange(self.ways, device=self.images.device)
        return Episodes(
            support,
            labels.repeat_interleave(self.shots).expand(tasks, -1),
            query,
            labels.repeat_interleave(self.queries).expand(tasks, -1),
            classes,
        )

    def _images(self, classes: Tensor, drawings: Tensor) -> Tensor:
        device = self.images.device
        picked = self.images[classes[:, :, None].to(device), drawings.to(device)]
        return picked.flatten(1, 2).float().div_(255)


def query_probe(tasks: Episodes, pool: ClassPool) -> Probe:
    """The first task's query set as the constant probe, as the paper has it.

    Args:
        tasks: Tasks drawn from the pool.
        pool: Where they were drawn from.
    """
    images = tasks.query_x[0].cpu()
    per_class = len(images) // tasks.classes.shape[1]
    classes = tasks.classes[0].cpu().repeat_interleave(per_class).numpy()
    # Which drawing an image is, found again by its pixels: episodes keep only the images.
    drawings = []
    for image, label in zip(images, classes, strict=True):
        candidates = to_channels_first(pool.images[label : label + 1])[0].float().div_(255)
        drawings.append(int((candidates - image).abs().flatten(1).sum(1).argmin()))
    return Probe(images, classes, np.array(drawings), tuple(pool.names[i] for i in classes))


def to_channels_first(images: np.ndarray) -> Tensor:
    """uint8 (classes, drawings, h, w[, channels]) → uint8 tensor (classes, drawings, channels, h, w)."""
    tensor = torch.from_numpy(np.ascontiguousarray(images))
    return tensor.unsqueeze(2) if tensor.dim() == 4 else tensor.permute(0, 1, 4, 2, 3)


def draw_probe(pool: ClassPool, classes: int, drawings: int, random: torch.Generator) -> Probe:
    """Choose the constant probe images of a seed.

    Args:
        pool: Unseen classes.
        classes: How many of them.
        drawings: Images of each.
        random: Source of chance.

    Raises:
        ValueError: More classes or images asked for than there are.
    """
    if classes > len(pool) or drawings > pool.images.shape[1]:
        raise ValueError(
            f"a probe of {classes} classes × {drawings} images asked for, but there are only "
            f"{len(pool)} classes × {pool.images.shape[1]} images"
        )
    chosen = torch.randperm(len(pool), generator=random)[:classes].sort().values
    order = torch.rand(classes, pool.images.shape[1], generator=random).argsort(1)[:, :drawings]
    images = to_channels_first(pool.images)[chosen[:, None], order].flatten(0, 1).float().div_(255)
    per_stimulus = chosen.repeat_interleave(drawings).numpy()
    return Probe(images, per_stimulus, order.flatten().numpy(), tuple(pool.names[i] for i in per_stimulus))
