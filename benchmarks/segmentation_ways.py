"""What `segmentation.py` compares: steps of study 3 as its versions take them, and as a plain loop does."""

from __future__ import annotations

import multiprocessing
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reprise.data.segmentation import IGNORE, SegmentationSet
from reprise.training.augmentation import Augmentation, draw, normalise
from reprise.training.pixel_loss import pixel_loss, pixel_loss_at_once
from reprise.training.pretext import Architecture
from reprise.training.steps import Schedule, Steps

CLASSES, BATCH, CROP, RATE = 8, 16, 64, 1e-3
SHAPE = Architecture("mobilenetv3_small_100", "unet", (128, 64, 32, 16, 16))
SCHEDULE = Schedule(10**9, RATE, warmup=0.0)  # a constant rate, which the loop has too
PARTS = ("crops", "forward", "loss", "backward", "update")


def pictures(count: int = 24) -> SegmentationSet:
    """Random pictures of LabelMeFacade's shape."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 15, 20, generator=random)
    images = (F.interpolate(coarse, (240, 320), mode="bilinear") * 255).to(torch.uint8)
    masks = torch.randint(0, CLASSES, (count, 15, 20), generator=random, dtype=torch.uint8)
    masks = masks.repeat_interleave(16, 1).repeat_interleave(16, 2)
    masks[:, :16] = IGNORE
    names = tuple(map(str, range(count)))
    return SegmentationSet(tuple(images), tuple(masks), tuple(map(str, range(CLASSES))), names)


class Ours:
    """Steps as the study takes them; the setting is whether crops, loss and update come at once."""

    jobs = 1

    def __init__(self, data: SegmentationSet, device: str, setting: bool) -> None:
        self.network, self.device, self.at_once = SHAPE.build(CLASSES, (0,)).to(device), device, setting
        self.data = SegmentationSet(
            tuple(x.to(device) for x in data.images) if setting else data.images,
            tuple(x.to(device) for x in data.masks) if setting else data.masks,
            data.classes,
            data.names,
        )
        self.measure = pixel_loss_at_once if setting else pixel_loss
        self.steps = Steps(self.network, self.loss, SCHEDULE, (1,), fused=setting)

    def loss(self, step: int) -> tuple[Tensor, float]:
        images, masks = draw(self.data, BATCH, step, Augmentation(CROP), (2,), self.at_once)
        logits = self.network(normalise(images.to(self.device)))
        return self.measure(logits, masks.to(self.device)), 0.0

    def run(self, steps: int) -> Tensor:
        """So many steps; the loss of each."""
        begin = len(self.steps.history["loss"])
        for _ in range(steps):
            self.steps.advance(len(self.steps.history["loss"]))
        return torch.tensor(self.steps.history["loss"][begin:])

    def parts(self) -> dict[str, float]:
        """Seconds of each part of a step, taken apart."""
        clock = [time.perf_counter()]
        images, masks = draw(self.data, BATCH, 0, Augmentation(CROP), (2,), self.at_once)
        clock.append(time.perf_counter())
        logits = self.network.train()(normalise(images.to(self.device)))
        clock.append(time.perf_counter())
        loss = self.measure(logits, masks.to(self.device))
        clock.append(time.perf_counter())
        self.steps.optimiser.zero_grad()
        loss.backward()
        clock.append(time.perf_counter())
        self.steps.optimiser.step()
        clock.append(time.perf_counter())
        return {name: b - a for name, a, b in zip(PARTS, clock, clock[1:], strict=False)}

    def close(self) -> None:
        """Nothing to end."""


class SideBySide:
    """Two conditions, each in a process of one thread, as ``--jobs 2`` does it; the setting is theirs."""

    jobs = 2

    def __init__(self, data: SegmentationSet, device: str, setting: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes, self.processes = [], []
        for _ in range(self.jobs):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, device, setting), daemon=True)
            process.start()
            self.pipes.append(here)
            self.processes.append(process)
        for pipe in self.pipes:
            pipe.recv()  # ready: what importing takes is not timed

    def run(self, steps: int) -> Tensor:
        """So many steps of both at the same time; the losses of the first."""
        for pipe in self.pipes:
            pipe.send(steps)
        losses = [torch.tensor(pipe.recv()) for pipe in self.pipes]  # all of them: the slowest ends it
        return losses[0]

    def close(self) -> None:
        """End the processes."""
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            pipe.send(0)
            process.join()


def _serve(pipe: Any, device: str, setting: bool) -> None:
    torch.set_num_threads(1)
    way = Ours(pictures(), device, setting)
    pipe.send("ready")
    while steps := pipe.recv():
        pipe.send(way.run(steps).tolist())


class Pictures(torch.utils.data.Dataset):
    """Pictures one by one, changed by torchvision's v2 transforms as its references do it."""

    def __init__(self, data: SegmentationSet) -> None:
        from torchvision import tv_tensors
        from torchvision.transforms import v2

        self.data, self.image, self.mask = data, tv_tensors.Image, tv_tensors.Mask
        ratio = ((CROP / 1.25) ** 2 / (240 * 320), (CROP / 0.8) ** 2 / (240 * 320))
        self.change = v2.Compose(
            [
                v2.RandomResizedCrop((CROP, CROP), scale=ratio, ratio=(1.0, 1.0), antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ColorJitter(0.3, 0.3, 0.3),
                v2.ToDtype({self.image: torch.float32, self.mask: torch.int64, "others": None}, scale=True),
                v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ]
        )

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, mask = self.data[index]
        return self.change(self.image(image), self.mask(mask))


class Loop:
    """A plain loop over a DataLoader with the same network; the setting is its number of workers."""

    jobs = 1

    def __init__(self, data: SegmentationSet, device: str, setting: int) -> None:
        self.network, self.device = SHAPE.build(CLASSES, (0,)).to(device), device
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=RATE, weight_decay=SCHEDULE.decay)
        sampler = torch.utils.data.RandomSampler(data, replacement=True, num_samples=10**7)  # type: ignore[arg-type]
        loader = torch.utils.data.DataLoader(
            Pictures(data), BATCH, sampler=sampler, num_workers=setting, persistent_workers=setting > 0
        )
        self.batches = iter(loader)

    def step(self, images: Tensor, masks: Tensor) -> float:
        """Cross-entropy plus Dice, AdamW; the loss is read at each step as such loops do."""
        self.network.train()
        self.optimiser.zero_grad()
        logits = self.network(images.to(self.device))
        masks = masks.to(self.device)
        labelled = masks != IGNORE
        truth = F.one_hot(torch.where(labelled, masks, 0), CLASSES).movedim(-1, 1) * labelled[:, None]
        shares = logits.softmax(1) * labelled[:, None]
        hits, sums = (shares * truth).sum((0, 2, 3)), (shares + truth).sum((0, 2, 3))
        dice = (2 * hits / sums)[truth.sum((0, 2, 3)) > 0].mean()
        loss = nn.functional.cross_entropy(logits, masks, ignore_index=IGNORE) + 1 - dice
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def run(self, steps: int) -> Tensor:
        """So many steps; the loss of each."""
        return torch.tensor([self.step(*next(self.batches)) for _ in range(steps)])

    def close(self) -> None:
        """End the workers."""
        del self.batches
