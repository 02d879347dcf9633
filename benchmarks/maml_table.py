"""The tables that `maml.py` writes: all peers as they stand, and a line a case for the history."""

from __future__ import annotations

import datetime
import os
import platform
from typing import Any

from report import processor


def table(runs: dict[int, list[dict[str, Any]]]) -> str:
    """The README's table, and the peers that are missing from it."""
    lines = [
        "| case | peer | its best setting | threads | ours, ms | peer, ms | ratio (rounds) | target | met "
        "| ours, GF/s | of GEMM rate | float64 gradients differ by |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for threads, measured in runs.items():
        for row in (row for part in measured for row in part["rows"]):
            target = row["target"]
            met = "" if target is None else "yes" if row["ratio"] >= target else "**no**"
            wanted = "" if target is None else f"≥ {target:g}"
            lowest, highest = row["spread"]
            lines.append(
                f"| {row['title']} | {row['peer']} | {row['setting']} | {threads} | {row['ours_ms']:.4g} "
                f"| {row['peer_ms']:.4g} | {row['ratio']:.3g} ({lowest:.3g} to {highest:.3g}) "
                f"| {wanted} | {met} | {row['rate']:.3g} | {row['share']:.0%} | {row['difference']:.1e} |"
            )
    skipped = [part["skipped"] for measured in runs.values() for part in measured]
    missing = {what: why for reasons in skipped for what, why in reasons.items()}
    lines += [""] * bool(missing) + [f"- left out: {what}: {why}" for what, why in missing.items()]
    return "\n".join(lines)


def environment(device: str) -> str:
    """What was measured on what."""
    from importlib.metadata import PackageNotFoundError, version

    import torch

    def named(package: str) -> str:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            return f"no {package}"

    machine = f"{processor()}, {os.cpu_count()} cores" if device == "cpu" else torch.cuda.get_device_name()
    packages = ", ".join(named(package) for package in ("torch", "higher", "torchopt"))
    return f"{machine}; Python {platform.python_version()}, {packages}"


def history(runs: dict[int, list[dict[str, Any]]], machine: str, about: str) -> str:
    """A row a case: ours beside the best of its peers."""
    from reprise.engine.provenance import commit

    lines = []
    for threads, measured in runs.items():
        for rows in (part["rows"] for part in measured if part["rows"]):
            best = min(rows, key=lambda row: row["peer_ms"])
            lines.append(
                f"| {datetime.date.today()} | {commit()} | {machine} | {best['title'][0]} | {threads} "
                f"| {best['ours_ms']:.4g} | {best['peer']} | {best['peer_ms']:.4g} | {best['ratio']:.3g} "
                f"| {best['rate']:.3g} | {best['share']:.0%} | {about} |"
            )
    return "\n".join(lines)
