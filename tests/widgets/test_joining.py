"""Joined modules are whole, and ask for nothing."""

import re
import subprocess
from pathlib import Path

import pytest

from reprise.plots import palette
from reprise.widgets import Dynamics, Parameters, Representation, Rule, Segmentation, Specification, joining

WIDGETS = [Dynamics, Parameters, Representation, Rule, Segmentation, Specification]


@pytest.mark.parametrize("widget", WIDGETS)
def test_modules_are_whole(widget, node, tmp_path):
    text = widget._esm if isinstance(widget._esm, str) else str(widget._esm)
    assert text.count("export default") == 1
    assert not re.search(r"^(import|export (?!default))", text, re.MULTILINE)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    path = tmp_path / "module.mjs"
    # Names that stand twice would be an error here.
    path.write_text(text)
    subprocess.run([node, "--check", str(path)], check=True, capture_output=True)
    # And names that are nowhere, an error when the module runs; rendering is the browser's test.
    subprocess.run([node, "-e", f"import('{path}').then((m) => m.default.render)"], check=True)


def test_dark_grounds_have_one_set_of_colours():
    """The book's style sheet and the widgets' own give the same colours."""
    sheet = (Path(__file__).parents[2] / "assets" / "reprise.css").read_text(encoding="utf-8")
    expected = {f"--ink-{light[1:]}": dark for light, dark in palette.ON_DARK.items()}
    for text in (sheet, joining.style()):
        assert dict(re.findall(r"(--ink-[0-9a-f]{6}): (#[0-9a-f]{6});", text)) == expected


def test_the_worker_answers(node, tmp_path):
    path = tmp_path / "worker.js"
    path.write_text(
        joining.worker_source()
        + "const gram = new Float32Array(12).map((_, k) => [2, 1, 1, 3, 1, 4][k % 6] + (k > 5));"
        "const states = unpack({ gram,"
        " mean: new Float32Array(6), features: [2, 2], sets: [0, 0], n: 3 });"
        "server(states, (m) => m.value && console.log(JSON.stringify([m.id, m.value.length])))"
        "({ kind: 'matrix', id: 5, request: { chosen: [0, 1], keep: [0, 1, 2],"
        " measure: { form: 'kernel', kernel: 'linear', debiased: false, range: [0, 1] } } });"
    )
    done = subprocess.run([node, str(path)], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[5,4]"


def test_an_import_of_another_form_is_refused(tmp_path, monkeypatch):
    (tmp_path / "odd.js").write_text('import * as x from "./core.js";\nexport default {};\n')
    monkeypatch.setattr(joining, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"odd\.js: an import cannot be joined"):
        joining.module("odd")


def test_the_newest_request_of_a_kind_ends_the_older_one(javascript):
    body = """
    const [n, m] = [12, 60];
    const gram = Float32Array.from({ length: (m * n * (n + 1)) / 2 }, (_, k) => Math.sin(k * k) + (k % 7));
    const [features, sets] = [Array(m).fill(9), Array(m).fill(0)];
    const all = tasks.unpack({ gram, mean: new Float32Array(m * n), features, sets, n });
    const heard = [];
    const reply = ({ id, progress, ended }) => progress === undefined && heard.push([id, Boolean(ended)]);
    const ask = tasks.server(all, reply);
    const measure = { ...measures["rsa-euclidean"], method: "kendall-tau-b" };
    const request = { a: 0, b: 1, measure, keep: every(n), resamples: 40000, seed: 0 };
    const first = ask({ kind: "interval", id: 1, request });
    await Promise.all([first, ask({ kind: "interval", id: 2, request: { ...request, resamples: 50 } })]);
    return heard;
    """
    assert sorted(javascript(body)) == [[1, True], [2, False]]


def test_without_a_worker_the_page_does_the_work_itself(javascript):
    body = """
    const { Engine } = await import("./engine.js");  // node has no Worker of this kind
    const [n, m] = [6, 3];
    const gram = Float32Array.from({ length: (m * n * (n + 1)) / 2 }, (_, k) => Math.sin(k * k) + (k % 7));
    const [mean, features, sets] = [new Float32Array(m * n), [9, 9, 9], [0, 0, 0]];
    const engine = new Engine({ gram, mean, features, sets, n });
    const measure = measures["cka-linear"];
    const request = { chosen: [0, 1, 2], measure, keep: every(n) };
    const answers = await Promise.all([engine.ask("matrix", request), engine.ask("matrix", request)]);
    engine.close();
    return [Boolean(engine.worker), answers.map((answer) => answer && answer.length)];
    """
    assert javascript(body) == [False, [9, 9]]
