"""Time one meta-iteration of second-order MAML: ours beside a plain loop, `higher` and `torchopt`.

    python benchmarks/maml.py                  cases A, B, C with one and two threads; rewrites README.md
    python benchmarks/maml.py --about "…"      the same; the row of its history says what was new
    python benchmarks/maml.py --threads 2 --cases A --rounds 3
    python benchmarks/maml.py --device cuda    the same on a GPU, in a table of its own

Needs the extra `bench` (higher, torchopt); a peer that is missing or does not run is left out, and the table
says why. Before anything is timed, the meta-gradients of all are compared in float64.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from maml_cases import CASES, Case, moved
from maml_table import environment, history, table
from report import into_readme, onto_readme

if TYPE_CHECKING:
    from reprise.data.fewshot import Episodes

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
EQUAL = 1e-8
"""Largest relative distance of two meta-gradients in float64 that counts as rounding."""

CHECKED_TASKS = 2
"""Tasks of a case whose meta-gradients are compared."""


def build(case: Case, device: str, double: bool, peer: str, setting: tuple[str, bool]) -> Any:
    """A peer in one of its settings, from the case's initial values."""
    from maml_peers import PEERS, with_library_norm

    model = case.model().to(device)
    model = model.double() if double else model
    form, library_norm = setting
    return PEERS[peer](with_library_norm(model) if library_norm else model, case.inner(), form)


def build_ours(case: Case, device: str, double: bool, threads: int) -> Any:
    from maml_peers import Ours

    model = case.model().to(device)
    return Ours(model.double() if double else model, case.inner(), threads)


def differences(case: Case, device: str, threads: int) -> tuple[dict[str, dict], dict[str, str]]:
    """Relative distance of the meta-gradient in float64 from ours, of every peer in every setting.

    Returns:
        Peer → setting → distance, and peer → why it does not run.

    Raises:
        ArithmeticError: A peer runs, and its gradient is another one.
    """
    import torch
    from maml_peers import PEERS, settings

    episodes = moved(case.episodes()[:CHECKED_TASKS], device, double=True)

    def gradient(way: Any) -> torch.Tensor:
        way.step(episodes)
        return torch.cat([g.flatten() for g in way.gradients()])

    ours = gradient(build_ours(case, device, True, threads))
    found: dict[str, dict] = {}
    skipped: dict[str, str] = {}
    for peer in PEERS:
        found[peer] = {}
        for setting in settings(peer):
            try:
                theirs = gradient(build(case, device, True, peer, setting))
            except Exception as error:
                skipped[peer] = f"{described(setting)}: {type(error).__name__}: {error}"
                continue
            distance = float((theirs - ours).norm() / ours.norm())
            note(f"{case.title}: {peer}, {described(setting)}: float64 gradient {distance:.1e} from ours")
            if not distance < EQUAL:
                raise ArithmeticError(f"{peer}, {described(setting)}: gradient {distance:.1e} from ours")
            found[peer][setting] = distance
        if found[peer]:
            skipped.pop(peer, None)
    return {peer: distances for peer, distances in found.items() if distances}, skipped


def described(setting: tuple[str, bool]) -> str:
    form, library_norm = setting
    norm = "F.batch_norm" if library_norm else "batch norm written out"
    return f"{form}, {norm}" if form else norm


def seconds(way: Any, episodes: Episodes, threads: int) -> float:
    """Time of one meta-iteration, which ends with its loss on the CPU."""
    import torch

    torch.set_num_threads(threads)  # also what ours changes for all while it is open
    if episodes.support_x.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    way.step(episodes)
    if episodes.support_x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


GEMM_SIDE = 1536
"""Of the matrices whose product gives the machine's rate."""


def gemm_seconds(device: str, threads: int) -> float:
    """Time of one large product in float32, after one that is not timed."""
    import torch

    torch.set_num_threads(threads)
    matrix = torch.ones(GEMM_SIDE, GEMM_SIDE, device=device)
    for _ in range(2):
        start = time.perf_counter()
        torch.mm(matrix, matrix)
        if device != "cpu":
            torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(name: str, device: str, threads: int, rounds: int) -> dict[str, Any]:
    """Rows of the table for one case, and why peers are missing from it."""
    import numpy as np
    from maml_peers import settings

    case = CASES[name]
    distances, skipped = differences(case, device, threads)
    episodes = moved(case.episodes(), device, double=False)
    allowed = sorted({1, threads}) if device == "cpu" else [1]
    ways: dict[str, tuple[Any, int]] = {"ours": (build_ours(case, device, False, threads), 1)}
    chosen = {}
    for peer in distances:
        trials = {}
        for setting in settings(peer):
            if setting not in distances[peer]:
                continue
            way = build(case, device, False, peer, setting)
            seconds(way, episodes, allowed[-1])
            for n in allowed:
                trials[setting, n] = (min(seconds(way, episodes, n) for _ in range(2)), way)
        (setting, n), (_, way) = min(trials.items(), key=lambda trial: trial[1][0])
        ways[peer], chosen[peer] = (way, n), (setting, n)
    for way, n in ways.values():
        seconds(way, episodes, n)
    times: dict[str, list[float]] = {label: [] for label in ways}
    products = []
    for i in range(rounds):
        products.append(gemm_seconds(device, threads))
        order = list(ways)[i % len(ways) :] + list(ways)[: i % len(ways)]
        for label in order:
            times[label].append(seconds(ways[label][0], episodes, ways[label][1]))
    rows = []
    for peer, (setting, n) in chosen.items():
        single = np.array(times[peer]) / np.array(times["ours"])
        rows.append(
            {
                "title": case.title,
                "peer": peer,
                "setting": described(setting) + f", torch threads: {n}" * (device == "cpu"),
                "ours_ms": 1e3 * min(times["ours"]),
                "peer_ms": 1e3 * min(times[peer]),
                "ratio": min(times[peer]) / min(times["ours"]),
                "rate": case.operations() / min(times["ours"]) / 1e9,
                "share": case.operations() / min(times["ours"]) * min(products) / (2 * GEMM_SIDE**3),
                "spread": [float(single.min()), float(single.max())],
                "rounds": rounds,
                "target": case.targets.get((device, threads)),
                "difference": distances[peer][setting],
            }
        )
    return {"rows": rows, "skipped": {f"{case.title}: {peer}": why for peer, why in skipped.items()}}


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def child(threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run cases in a process of its own, in which the number of threads is fixed from the start."""
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    command = [sys.executable, __file__, "--child", "--threads", str(threads), "--device", options.device]
    command += ["--rounds", str(options.rounds), "--cases", *options.cases]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, nargs="+", help="1 and 2 by default, on a GPU 1")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--about", default="", help="what is new, for the history")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        import torch

        warnings.simplefilter("ignore")
        torch.backends.cudnn.benchmark = True  # shapes never change: let every way have the fastest kernels
        parts = [measure(name, options.device, options.threads[0], options.rounds) for name in options.cases]
        print(json.dumps(parts))
        return
    if options.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            parser.error("torch finds no CUDA device here; --device cpu runs anywhere")
    threads = options.threads or ([1, 2] if options.device == "cpu" else [1])
    runs = {n: child(n, options) for n in threads}
    machine = environment(options.device)
    text, rows = (
        f"{machine}; rounds: {options.rounds}\n\n{table(runs)}",
        history(runs, machine, options.about),
    )
    print(f"{text}\n\n{rows}")
    if options.cases == list(CASES) and options.threads is None and options.rounds >= 5:
        into_readme(f"maml {options.device}", text)
        onto_readme("maml history", rows)


if __name__ == "__main__":
    main()
