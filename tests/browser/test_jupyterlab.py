"""Explorers in JupyterLab, with a kernel behind them: the same numbers, in its light and its dark theme."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest

from reprise.engine.grams import unfold
from reprise.engine.store import Store
from reprise.engine.study import Unit, study
from reprise.places import Places
from reprise.plots import palette
from reprise.similarity import measure
from reprise.similarity.gram import Grams
from reprise.studies.maml import explorers as maml

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        importlib.util.find_spec("jupyterlab") is None,
        reason="JupyterLab is not installed: pip install jupyterlab",
    ),
]

ROOT = Path(__file__).parents[2]
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

CELL = f"""from pathlib import Path
from reprise.book.chapter import Chapter
from reprise.places import Places
from reprise.studies.maml import explorers as maml
root = Path({str(ROOT)!r})
places = Places(Places.from_environment().data, root / "results", root / "_runs")
chapter = Chapter.load("maml", places, "laptop", "never", [0])
display(maml.representation(chapter.unit(0)), maml.dynamics(chapter.run, chapter.unit(0)))"""


@pytest.fixture(params=THEMES)
def lab(request, tmp_path) -> Iterator[tuple[str, str]]:
    """A running JupyterLab with one notebook: its theme and its address."""
    settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": THEMES[request.param]}))
    (settings / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "work").mkdir()
    nbformat.write(notebook, tmp_path / "work" / "explorers.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {"CONFIG_DIR": "config", "DATA_DIR": "share", "RUNTIME_DIR": "runtime"}
    own = {f"JUPYTER_{name}": str(tmp_path / folder) for name, folder in places.items()}
    own |= {f"JUPYTERLAB_{n}_DIR": str(tmp_path / n.lower()) for n in ("SETTINGS", "WORKSPACES")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += [
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        f"--notebook-dir={tmp_path / 'work'}",
    ]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, env={**os.environ, **own}, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            assert server.poll() is None, (tmp_path / "log").read_text()
            try:
                urllib.request.urlopen(f"{base}/api/status", timeout=5).close()
                break
            except OSError:
                time.sleep(0.25)
        yield request.param, f"{base}/lab/tree/explorers.ipynb"
    finally:
        server.terminate()
        server.wait(30)


def test_explorers_work_in_jupyterlab(lab, open_tab, screenshots):
    theme, address = lab
    tab = open_tab("light")  # JupyterLab's theme is its own, whatever the system prefers
    page = tab.page
    page.goto(address)
    page.locator(".jp-Notebook .jp-CodeCell").first.click(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    explorers = page.locator(".rp-explorer")
    explorers.nth(1).wait_for(timeout=120_000)
    pair, change = explorers.nth(0), explorers.nth(1)

    store = Store(ROOT / "results", Places.from_environment().local)
    unit = store.load(Unit(study("maml").configure("laptop", {}), 0))
    assert unit is not None
    widget = maml.representation(unit)
    states = maml.unit_states(unit)
    chosen = [widget.selection[side] for side in ("a", "b")]
    grams = [
        Grams(unfold(states.gram[i]), states.mean[i].astype(np.float64), int(states.features[i]))
        for i in chosen
    ]
    result = pair.locator(".rp-result")
    for name in ("cka-linear", "rsa-euclidean"):
        pair.get_by_label("Measure").select_option(label=measure(name).title)
        expected = measure(name).from_grams(*grams)
        page.wait_for_function(
            "([element, text]) => element.innerText.startsWith(text)",
            arg=[result.element_handle(), f"{expected:.3f}"],
            timeout=20_000,
        )
    change.get_by_role("button", name="Play").click()
    change.get_by_role("button", name="Pause").click()
    change.get_by_label("Change from").select_option(index=1)
    assert "seed" in change.inner_text()

    ground = change.evaluate("element => getComputedStyle(element).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 17, 17)"}[theme]
    inks = change.evaluate(
        "(element, names) => names.map(name => getComputedStyle(element).getPropertyValue(name).trim())",
        [f"--ink-{light[1:]}" for light in palette.ON_DARK],
    )
    assert inks == ([*palette.ON_DARK.values()] if theme == "dark" else [""] * len(palette.ON_DARK))
    page.screenshot(path=screenshots / f"jupyterlab-{theme}.png")
    # What JupyterLab itself does not find (settings that nobody has saved) is no fault of ours.
    assert [fault for fault in tab.faults if "404" not in fault] == []
