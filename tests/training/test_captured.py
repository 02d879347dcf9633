"""The recorded meta-iteration: on a CPU all but the recording itself, on a GPU against the plain one."""

import dataclasses

import pytest
import torch

from reprise.data.fewshot import Episodes, generator
from reprise.models.conv4 import Conv4Maml
from reprise.training import Diverged, captured
from reprise.training.captured import CapturedMetaLearner, SkippingAdam
from reprise.training.checkpoints import CheckpointFolder, Progress
from reprise.training.maml import InnerLoop
from reprise.training.metalearner import MetaLearner

INNER = InnerLoop("maml", 0.3, 2)


class Unrecorded(CapturedMetaLearner):
    """Calls the meta-iteration where the real one replays its recording; warms up as the real one does."""

    recordings = 0

    def _record(self):
        self.recordings += 1
        for _ in range(captured.WARM_UPS):
            self._iterate()
        return self._iterate


@pytest.fixture
def any_device(monkeypatch):
    monkeypatch.setattr(captured, "require_gpu", lambda device: None)


def model(device="cpu"):
    network = Conv4Maml(3, filters=4, head_init="xavier", generator=generator(0))
    return network.double().to(device)


def episodes(seed, tasks=3, device="cpu"):
    draw, labels = generator(7, seed), torch.arange(3)
    images = [torch.rand(tasks, n, 1, 16, 16, generator=draw, dtype=torch.float64) for n in (3, 6)]
    query = labels.repeat_interleave(2).expand(tasks, -1)
    support = labels.expand(tasks, -1)
    return Episodes(images[0].to(device), support.to(device), images[1].to(device), query.to(device), support)


def not_a_number(batch):
    return dataclasses.replace(batch, support_x=batch.support_x * float("nan"))


def assert_equal_states(a, b, rtol=1e-9, atol=1e-8):
    # A convolution's bias has no gradient but rounding, which Adam enlarges: hence the absolute tolerance.
    assert a["iteration"] == b["iteration"]
    for name, value in a["parameters"].items():
        torch.testing.assert_close(value, b["parameters"][name], rtol=rtol, atol=atol)
    for index, entry in a["optimiser"]["state"].items():
        for name, value in entry.items():
            other = b["optimiser"]["state"][index][name].cpu()
            torch.testing.assert_close(value.cpu(), other, rtol=rtol, atol=atol * 1e-4)


def test_a_cpu_is_refused_with_what_to_use_there():
    with pytest.raises(ValueError, match="recorded on a GPU only, not on cpu: use MetaLearner"):
        CapturedMetaLearner(model(), INNER)


def test_skipping_adam_is_adam_and_skips():
    start = [torch.randn(4, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)]
    ours, theirs = ([x.clone().requires_grad_() for x in start] for _ in range(2))
    skipping, plain = SkippingAdam(ours, 0.01), torch.optim.Adam(theirs, lr=0.01)
    for i in range(4):
        for x, y in zip(ours, theirs, strict=True):
            x.grad = torch.randn(x.shape, dtype=x.dtype, generator=generator(i))
            y.grad = x.grad.clone()
        plain.step()
        skipping.step()
        skipping.skip.fill_(1)
        for x in ours:
            assert x.grad is not None
            x.grad.fill_(torch.nan)
        skipping.step()
        skipping.skip.fill_(0)
    for x, y in zip(ours, theirs, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-12, atol=0)
        assert skipping.state[x]["step"].item() == plain.state[y]["step"].item() == 4


@pytest.mark.parametrize("clip", [None, 1e-3])
def test_steps_equal_those_of_the_plain_learner(any_device, clip):
    plain, ours = MetaLearner(model(), INNER, 0.01, clip), Unrecorded(model(), INNER, 0.01, clip)
    for i in range(4):
        expected, found = plain.step(episodes(i)), ours.step(episodes(i))
        assert found == pytest.approx(expected, rel=1e-9)
    assert_equal_states(plain.state(), ours.state())
    assert ours.recordings == 1


def test_other_shapes_are_recorded_anew(any_device):
    plain, ours = MetaLearner(model(), INNER), Unrecorded(model(), INNER)
    for i, tasks in enumerate([3, 3, 2, 2]):
        assert ours.step(episodes(i, tasks)) == pytest.approx(plain.step(episodes(i, tasks)), rel=1e-9)
    assert ours.recordings == 2


def test_divergence_names_the_iteration_and_leaves_everything(any_device):
    learner = Unrecorded(model(), INNER)
    learner.step(episodes(0))
    before = learner.state()
    with pytest.raises(Diverged, match="nan at meta-iteration 1"):
        learner.step(not_a_number(episodes(1)))
    assert_equal_states(before, learner.state(), rtol=0, atol=0)
    learner.step(episodes(1))
    assert learner.iteration == 2


def test_a_state_does_not_move_with_later_steps(any_device):
    learner = Unrecorded(model(), INNER)
    learner.step(episodes(0))
    state = learner.state()
    kept = {n: v.clone() for n, v in state["optimiser"]["state"][0].items()}
    learner.step(episodes(1))
    assert all(torch.equal(value, state["optimiser"]["state"][0][name]) for name, value in kept.items())


@pytest.mark.parametrize(
    ("first", "second"), [(Unrecorded, Unrecorded), (MetaLearner, Unrecorded), (Unrecorded, MetaLearner)]
)
def test_going_on_from_a_saved_state_of_either_learner(any_device, tmp_path, first, second):
    whole, start, rest = MetaLearner(model(), INNER), first(model(), INNER), second(model(), INNER)
    rest.step(episodes(9))  # what it had before must not matter
    for i in range(4):
        whole.step(episodes(i))
    for i in range(2):
        start.step(episodes(i))
    folder = CheckpointFolder(tmp_path)
    folder.save_progress(Progress(start.iteration, state=start.state()))
    last = folder.last()
    assert last is not None
    rest.restore(last.state)
    for i in range(2, 4):
        rest.step(episodes(i))
    assert_equal_states(whole.state(), rest.state())


def gpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return "cuda"


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("algorithm", "clip"), [("maml", None), ("maml", 1e-3), ("fomaml", None), ("anil", None)]
)
def test_recorded_steps_equal_plain_ones(algorithm, clip):
    device, inner = gpu(), InnerLoop(algorithm, 0.3, 2)
    plain = MetaLearner(model(device), inner, 0.01, clip)
    ours = CapturedMetaLearner(model(device), inner, 0.01, clip)
    for i, tasks in enumerate([3, 3, 2, 3]):
        batch = episodes(i, tasks, device)
        assert ours.step(batch) == pytest.approx(plain.step(batch), rel=1e-9)
    assert_equal_states(plain.state(), ours.state(), rtol=1e-7)


@pytest.mark.gpu
def test_recorded_divergence_leaves_everything_and_can_be_gone_on_from():
    learner = CapturedMetaLearner(model(gpu()), INNER)
    learner.step(episodes(0))
    before = learner.state()
    with pytest.raises(Diverged, match="nan at meta-iteration 1"):
        learner.step(not_a_number(episodes(1)))
    assert_equal_states(before, learner.state(), rtol=0, atol=0)
    learner.step(episodes(1))
    assert learner.iteration == 2


@pytest.mark.gpu
def test_a_recorded_learner_goes_on_from_its_state(tmp_path):
    device, folder = gpu(), CheckpointFolder(tmp_path)
    whole, start, rest = (CapturedMetaLearner(model(device), INNER) for _ in range(3))
    rest.step(episodes(9, device=device))
    for i in range(4):
        whole.step(episodes(i, device=device))
    for i in range(2):
        start.step(episodes(i, device=device))
    folder.save_progress(Progress(start.iteration, state=start.state()))
    last = folder.last()
    assert last is not None
    rest.restore(last.state)
    for i in range(2, 4):
        rest.step(episodes(i, device=device))
    assert_equal_states(whole.state(), rest.state(), rtol=1e-7)
