"""The compute path on a bare machine: no Jupyter, no matplotlib, none of the book's packages."""

import os
import subprocess
import sys

BLOCKED = (
    "IPython", "ipywidgets", "ipykernel", "papermill", "nbclient", "nbformat", "jupyter_client",
    "jupyter_core", "jupyter_book", "matplotlib", "anywidget", "timm", "torchvision", "rsatoolbox",
)  # fmt: skip

SCRIPT = """
import sys

for name in {blocked!r}:
    sys.modules[name] = None  # importing it fails as if it were not installed
from reprise.cli import main
main()
"""


def test_units_are_trained_without_jupyter(tmp_path, tiny_settings):
    settings = [f"{key}={value}" for key, value in tiny_settings.items()]
    environment = {**os.environ, "REPRISE_STORE": str(tmp_path), "OMP_WAIT_POLICY": "PASSIVE"}
    script = SCRIPT.replace("{blocked!r}", repr(set(BLOCKED)))
    words = ["run", "maml", *settings, "--preset", "smoke", "--seeds", "0", "--no-notebook"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "maml").glob("*.nc"))) == 1
    assert "1 of 1 units to compute" in done.stdout
    # progress with an estimate of the time to go, also where the terminal is a file
    assert "meta-training, seed 0" in done.stderr and "measuring, seed 0" in done.stderr
