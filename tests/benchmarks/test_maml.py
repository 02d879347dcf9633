"""What the benchmark of meta-iterations compares is the same computation, and it reports honestly."""

import dataclasses
import importlib
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """Imports a module of the folder, which is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.fixture
def tiny(bench):
    case = bench("maml_cases").CASES["A"]
    return dataclasses.replace(case, title="tiny", ways=3, queries=2, tasks=3, steps=2, size=16, filters=4)


def gradient(way, episodes):
    way.step(episodes)
    return torch.cat([g.flatten() for g in way.gradients()])


@pytest.mark.parametrize("peer", ["plain loop", "higher", "torchopt"])
def test_ours_and_the_peers_have_equal_gradients(bench, tiny, peer):
    if peer != "plain loop":
        pytest.importorskip(peer)
    maml, peers = bench("maml"), bench("maml_peers")
    episodes = maml.moved(tiny.episodes(), "cpu", double=True)
    ours = gradient(maml.build_ours(tiny, "cpu", True, 2), episodes)
    assert ours.norm() > 0
    for setting in peers.settings(peer):
        theirs = gradient(maml.build(tiny, "cpu", True, peer, setting), episodes)
        torch.testing.assert_close(theirs, ours, rtol=1e-9, atol=1e-12)


def test_a_step_of_the_plain_loop_moves_the_parameters_as_ours(bench, tiny):
    maml = bench("maml")
    episodes = maml.moved(tiny.episodes(), "cpu", double=True)
    ours = maml.build_ours(tiny, "cpu", True, 1)
    plain = maml.build(tiny, "cpu", True, "plain loop", ("", False))
    for _ in range(2):
        assert plain.step(episodes) == pytest.approx(ours.step(episodes), rel=1e-9)
    # A convolution's bias has no gradient but rounding, which Adam enlarges.
    for name, value in ours.learner.parameters.items():
        torch.testing.assert_close(plain.parameters[name], value, rtol=1e-9, atol=1e-8)


def test_another_gradient_stops_the_benchmark(bench, tiny, monkeypatch):
    maml, peers = bench("maml"), bench("maml_peers")
    first_order = dataclasses.replace(tiny.inner(), rate=0.1)
    build = maml.build

    def other(case, device, double, peer, setting):
        way = build(case, device, double, "plain loop", ("", False))
        way.inner = first_order
        return way

    monkeypatch.setattr(maml, "build", other)
    with pytest.raises(ArithmeticError, match="plain loop, batch norm written out: gradient .* from ours"):
        maml.differences(tiny, "cpu", 1)
    assert set(peers.PEERS) == {"plain loop", "higher", "torchopt"}


def test_a_peer_that_fails_is_left_out_with_its_reason(bench, tiny, monkeypatch):
    maml, peers = bench("maml"), bench("maml_peers")

    class Broken(peers.PlainLoop):
        def __init__(self, *arguments):
            raise ImportError("no such library")

    plain = peers.PEERS["plain loop"]
    monkeypatch.setattr(peers, "PEERS", {"plain loop": plain, "broken": Broken})
    monkeypatch.setitem(maml.CASES, "A", tiny)
    measured = maml.measure("A", "cpu", 1, 1)
    assert [row["peer"] for row in measured["rows"]] == ["plain loop"]
    assert "ImportError: no such library" in measured["skipped"]["tiny: broken"]
    lines = maml.table({1: [measured]}).splitlines()
    assert any(line.startswith("| tiny | plain loop |") for line in lines)
    assert lines[-1].startswith("- left out: tiny: broken: ") and "no such library" in lines[-1]


@pytest.mark.parametrize("name", ["A", "C"])
def test_operations_are_those_that_torch_counts(bench, name):
    from torch.utils.flop_counter import FlopCounterMode

    case = bench("maml_cases").CASES[name]
    head = case.model().head
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        case.model()(torch.zeros(1, case.channels, case.size, case.size))
    forward = counter.get_total_flops() - 2 * head.weight.numel()
    images = 9 * case.steps * case.ways + 3 * case.ways * case.queries
    assert case.operations() == case.tasks * images * forward


def test_the_history_gets_one_row_a_case_with_the_best_peer(bench, tmp_path):
    table, report = bench("maml_table"), bench("report")
    row = {"title": "A: tiny", "ours_ms": 10.0, "rate": 5.0, "share": 0.25}
    measured = {
        "rows": [
            {**row, "peer": "slow", "peer_ms": 50.0, "ratio": 5.0},
            {**row, "peer": "fast", "peer_ms": 20.0, "ratio": 2.0},
        ],
        "skipped": {},
    }
    rows = table.history({2: [measured, {"rows": [], "skipped": {}}]}, "a machine", "new here")
    assert rows.endswith("| a machine | A | 2 | 10 | fast | 20 | 2 | 5 | 25% | new here |")
    readme = tmp_path / "README.md"
    readme.write_text("top\n<!-- h -->\nold\n<!-- /h -->\nend\n")
    report.onto_readme("h", rows, readme)
    report.onto_readme("h", "later", readme)
    assert readme.read_text() == f"top\n<!-- h -->\nold\n{rows}\nlater\n<!-- /h -->\nend\n"


def test_a_table_replaces_only_its_own_place(bench, tmp_path):
    report = bench("report")
    readme = tmp_path / "README.md"
    readme.write_text("top\n<!-- a -->\nold\n<!-- /a -->\nmiddle\n<!-- b -->\n<!-- /b -->\nend\n")
    report.into_readme("a", "new", readme)
    report.into_readme("b", "more", readme)
    expected = "top\n<!-- a -->\nnew\n<!-- /a -->\nmiddle\n<!-- b -->\nmore\n<!-- /b -->\nend\n"
    assert readme.read_text() == expected
    with pytest.raises(ValueError, match="<!-- c -->"):
        report.into_readme("c", "lost", readme)
    marks = (FOLDER / "README.md").read_text()
    for name in ("similarity", "maml cpu", "maml cuda", "maml history"):
        assert f"<!-- {name} -->\n" in marks and f"<!-- /{name} -->\n" in marks
