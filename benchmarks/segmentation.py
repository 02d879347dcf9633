"""Time study 3's steps as its two versions take them, beside a plain DataLoader loop with torchvision's v2.

    python benchmarks/segmentation.py                  two cores; rewrites README.md
    python benchmarks/segmentation.py --rounds 1 --steps 2
    python benchmarks/segmentation.py --device cuda    the same on a GPU, in a table of its own

Before anything is timed, the losses of all are compared on the same crops.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from typing import Any

THREADS = int(os.environ.get("BENCHMARK_THREADS", "2"))
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = str(THREADS)

from report import into_readme, processor  # noqa: E402

TARGET = 1.5
"""Least ratio of steps a second, version 2 as it is run to version 1 as it was."""

EQUAL = 1e-3
"""Relative difference of losses over three steps that counts as rounding, in single precision, of which
AdamW's first steps make much: convolutions in float64 would take minutes. Tests compare in float64."""

TODAY, BEST = "version 1, one job", "version 2, two jobs"


def difference(device: str = "cpu") -> float:
    """Largest relative difference of three steps' losses on the crops of version 1.

    Raises:
        ArithmeticError: They do not learn the same.
    """
    import segmentation_ways as ways
    import torch

    from reprise.training.augmentation import Augmentation, draw, normalise

    data = ways.pictures(8)
    both = [ways.Ours(data, device, at_once) for at_once in (False, True)]
    loop = ways.Loop(data, device, 0)
    losses: list[list[float]] = [[], [], []]
    for step in range(3):
        images, masks = draw(data, ways.BATCH, step, Augmentation(ways.CROP), (2,))
        given = normalise(images.to(device))
        for way, found in zip(both, losses, strict=False):
            way.steps.loss = lambda _step, way=way, given=given, masks=masks: (
                way.measure(way.network(given), masks.to(device)),
                0.0,
            )
            found.append(float(way.run(1)))
        losses[2].append(loop.step(given, masks.long()))
    found = torch.tensor(losses, dtype=torch.float64)
    gap = float(((found - found[0]) / found[0]).abs().max())
    if not gap < EQUAL:
        raise ArithmeticError(f"losses differ by {gap:.1e}")
    return gap


def ways(device: str) -> dict[str, tuple[str, Any]]:
    """What is timed: label → class and setting; those that start with "loop" are settings of the peer."""
    loops = {f"loop, {n} workers": ("Loop", n) for n in ((0, 1) if device == "cpu" else (0, 4, 8))}
    ours: dict[str, tuple[str, Any]] = {TODAY: ("Ours", False), "version 2, one job": ("Ours", True)}
    if device == "cpu":
        ours |= {"version 1, two jobs": ("SideBySide", False), BEST: ("SideBySide", True)}
    return {**ours, **loops}


def measure(device: str, rounds: int, steps: int) -> dict[str, Any]:
    """Milliseconds a step of every way, in rotating order: the best round, and of ours where they go."""
    import time

    import segmentation_ways
    import torch

    torch.set_num_threads(THREADS)
    gap = difference(device)
    data = segmentation_ways.pictures()
    made = {
        label: getattr(segmentation_ways, name)(data, device, setting)
        for label, (name, setting) in ways(device).items()
    }
    times: dict[str, list[float]] = {label: [] for label in made}
    parts: dict[str, list[dict[str, float]]] = {}
    try:
        for way in made.values():
            way.run(2)  # what is made at the first step is not counted
        for i in range(rounds):
            for label in [*made][i % len(made) :] + [*made][: i % len(made)]:
                start = time.perf_counter()
                made[label].run(steps)
                times[label].append((time.perf_counter() - start) / steps / made[label].jobs)
                if hasattr(made[label], "parts") and device == "cpu":
                    parts.setdefault(label, []).extend(made[label].parts() for _ in range(2))
            print(f"round {i + 1} of {rounds}", file=sys.stderr, flush=True)
    finally:
        for way in made.values():
            way.close()
    return {
        "ms": {label: 1e3 * min(found) for label, found in times.items()},
        "parts": {
            label: {name: 1e3 * min(one[name] for one in found) for name in found[0]}
            for label, found in parts.items()
        },
        "difference": gap,
    }


def table(found: dict[str, Any], device: str) -> str:
    """The README's tables."""
    ms = found["ms"]
    peer = min((label for label in ms if label.startswith("loop")), key=lambda label: ms[label])
    lines = [
        "| way | ms a step | faster than version 1 | faster than the loop | target | met |",
        "|---|---|---|---|---|---|",
    ]
    for label, value in ms.items():
        counts = label == BEST and device == "cpu"
        ratio = ms[TODAY] / value
        met = ("yes" if ratio >= TARGET else "**no**") if counts else ""
        wanted = f"≥ {TARGET:g}" if counts else ""
        lines.append(f"| {label} | {value:.1f} | {ratio:.2f} | {ms[peer] / value:.2f} | {wanted} | {met} |")
    if found["parts"]:
        names = list(next(iter(found["parts"].values())))
        lines += ["", f"| where a step's ms go | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for label, one in found["parts"].items():
            lines.append(f"| {label} | {' | '.join(f'{one[name]:.1f}' for name in names)} |")
    lines += ["", f"Losses of three steps on the same crops differ by {found['difference']:.1e}."]
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    import torch
    import torchvision

    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no CUDA device here; --device cpu runs anywhere")
    found = measure(options.device, options.rounds, options.steps)
    machine = f"{processor()}, {THREADS} threads" if options.device == "cpu" else torch.cuda.get_device_name()
    versions = (f"{p.__name__} {p.__version__.partition('+')[0]}" for p in (torch, torchvision))
    head = f"{machine}; Python {platform.python_version()}, {', '.join(versions)}; rounds: {options.rounds}"
    text = f"{head}, the best of them\n\n{table(found, options.device)}"
    print(text)
    if options.rounds >= 5 and options.steps >= 10:
        into_readme(f"segmentation {options.device}", text)


if __name__ == "__main__":
    main()
