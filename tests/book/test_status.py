"""What the status page says of executed notebooks."""

import json

from reprise.book.status import installed, read_executed, status_table


def notebook(path, source, papermill=None):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": [source]}
    metadata = {"papermill": papermill} if papermill else {}
    path.write_text(json.dumps({"cells": [cell], "metadata": metadata}))
    return path


def test_time_and_parameters_come_from_papermill(tmp_path):
    record = {"duration": 12.5, "parameters": {"compute": "never"}}
    path = notebook(tmp_path / "a.ipynb", "preset = 'laptop'\ncompute = 'missing'\nways = None", record)
    one = read_executed("chapters/a", path)
    assert (one.seconds, one.parameters) == (12.5, {"preset": "laptop", "compute": "never"})


def test_another_executor_tells_the_time(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "seeds = [0, 1]\nnow = time()")
    assert read_executed("a", path).seconds is None
    one = read_executed("a", path, 3)
    assert (one.seconds, one.parameters) == (3.0, {"seeds": [0, 1]})


def test_the_table_names_pages_by_title_and_versions(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "preset = 'x<y'", {"duration": 61.0})
    table = status_table([read_executed("chapters/a", path)], {"chapters/a": "A page"})
    assert "<td>A page</td><td>61 s</td><td>preset = x&lt;y</td>" in table
    assert f"Python {installed()['Python']}" in table and "numpy" in table
