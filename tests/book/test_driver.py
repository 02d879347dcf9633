"""The papermill driver: other parameters in, an executed notebook or a clear error out."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import pytest

from reprise.book.driver import ChapterError, execute_notebook

PARAMETERS = ("ways: int = 5\nseeds, shots = None, 1\npreset = 'laptop'", ["parameters"])


def texts(path: Path) -> list[str]:
    """What each code cell printed."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in cells]


def test_executes_with_parameters_in_this_interpreter(tmp_path, write_notebook):
    cells = ["# Title", PARAMETERS, "import os, sys\nprint(ways, preset, where, os.getcwd(), sys.executable)"]
    cells[1] = (PARAMETERS[0] + "\nwhere = None", ["parameters"])
    source = write_notebook(tmp_path / "deep" / "study.ipynb", cells)
    before = source.read_bytes()
    values = {"ways": 10, "preset": "smoke", "where": (Path("a"), range(2))}

    target = execute_notebook(source, tmp_path / "out" / "run.ipynb", values, progress=False)

    assert target == tmp_path / "out" / "run.ipynb"
    expected = f"10 smoke ['a', [0, 1]] {source.parent} {sys.executable}\n"
    assert texts(target)[-1] == expected
    assert source.read_bytes() == before
    record = nbformat.read(target, as_version=4)
    assert record.metadata.papermill.duration > 0
    assert record.cells[-1].metadata.papermill.status == "completed"


def test_ignores_kernel_specs_of_other_environments(tmp_path, write_notebook, monkeypatch):
    spec = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["/does/not/exist"], "display_name": "other", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    source = write_notebook(tmp_path / "study.ipynb", ["print('here')"])
    assert texts(execute_notebook(source, tmp_path / "out.ipynb", {}, progress=False)) == ["here\n"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"way": 5, "shots": 1},
            r"unknown parameter 'way'; did you mean ways\?; study\.ipynb has: ways, preset",
        ),
        ({"ways": object()}, r"parameter ways: a value of type object"),
    ],
)
def test_bad_parameters_are_refused_before_a_kernel_starts(tmp_path, write_notebook, values, message):
    source = write_notebook(tmp_path / "study.ipynb", [PARAMETERS])
    with pytest.raises(ValueError, match=message):
        execute_notebook(source, tmp_path / "out.ipynb", values)
    assert not (tmp_path / "out.ipynb").exists()


def test_settings_that_are_not_declared_are_accepted_by_name_and_nothing_is_warned_of(
    tmp_path, write_notebook, caplog
):
    source = write_notebook(tmp_path / "study.ipynb", [PARAMETERS, "print(ways, filters)"])
    target = tmp_path / "out.ipynb"
    execute_notebook(source, target, {"filters": 8}, progress=False, accepted=("filters", "blocks"))
    assert texts(target)[-1] == "5 8\n"
    assert "unknown parameter" not in caplog.text
    with pytest.raises(ValueError, match=r"unknown parameter 'filter'; did you mean filters\?"):
        execute_notebook(source, target, {"filter": 8}, progress=False, accepted=("filters", "blocks"))


def test_bad_files_are_refused(tmp_path, write_notebook):
    source = write_notebook(tmp_path / "study.ipynb", [PARAMETERS])
    with pytest.raises(ValueError, match="overwrite its source"):
        execute_notebook(source, source, {})
    with pytest.raises(FileNotFoundError, match=r"no notebook at .*nowhere\.ipynb"):
        execute_notebook(tmp_path / "nowhere.ipynb", tmp_path / "out.ipynb", {})
    (tmp_path / "text.ipynb").write_text("hello")
    with pytest.raises(ValueError, match="is not a notebook"):
        execute_notebook(tmp_path / "text.ipynb", tmp_path / "out.ipynb", {})


def test_a_failing_cell_is_shown_and_the_rest_kept(tmp_path, write_notebook):
    failing = "def look(key):\n    return {}[key]\nlook('block5')"
    source = write_notebook(tmp_path / "study.ipynb", ["print('first')", failing, "print('never')"])
    with pytest.raises(ChapterError) as caught:
        execute_notebook(source, tmp_path / "out.ipynb", {}, progress=False)
    error, message = caught.value, str(caught.value)
    assert error.cause == "KeyError: 'block5'"
    assert error.source == failing
    assert "return {}[key]" in error.traceback
    assert "\x1b" not in message
    assert "    look('block5')" in message
    assert str(error.notebook) in message
    assert "first\n" in texts(error.notebook)
    assert "never\n" not in texts(error.notebook)


def test_a_cell_over_time_and_a_dead_kernel_are_errors(tmp_path, write_notebook):
    slow = write_notebook(tmp_path / "slow.ipynb", ["import time; time.sleep(60)"])
    with pytest.raises(ChapterError, match=r"slow\.ipynb: a cell took longer than 1 s"):
        execute_notebook(slow, tmp_path / "out" / "slow.ipynb", {}, timeout=1, progress=False)
    dead = write_notebook(tmp_path / "dead.ipynb", ["import os; os._exit(9)"])
    with pytest.raises(ChapterError, match="the kernel died") as caught:
        execute_notebook(dead, tmp_path / "out" / "dead.ipynb", {}, progress=False)
    assert caught.value.source == "import os; os._exit(9)"


def test_progress_of_cells_reaches_the_terminal(tmp_path, write_notebook, capfd):
    source = write_notebook(tmp_path / "study.ipynb", ["import sys; print('unit 1 of 5', file=sys.stderr)"])
    execute_notebook(source, tmp_path / "out.ipynb", {}, progress=True)
    assert "unit 1 of 5" in capfd.readouterr().err
    execute_notebook(source, tmp_path / "out.ipynb", {}, progress=False)
    assert capfd.readouterr().err == ""


def test_a_kernel_ends_its_threads_before_it_closes_what_they_send_through(tmp_path, write_notebook):
    # The control thread is still answering the shutdown when the main thread is through; what is registered
    # last runs first at exit, before ipykernel's own.
    cell = """
    import atexit, pathlib, threading, time
    kernel = get_ipython().kernel
    # Bound as defaults: the names of cells are gone at exit.
    def late(status, channel, parent=None, wait=time.sleep, publish=kernel._publish_status):
        if channel == "control":
            wait(0.3)
        publish(status, channel, parent)
    kernel._publish_status = late
    def note(path=pathlib.Path("alive"), threads=threading.enumerate):
        path.write_text("\\n".join(thread.name for thread in threads()))
    atexit.register(note)
    """
    source = write_notebook(tmp_path / "study.ipynb", [textwrap.dedent(cell)])
    execute_notebook(source, tmp_path / "out.ipynb", {}, progress=False)
    alive = (tmp_path / "alive").read_text().split("\n")
    assert "IOPub" in alive
    assert not {"Control", "Shell channel"} & set(alive)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of this kind are POSIX")
def test_ctrl_c_ends_cleanly_and_keeps_what_was_done(tmp_path, write_notebook):
    wait = (
        "import os, pathlib, time\n"
        "pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "try:\n    time.sleep(60)\nfinally:\n    pathlib.Path('finished').touch()"
    )
    source = write_notebook(tmp_path / "study.ipynb", ["print('first')", wait])
    code = (
        "import signal\n"
        "from pathlib import Path\n"
        "from reprise.book.driver import execute_notebook\n"
        # A shell that starts tests in the background has them ignore it, and their children too.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        "    execute_notebook(Path('study.ipynb'), Path('out.ipynb'), {}, progress=False)\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=source.parent, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert output == "interrupted\n"
    assert process.returncode == 0
    # The cell's own clean-up ran: a training loop would have kept its finished units.
    assert (tmp_path / "finished").exists()
    assert texts(tmp_path / "out.ipynb")[0] == "first\n"
