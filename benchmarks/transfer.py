"""Time study 2's training in images a second beside a plain DataLoader loop, and what its probes add.

    python benchmarks/transfer.py                  one and two threads; rewrites README.md
    python benchmarks/transfer.py --threads 2 --images 256 --rounds 1
    python benchmarks/transfer.py --device cuda    the same on a GPU, in a table of its own

Before anything is timed, the losses of ours and the loop are compared on the same batches.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from typing import Any

from report import into_readme, processor
from transfer_costs import memory, probes

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
TARGETS = {"cpu": 1.25, "cuda": 10.0}
"""Least ratio of images a second, ours to the loop's, with all cores and on a GPU."""

OVERHEAD = 0.15
"""Largest share that similarity probes may add to a training on 4096 images or more."""

EQUAL = 1e-4
"""Relative difference of losses that counts as rounding: pictures come in float32, the rest is float64."""

SEEDS = 5
"""Seeds in one program on a GPU: those of the study."""


def difference(images: int, device: str) -> float:
    """Largest relative difference of ours' and the loop's losses on the same batches, in float64.

    Raises:
        ArithmeticError: They do not learn the same.
    """
    from transfer_ways import Loader, Ours, pictures

    from reprise.training import supervised

    data, usual = pictures(images), supervised.scaled
    ours = Ours(data, device)
    order = [index.tolist() for index in ours.learner.batches(0, ours.steps)]
    loop = Loader(data, device, 0, order)
    for model in (ours.learner.model, loop.model):
        model.double()
    supervised.scaled = lambda images: usual(images).double()
    try:
        found, theirs = ours.run().cpu(), loop.run()
    finally:
        supervised.scaled = usual
    gap = float(((found - theirs) / theirs).abs().max())
    if not gap < EQUAL:
        raise ArithmeticError(f"losses differ by {gap:.1e}")
    return gap


def ways(device: str, threads: int) -> dict[str, tuple[str, Any]]:
    """What is timed: label → class and setting; those that start with "loop" are settings of the peer."""
    loops = {f"loop, {n} workers": ("Loader", n) for n in ((0, 2) if device == "cpu" else (0, 2, 8))}
    if device == "cuda":
        return {"one seed": ("Ours", None), f"{SEEDS} seeds in one program": ("Together", SEEDS), **loops}
    if threads == 1:
        return {"one seed": ("Ours", None), "loop, 0 workers": ("Loader", 0)}
    return {"one seed": ("Ours", None), f"{threads} seeds side by side": ("SideBySide", threads), **loops}


def measure(images: int, device: str, threads: int, rounds: int) -> dict[str, Any]:
    """Images a second of every way, in rotating order, and the peer's fastest setting."""
    import numpy as np
    import torch
    import transfer_ways

    torch.set_num_threads(threads)
    gap = difference(min(images, 320), device)
    data = transfer_ways.pictures(images)
    made = {
        label: getattr(transfer_ways, name)(data, device, setting)
        for label, (name, setting) in ways(device, threads).items()
    }
    rates: dict[str, list[float]] = {label: [] for label in made}
    try:
        for label, way in made.items():  # the first pass of all is not counted
            transfer_ways.seconds(way, device)
            note(f"{threads} threads: {label} is warm")
        for i in range(rounds):
            order = list(made)[i % len(made) :] + list(made)[: i % len(made)]
            for label in order:
                way = made[label]
                rates[label].append(images * way.seeds / transfer_ways.seconds(way, device))
    finally:
        for way in made.values():
            way.close()
    median = {label: float(np.median(found)) for label, found in rates.items()}
    peer = max((label for label in median if label.startswith("loop")), key=lambda label: median[label])
    mine = [label for label in median if not label.startswith("loop")]
    best = max(mine, key=lambda label: median[label])
    rows = []
    for label in mine:
        single = np.array(rates[label]) / np.array(rates[peer])
        counts = label == best and (device == "cuda" or threads > 1)
        rows.append(
            {
                "ours": label, "peer": peer, "threads": threads, "ours_rate": median[label],
                "peer_rate": median[peer], "ratio": median[label] / median[peer],
                "spread": [float(single.min()), float(single.max())],
                "target": TARGETS[device] if counts else None, "difference": gap,
            }
        )  # fmt: skip
    return {"rows": rows, "probes": probes(images, device, median["one seed"]), "threads": threads}


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def child(threads: int, options: argparse.Namespace, *more: str) -> Any:
    """Run in a process of its own, in which the number of threads is fixed from the start."""
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    command = [sys.executable, __file__, "--child", "--threads", str(threads), "--device", options.device]
    command += ["--rounds", str(options.rounds), "--images", str(options.images), *more]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


def table(measured: list[dict[str, Any]], peaks: dict[str, float]) -> str:
    """The README's tables."""
    lines = [
        "| ours | peer, its best setting | threads | ours, images/s | peer, images/s | ratio (rounds) "
        "| target | met | losses differ by |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in (row for part in measured for row in part["rows"]):
        target, (low, high) = row["target"], row["spread"]
        wanted = "" if target is None else f"≥ {target:g}"
        met = "" if target is None else "yes" if row["ratio"] >= target else "**no**"
        lines.append(
            f"| {row['ours']} | {row['peer']} | {row['threads']} | {row['ours_rate']:.0f} "
            f"| {row['peer_rate']:.0f} | {row['ratio']:.3g} ({low:.3g} to {high:.3g}) | {wanted} | {met} "
            f"| {row['difference']:.1e} |"
        )
    last = measured[-1]
    found = last["probes"]
    met = "yes" if found["similarity"] <= OVERHEAD else "**no**"
    lines += [
        "",
        "| looking at a pre-training | share of its training time | target | met |",
        "|---|---|---|---|",
        f"| similarity of all layers, {found['looks']} times in {found['epochs']} epochs on "
        f"{found['images']} images | {found['similarity']:.1%} | ≤ {OVERHEAD:.0%} | {met} |",
        f"| loss and accuracy, as often | {found['accuracy']:.1%} | | |",
        "",
        "| peak memory of a pass beyond images and imports | MB |",
        "|---|---|",
        *(f"| {label} | {value:.0f} |" for label, value in peaks.items()),
    ]
    return "\n".join(lines)


def environment(options: argparse.Namespace) -> str:
    """What was measured on what."""
    import torch
    import torchvision

    cpu = options.device == "cpu"
    machine = f"{processor()}, {os.cpu_count()} cores" if cpu else torch.cuda.get_device_name()
    versions = (
        f"{package.__name__} {package.__version__.partition('+')[0]}" for package in (torch, torchvision)
    )
    return (
        f"{machine}; Python {platform.python_version()}, {', '.join(versions)}; "
        f"{options.images} images a pass, rounds: {options.rounds}"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, nargs="+", help="1 and 2 by default, on a GPU 1")
    parser.add_argument("--images", type=int, default=4096, help="images a pass")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--memory", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        import torch

        torch.backends.cudnn.benchmark = True  # shapes never change
        if options.memory:
            name, setting = options.memory
            print(json.dumps(memory(name, json.loads(setting), options.images, options.device)))
        else:
            print(json.dumps(measure(options.images, options.device, options.threads[0], options.rounds)))
        return
    if options.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            parser.error("torch finds no CUDA device here; --device cpu runs anywhere")
    threads = options.threads or ([1, 2] if options.device == "cpu" else [1])
    measured = [child(n, options) for n in threads]
    peaks = {
        label: child(1, options, "--memory", name, json.dumps(setting))
        for label, (name, setting) in ways(options.device, 1).items()
    }
    text = f"{environment(options)}\n\n{table(measured, peaks)}"
    print(text)
    defaults = options.threads is None and options.images >= 4096 and options.rounds >= 5
    if defaults:
        into_readme(f"transfer {options.device}", text)


if __name__ == "__main__":
    main()
