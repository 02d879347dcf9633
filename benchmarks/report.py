"""What benchmarks write: the processor's name, and their part of README.md."""

from __future__ import annotations

import platform
from pathlib import Path

README = Path(__file__).resolve().parent / "README.md"


def processor() -> str:
    """Name of the CPU."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return named[0] if named else platform.processor() or platform.machine()


def into_readme(name: str, text: str, readme: Path = README) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`.

    Raises:
        ValueError: One of the marks is missing.
    """
    before, _, after = _parts(name, readme)
    readme.write_text(f"{before}{text.rstrip()}\n{after}")


def onto_readme(name: str, text: str, readme: Path = README) -> None:
    """Add lines below what stands there.

    Raises:
        ValueError: One of the marks is missing.
    """
    before, there, after = _parts(name, readme)
    readme.write_text(f"{before}{there}{text.rstrip()}\n{after}")


def _parts(name: str, readme: Path) -> tuple[str, str, str]:
    """What stands before a place, in it and after it; the marks belong to the outer two."""
    before, start, rest = readme.read_text().partition(f"<!-- {name} -->\n")
    there, end, after = rest.partition(f"<!-- /{name} -->\n")
    if not start or not end:
        raise ValueError(f"{readme} has no place marked <!-- {name} --> to <!-- /{name} -->")
    return before + start, there, end + after
