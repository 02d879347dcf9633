"""Time `reprise.similarity` against its peers: same data, alternately, in one process.

    python benchmarks/similarity.py                     all cases with one and two threads; rewrites README.md
    python benchmarks/similarity.py --threads 1 --case rdm compare
    python benchmarks/similarity.py --small             sizes of a smoke test, nothing written

Needs the extras `test` and `bench` (rsatoolbox, torch_cka). Times are medians; a peer that takes more than
`LONG` seconds is run once. Every case also reports the largest difference between the two results.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import into_readme, processor

REPEATS = 5
LONG = 20.0
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def rdm_case(small: bool) -> dict[str, Any]:
    """Correlation RDM of 1000 stimuli × 20 000 features, float32."""
    import numpy as np
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm

    from reprise import similarity

    n, d = (60, 500) if small else (1000, 20_000)
    x = np.random.default_rng(0).standard_normal((n, d), dtype=np.float32)
    upper = np.triu_indices(n, 1)
    return {
        "title": f"RDM (correlation) of {n} × {d}, float32",
        "ours": lambda: similarity.rdm(x),
        "peers": {
            "rsatoolbox": (lambda: calc_rdm(Dataset(x), method="correlation").get_vectors()[0], 25.0),
            "numpy.corrcoef": (lambda: 1 - np.corrcoef(x)[upper], 1.0),
            "numpy.corrcoef, float32": (lambda: 1 - np.corrcoef(x, dtype=np.float32)[upper], 1.0),
        },
    }


def compare_case(small: bool) -> dict[str, Any]:
    """All pairs of 200 RDMs of 200 stimuli by Spearman's rho."""
    import numpy as np
    from rsatoolbox.rdm.compare import compare as peer_compare
    from rsatoolbox.rdm.rdms import RDMs

    from reprise import similarity

    m, n = (10, 20) if small else (200, 200)
    rdms = np.random.default_rng(0).random((m, n * (n - 1) // 2))
    peer = RDMs(rdms)
    return {
        "title": f"Spearman, all pairs of {m} RDMs of {n} stimuli",
        "ours": lambda: similarity.compare(rdms),
        "peers": {"rsatoolbox": (lambda: peer_compare(peer, peer, "spearman"), 10.0)},
    }


def cka_case(small: bool) -> dict[str, Any]:
    """Debiased linear CKA of all pairs of 24 representations of 1000 × 8000, float32."""
    import numpy as np
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
    from torch_cka import CKA

    from reprise import similarity

    m, n, d = (4, 50, 200) if small else (24, 1000, 8000)
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((n, d), dtype=np.float32)
    items = [shared * np.float32(i / m) + rng.standard_normal((n, d), dtype=np.float32) for i in range(m)]

    class Given(nn.Module):
        """A layer that puts out what it was given: torch_cka takes networks, not arrays."""

        def __init__(self, values: torch.Tensor) -> None:
            super().__init__()
            self.values = values

        def forward(self, _x: torch.Tensor) -> torch.Tensor:
            return self.values

    def network() -> nn.Module:
        return nn.Sequential(*(Given(torch.from_numpy(x)) for x in items))

    loader = DataLoader(TensorDataset(torch.zeros(n, 1)), batch_size=n)
    names = [str(i) for i in range(m)]

    def peer() -> np.ndarray:
        run = CKA(network(), network(), "a", "b", model1_layers=names, model2_layers=names)
        run.compare(loader, loader)
        return run.export()["CKA"].numpy()

    return {
        "title": f"debiased linear CKA, all pairs of {m} representations of {n} × {d}, float32",
        "ours": lambda: similarity.cka_matrix(items, debiased=True),
        "peers": {"torch_cka": (peer, 40.0)},
    }


def bootstrap_case(small: bool) -> dict[str, Any]:
    """1000 resamples of stimuli: 5 × 5 RDMs of 100 stimuli, Spearman."""
    import numpy as np
    from rsatoolbox.inference.bootstrap import bootstrap_sample_pattern
    from rsatoolbox.rdm.compare import compare as peer_compare
    from rsatoolbox.rdm.rdms import RDMs

    from reprise import similarity

    resamples, n = (20, 20) if small else (1000, 100)
    rdms = np.random.default_rng(0).random((10, n * (n - 1) // 2))
    rdms[5:] += rdms[:5]
    left, right = RDMs(rdms[:5]), RDMs(rdms[5:])

    def ours() -> np.ndarray:
        result = similarity.bootstrap(rdms[:5], rdms[5:], resamples=resamples)
        return result.samples.mean(axis=0)

    def peer() -> np.ndarray:
        values = []
        for _ in range(resamples):
            sample, chosen = bootstrap_sample_pattern(left)
            values.append(peer_compare(sample, right.subsample_pattern("index", chosen), "spearman"))
        return np.mean(values, axis=0)

    return {
        "title": f"{resamples} bootstrap resamples of 5 × 5 RDMs of {n} stimuli, Spearman",
        "ours": ours,
        "peers": {"rsatoolbox": (peer, 15.0)},
        "note": "means of different resamples",
    }


CASES: dict[str, Callable[[bool], dict[str, Any]]] = {
    "rdm": rdm_case,
    "compare": compare_case,
    "cka": cka_case,
    "bootstrap": bootstrap_case,
}


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call takes, and what it returns."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def measure(name: str, small: bool) -> list[dict[str, Any]]:
    """Rows of the table for one case."""
    import numpy as np

    case = CASES[name](small)
    times: dict[str, list[float]] = {"ours": [], **{peer: [] for peer in case["peers"]}}
    results: dict[str, Any] = {}
    case["ours"]()  # first calls load what is imported late
    for _ in range(REPEATS):
        for label in times:
            if label != "ours" and times[label] and times[label][0] > LONG:
                continue
            function = case["ours"] if label == "ours" else case["peers"][label][0]
            seconds, results[label] = timed(function)
            times[label].append(seconds)
    rows = []
    for peer, (_, target) in case["peers"].items():
        ours, theirs = float(np.median(times["ours"])), float(np.median(times[peer]))
        gap = float(np.nanmax(np.abs(results["ours"] - results[peer])))
        row = {"case": name, "title": case["title"], "peer": peer, "ours_s": ours, "peer_s": theirs}
        row |= {
            "ratio": theirs / ours,
            "target": target,
            "n_ours": len(times["ours"]),
            "n_peer": len(times[peer]),
        }
        rows.append({**row, "difference": gap, "note": case.get("note", "")})
    return rows


def memory_rows(small: bool) -> list[dict[str, Any]]:
    """Peak memory beyond the input, against two Grams and one float32 copy."""
    import numpy as np

    from reprise import similarity

    rows = []
    for n, d in [(60, 500)] if small else [(1000, 20_000), (3000, 500)]:
        rng = np.random.default_rng(0)
        x, y = (rng.standard_normal((n, d), dtype=np.float32) for _ in range(2))
        allowed = 2 * 8 * n * n + 4 * n * d
        calls = {"rdm": lambda x=x: similarity.rdm(x), "cka": lambda x=x, y=y: similarity.cka(x, y)}
        for name, call in calls.items():
            call()
            tracemalloc.start()
            call()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            rows.append({"title": f"{name} of {n} × {d}", "peak": peak / 1e6, "allowed": allowed / 1e6})
    return rows


def import_seconds() -> float:
    """Median time of `import reprise.similarity` in a fresh interpreter; fails if it imports torch."""
    code = (
        "import time, sys; t = time.perf_counter(); import reprise.similarity; "
        "print(time.perf_counter() - t); assert not {'torch', 'xarray', 'scipy'} & set(sys.modules)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(7)
    ]
    return sorted(float(run.stdout) for run in runs)[3]


def child(threads: int, cases: list[str], small: bool) -> dict[str, Any]:
    """Run cases in a process of its own, in which the number of threads is fixed from the start."""
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    command = [sys.executable, __file__, "--child", "--threads", str(threads), "--case", *cases]
    output = subprocess.run(
        command + ["--small"] * small, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    return json.loads(output.splitlines()[-1])


def table(runs: dict[int, dict[str, Any]], seconds: float) -> str:
    """The README's tables."""
    lines = ["| case | peer | threads | ours, s | peer, s | ratio | target | met | max. difference |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for threads, run in runs.items():
        for row in run["times"]:
            met = "yes" if row["ratio"] >= row["target"] else "**no**"
            once = "" if row["n_peer"] > 1 else " (one run)"
            note = f" ({row['note']})" if row["note"] else ""
            lines.append(
                f"| {row['title']} | {row['peer']} | {threads} | {row['ours_s']:.3g} "
                f"| {row['peer_s']:.3g}{once} "
                f"| {row['ratio']:.3g} | ≥ {row['target']:g} | {met} | {row['difference']:.1e}{note} |"
            )
    lines += ["", "| peak memory beyond the input | MB | 2 Grams + 1 float32 copy, MB |", "|---|---|---|"]
    memory = next(iter(runs.values()))["memory"]
    lines += [f"| {row['title']} | {row['peak']:.0f} | {row['allowed']:.0f} |" for row in memory]
    lines += [
        "",
        f"`import reprise.similarity`: {seconds:.2f} s (at most 0.3 s), without torch, SciPy and xarray.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--case", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--save", type=Path, help="keep the numbers as JSON, adding to what the file holds")
    options = parser.parse_args()
    if options.child:
        warnings.simplefilter("ignore")
        import torch

        torch.set_num_threads(options.threads[0])
        rows = [row for name in options.case for row in measure(name, options.small)]
        print(json.dumps({"times": rows, "memory": memory_rows(options.small)}))
        return
    saved: dict[int, dict[str, Any]] = {}
    if options.save and options.save.exists():
        saved = {int(threads): run for threads, run in json.loads(options.save.read_text()).items()}
    saved |= {threads: child(threads, options.case, options.small) for threads in options.threads}
    if options.save:
        options.save.write_text(json.dumps(saved))
    text = table(dict(sorted(saved.items())), import_seconds())
    print(text)
    if not options.small and options.case == list(CASES):
        into_readme("similarity", f"{environment()}\n\n{text}")


def environment() -> str:
    """What was measured on what."""
    from importlib.metadata import version

    names = ("numpy", "torch", "rsatoolbox", "torch_cka")
    return f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, " + ", ".join(
        f"{name} {version(name)}" for name in names
    )


if __name__ == "__main__":
    main()
