"""How tasks are shared out, over chunks and threads: in order, once each, and whatever goes wrong."""

import itertools
import threading

import pytest
import torch
from torch.func import functional_call

from reprise.data.fewshot import Episodes, generator
from reprise.models.conv4 import BatchStatisticsNorm, Conv4Maml
from reprise.training import maml
from reprise.training.maml import InnerLoop, meta_gradients
from reprise.training.metalearner import TaskThreads, map_tasks


def batch(tasks, ways=3, queries=2):
    """Tasks of random images; the classes of each say which task it is."""
    draw, labels = generator(11, tasks), torch.arange(ways)
    support, query = (
        torch.rand(tasks, ways * n, 1, 16, 16, generator=draw, dtype=torch.float64) for n in (1, queries)
    )
    return Episodes(
        support,
        labels.expand(tasks, -1),
        query,
        labels.repeat_interleave(queries).expand(tasks, -1),
        torch.arange(tasks)[:, None] * ways + labels,
    )


@pytest.fixture(scope="module")
def model():
    network = Conv4Maml(3, filters=4, head_init="xavier", generator=generator(0)).double()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith("bias"):  # zero offsets would hide mistakes
                value.add_(torch.randn(value.shape, generator=generator(1), dtype=torch.float64) * 0.1)
    return network


@pytest.fixture(params=[1, 2, 3], ids="threads={}".format)
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def numbers(some):
    """Which tasks these are."""
    return (some.classes[:, 0] // some.classes.shape[1]).tolist()


@pytest.mark.parametrize(
    ("tasks", "chunk"), [(1, 1), (1, 4), (2, 1), (5, 2), (7, 3), (8, 4), (9, 4), (6, 20)]
)
def test_every_task_is_done_once_in_order_and_none_alone_at_the_end(model, threads, tasks, chunk):
    done = map_tasks(lambda _, some: numbers(some), model, batch(tasks), chunk)
    assert list(itertools.chain(*done)) == list(range(tasks))
    assert all(len(some) == chunk for some in done[:-1])
    assert len(done[-1]) <= chunk + 1
    assert tasks == 1 or len(done[-1]) > 1
    assert torch.get_num_threads() == threads


def test_mapping_tasks_equals_a_loop_over_them(model, threads):
    episodes, start = batch(7), dict(model.named_parameters())

    def work(own, some):
        with torch.no_grad():
            return torch.stack([functional_call(own, start, (x,)) for x in some.query_x])

    found = torch.cat(map_tasks(work, model, episodes, 2))
    with torch.no_grad():
        expected = torch.stack([model(images) for images in episodes.query_x])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_threads_do_not_share_a_network(model, threads):
    """Work that leaves its mark on the network while another thread is at it."""
    together = threading.Barrier(threads, timeout=20)
    seen = []

    def work(own, some):
        assert own is not model
        own.head.bias.data.fill_(float(numbers(some)[0]))
        if len(seen) < threads:
            seen.append(id(own))
            together.wait()
        return float(own.head.bias[0].detach())

    before = model.head.bias.detach().clone()
    found = map_tasks(work, model, batch(2 * 2 * threads), 2)
    assert found == [2.0 * i for i in range(2 * threads)]
    assert len(set(seen[:threads])) == threads
    assert torch.equal(model.head.bias, before)


def test_what_fails_in_a_thread_fails_here_and_leaves_nothing_behind(model, threads):
    started = []

    def work(_, some):
        started.append(numbers(some)[0])
        if 4 in numbers(some):
            raise ArithmeticError("task 4 is ill")
        return numbers(some)

    running = threading.active_count()
    with pytest.raises(ArithmeticError, match="task 4 is ill"):
        map_tasks(work, model, batch(12), 2)
    assert 4 in started and torch.get_num_threads() == threads
    assert threading.active_count() == running
    # A network that was in use when it happened is not lost to the next call.
    assert map_tasks(lambda _, some: numbers(some), model, batch(4), 2) == [[0, 1], [2, 3]]


def test_a_failing_share_of_a_meta_step_fails_the_step(model):
    episodes = batch(4)
    wrong = Episodes(
        episodes.support_x, episodes.support_y + 7, episodes.query_x, episodes.query_y, episodes.classes
    )
    before = torch.get_num_threads()
    with TaskThreads(model, 2) as threads, pytest.raises((IndexError, RuntimeError)):
        threads.meta_gradients(dict(model.named_parameters()), wrong, InnerLoop(), chunk=1)
    assert torch.get_num_threads() == before


def norms(network):
    return [module for module in network.modules() if isinstance(module, BatchStatisticsNorm)]


def relative_error(a, b):
    a, b = (torch.cat([value.flatten() for value in part.values()]) for part in (a, b))
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("algorithm", ["maml", "fomaml", "anil", "boil"])
def test_single_tasks_take_torchs_norm_and_give_the_same_gradient(model, algorithm, monkeypatch):
    inner, episodes = InnerLoop(algorithm, 0.3, 3), batch(4)
    outcome, native = maml.task_outcome, []

    def watched(network, *arguments):
        native.append({norm.native for norm in norms(network)})
        return outcome(network, *arguments)

    monkeypatch.setattr(maml, "task_outcome", watched)
    parameters = dict(model.named_parameters())
    loss, accuracy, gradients = meta_gradients(model, parameters, episodes, inner, chunk=1)
    assert native == [{True}] * 4  # a task at a time
    native.clear()
    expected = meta_gradients(model, parameters, episodes, inner, chunk=4)
    assert native == [{False}]  # all tasks in one vmap, where torch's norm must not stand
    torch.testing.assert_close(loss, expected[0], rtol=1e-10, atol=0)
    torch.testing.assert_close(accuracy, expected[1])
    assert relative_error(gradients, expected[2]) < 1e-10
    assert not any(norm.native for norm in norms(model))
    native.clear()
    mixed = meta_gradients(model, parameters, episodes[:3], inner, chunk=2)
    assert native == [{False}, {True}]
    whole = meta_gradients(model, parameters, episodes[:3], inner, chunk=3)
    assert relative_error(mixed[2], whole[2]) < 1e-10


def test_torchs_norm_is_put_away_after_an_error(model):
    episodes = batch(1)
    wrong = Episodes(
        episodes.support_x, episodes.support_y + 7, episodes.query_x, episodes.query_y, episodes.classes
    )
    with pytest.raises((IndexError, RuntimeError)):
        meta_gradients(model, dict(model.named_parameters()), wrong, InnerLoop(), chunk=1)
    assert not any(norm.native for norm in norms(model))
