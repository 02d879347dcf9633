"""Where a number comes from: commit, source, versions, device, time."""

import datetime
import functools
import hashlib
import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("numpy", "scipy", "torch", "torchvision", "xarray")


def record(device: str, seconds: dict[str, float], fingerprint: str, **more: Any) -> dict[str, Any]:
    """Describe the making of a unit.

    Args:
        device: Torch device string that it was trained on, such as ``"cpu"`` or ``"cuda"``.
        seconds: Wall-clock seconds by phase; those of earlier, interrupted sessions counted in.
        fingerprint: Fingerprint of the data set.
        more: Further facts, JSON-serialisable.

    Returns:
        Commit (with ``+`` if the tree was changed), hash of the library's source, versions, device and its
        name, threads, platform, time of finishing (UTC), seconds in all and by phase.
    """
    import torch

    on_gpu = device.startswith("cuda")
    return {
        "commit": commit(),
        "source": source_hash(),
        "versions": {"python": platform.python_version(), **_versions()},
        "device": device,
        "device_name": torch.cuda.get_device_name(device) if on_gpu else _processor(),
        "threads": torch.get_num_threads(),
        "platform": platform.platform(aliased=True, terse=True),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(sum(seconds.values()), 1),
        "phases": {phase: round(value, 1) for phase, value in seconds.items()},
        "data": fingerprint,
        **more,
    }


@functools.cache
def commit() -> str:
    """Short commit of the checkout that the library runs from, ``+`` appended if its tree is changed.

    Returns:
        ``"unknown"`` outside a git checkout.
    """
    try:
        here = Path(__file__).parents[1]

        def git(*words: str) -> str:
            answer = subprocess.run(
                ["git", *words], cwd=here, capture_output=True, text=True, check=True, timeout=10
            )
            return answer.stdout.strip()

        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".")
        return git("rev-parse", "--short=10", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


@functools.cache
def source_hash() -> str:
    """Sixteen hexadecimal digits that change with any Python file or declaration of the library."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.toml")]):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def summary(records: list[dict[str, Any]], fields: dict[str, str]) -> str:
    """One compact line under a figure: units, data, commits, devices, dates, seconds.

    Args:
        records: Provenance of each unit shown.
        fields: What else to say first, such as ``{"seeds": "0–4", "data": "omniglot-minimal"}``.

    Returns:
        Parts joined by middle dots.
    """

    def distinct(key: str) -> str:
        return ", ".join(sorted({str(record[key]) for record in records}))

    seconds = [record["seconds"] for record in records]
    dates = sorted({record["finished"][:10] for record in records})
    parts = [f"{len(records)} unit" + ("s" if len(records) > 1 else "")]
    parts += [f"{name} {value}" for name, value in fields.items()]
    parts += [
        f"commit {distinct('commit')}",
        f"device {distinct('device_name')}",
        " to ".join({dates[0]: 0, dates[-1]: 0}),
    ]
    parts.append(f"{sum(seconds) / len(seconds):.0f} s a unit")
    return " · ".join(parts)


def dumps(record: dict[str, Any]) -> str:
    """Canonical JSON: sorted keys, no spaces, no NaN."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "none"
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
