"""What `transfer.py` measures beside speed: the cost of looking at a network, and memory."""

from __future__ import annotations

import resource
import time
from typing import Any


def probes(images: int, device: str, rate: float) -> dict[str, float]:
    """What looking at a pre-training costs, as shares of the time that its training takes.

    Args:
        images: Images timed on; the training counts as one on 4096 of them.
        device: Torch device string.
        rate: Images a second of a single seed.
    """
    from transfer_ways import network, pictures

    from reprise.engine.study import study
    from reprise.studies.transfer.measure import Reference, View, grams, outcome

    config: Any = study("transfer").configure("laptop", {})
    model, architecture = network(device), _layers()
    view = View(architecture)
    probe, common = pictures(config.probe_images).images, pictures(50).images
    tested = pictures(min(images, 5000))

    def timed(work: Any) -> float:
        work()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    # As many states as a pre-training is compared with: its start and the fresh networks.
    reference = Reference([grams(model, probe, view)] * (1 + config.fresh_networks))

    def similarity() -> None:
        reference.similarity(grams(model, probe, view))
        grams(model, common, view)

    training = config.images * config.epochs / rate
    looks = len(config.probe_epochs)
    judged = min(config.images, 5000) + 5000  # images whose loss and accuracy are measured
    return {
        "similarity": looks * timed(similarity) / training,
        "accuracy": looks * timed(lambda: outcome(model, tested, view)) * judged / len(tested) / training,
        "looks": looks,
        "images": config.images,
        "epochs": config.epochs,
    }


def _layers() -> dict[str, str]:
    from reprise.models.architectures import build

    return build("conv4", 10, 0).chosen(())


def memory(name: str, setting: Any, images: int, device: str) -> float:
    """Peak memory of one pass beyond importing and drawing the images, MB; run in a process of its own."""
    import torch
    import transfer_ways

    torch.set_num_threads(1)
    transfer_ways.network(device)
    data = transfer_ways.pictures(images)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    way = getattr(transfer_ways, name)(data, device, setting)
    way.run()
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e6
