"""The supervised loop, against a plain one with torch's own optimiser, and against itself resumed."""

import copy
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from reprise.data.images import load_images
from reprise.models.architectures import build
from reprise.places import UserError
from reprise.training import Diverged, batched, frozen, supervised
from reprise.training.batched import BatchedLearner
from reprise.training.supervised import Batches, Learner, Sgd


@pytest.fixture
def double(monkeypatch):
    """Images in float64, so that two orders of summation agree to many digits."""
    for module in (supervised, batched, frozen):
        monkeypatch.setattr(module, "scaled", lambda x: x.double().div_(127.5).sub_(1))


@pytest.fixture(scope="module")
def data():
    return load_images("gratings", "train", Path()).first(70)


def _learner(data, seed=1, rate=0.01, stages=None, name="conv4"):
    architecture = build(name, 10, seed)
    moving = None if stages is None else architecture.parameters_of(stages)
    return Learner(architecture.model, data, Sgd(rate), Batches(len(data), 32, (seed,)), moving)


def test_a_pass_shows_every_image_once_in_a_new_order():
    batches = Batches(70, 32, (3,))
    assert batches.per_pass == 3
    found = batches(0, 6)
    assert [len(index) for index in found] == [32, 32, 6] * 2
    first, second = torch.cat(found[:3]), torch.cat(found[3:])
    assert first.sort().values.tolist() == list(range(70)) == second.sort().values.tolist()
    assert first.tolist() != second.tolist()
    later = batches(4, 2)
    assert all(torch.equal(a, b) for a, b in zip(later, found[4:], strict=True))


def test_a_last_batch_of_one_is_left_out():
    batches = Batches(33, 32, (0,))
    assert batches.per_pass == 1 and len(batches(5, 1)[0]) == 32
    with pytest.raises(UserError, match="at least 2"):
        Batches(1, 32, (0,))


def test_training_equals_a_plain_loop(data, double):
    architecture = build("conv4", 10, 1)
    plain = copy.deepcopy(architecture.model).double()
    learner = Learner(architecture.model.double(), data, Sgd(0.01), Batches(70, 32, (1,)))
    losses = learner.advance(7)[:, 0]
    optimiser = torch.optim.SGD(plain.parameters(), lr=0.01, momentum=0.9)
    expected = []
    for step in range(7):
        number, position = divmod(step, 3)
        index = Batches(70, 32, (1,)).order(number)[32 * position : 32 * (position + 1)]
        loss = F.cross_entropy(plain(data.images[index].double() / 127.5 - 1), data.labels[index])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        expected.append(loss.item())
    torch.testing.assert_close(losses, torch.tensor(expected, dtype=torch.float64))
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(learner.snapshots()[0][name], value, rtol=1e-9, atol=1e-11, msg=name)


def test_other_labels_change_what_is_learned(data):
    true, wrong = _learner(data), _learner(data.labelled((data.labels + 1) % 10))
    assert not torch.equal(true.advance(3), wrong.advance(3))
    assert not torch.equal(true.snapshots()[0]["head.weight"], wrong.snapshots()[0]["head.weight"])


def test_what_is_frozen_stays_with_its_running_statistics(data):
    learner = _learner(data, stages=("pool3", "pool4", "head"))
    (before,) = learner.snapshots()
    learner.advance(4)
    (after,) = learner.snapshots()
    for name in before:
        frozen = name.startswith(("blocks.0", "blocks.1"))
        assert torch.equal(before[name], after[name]) == frozen, name
    with pytest.raises(UserError, match="nothing moves"):
        _learner(data, stages=())


def test_frozen_weights_may_leave_their_statistics_free(data, double):
    """Against a plain loop: weights of frozen blocks stay, batch norm normalises by the batch."""
    architecture = build("conv4", 10, 1)
    plain = copy.deepcopy(architecture.model).double()
    moving = architecture.parameters_of(("pool3", "pool4", "head"))
    order = Batches(70, 32, (1,))
    free = Learner(architecture.model.double(), data, Sgd(0.01), order, moving, still_statistics=False)
    (before,) = free.snapshots()
    losses = free.advance(4)[:, 0]
    (after,) = free.snapshots()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    front = {name for name in before if name.startswith(("blocks.0", "blocks.1"))}
    assert {name.rpartition(".")[2] for name in changed & front} == {
        "running_mean",
        "running_var",
        "num_batches_tracked",
    }
    assert not changed & front & dict(plain.named_parameters()).keys()
    optimiser = torch.optim.SGD([p for n, p in plain.named_parameters() if n in moving], 0.01, 0.9)
    plain.train()
    for step, index in enumerate(order(0, 4)):
        images = data.images[index].double() / 127.5 - 1
        loss = F.cross_entropy(plain(images), data.labels[index])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert float(losses[step]) == pytest.approx(loss.item(), rel=1e-9)
    batched_too = BatchedLearner(
        [build("conv4", 10, 1).model.double()] * 2, [data] * 2, Sgd(0.01), [order] * 2, moving, False
    )
    torch.testing.assert_close(batched_too.advance(4)[:, 1], losses, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("still", [1, 2, 4])
def test_what_never_moves_need_not_be_computed_at_every_step(data, double, still):
    stages = ("pool1", "pool2", "pool3", "pool4", "head")[still:]
    architecture = build("conv4", 10, 1)
    architecture.model.double()
    moving = architecture.parameters_of(stages)
    other = copy.deepcopy(architecture.model)
    plain = Learner(other, data, Sgd(0.01), Batches(70, 32, (1,)), moving)
    assert architecture.parted
    parts = architecture.parted(still)
    quick = Learner(architecture.model, data, Sgd(0.01), Batches(70, 32, (1,)), moving, parts)
    assert quick.pixels.shape[1:3] == (32 >> still, 32 >> still)
    torch.testing.assert_close(quick.advance(5), plain.advance(5), rtol=1e-10, atol=1e-12)
    for name, value in plain.snapshots()[0].items():
        torch.testing.assert_close(quick.snapshots()[0][name], value, rtol=1e-9, atol=1e-11, msg=name)
    # And its states are those of the whole network: the plain loop goes on from them.
    plain.restore(quick.states())
    torch.testing.assert_close(quick.advance(2), plain.advance(2), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["conv4", "timm:resnet10t"])
def test_resumed_training_is_equal_to_the_bit(data, name, tmp_path):
    whole = _learner(data, name=name)
    losses = whole.advance(5)
    first = _learner(data, name=name)
    begun = first.advance(2)
    torch.save(first.states(), tmp_path / "state.pt")
    second = _learner(data, seed=1, name=name)
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(torch.cat([begun, second.advance(3)]), losses)
    for a, b in zip(whole.snapshots()[0].values(), second.snapshots()[0].values(), strict=True):
        assert torch.equal(a, b)


def test_several_seeds_in_one_program_learn_what_each_learns_alone(data, double):
    seeds, stages = (1, 2, 3), ("pool2", "pool3", "pool4", "head")
    shifted = [data.labelled((data.labels + seed) % 10) for seed in seeds]
    models = [build("conv4", 10, seed) for seed in seeds]
    for architecture in models:
        architecture.model.double()
    moving = models[0].parameters_of(stages)
    orders = [Batches(70, 32, (seed,)) for seed in seeds]
    alone = [
        Learner(copy.deepcopy(architecture.model), one, Sgd(0.01), order, moving)
        for architecture, one, order in zip(models, shifted, orders, strict=True)
    ]
    together = BatchedLearner([a.model for a in models], shifted, Sgd(0.01), orders, moving)
    losses = together.advance(4)
    halfway = together.states()
    losses = torch.cat([losses, together.advance(2)])
    for i, learner in enumerate(alone):
        torch.testing.assert_close(losses[:, i], learner.advance(6)[:, 0], rtol=1e-10, atol=1e-12)
        for name, value in learner.snapshots()[0].items():
            torch.testing.assert_close(together.snapshots()[i][name], value, rtol=1e-9, atol=1e-11, msg=name)
    # A state of the joint program is one that a single learner goes on from.
    single = Learner(build("conv4", 10, 9).model.double(), shifted[1], Sgd(0.01), orders[1], moving)
    single.restore(halfway[1:2])
    torch.testing.assert_close(single.advance(2)[:, 0], losses[4:, 1], rtol=1e-10, atol=1e-12)
    again = BatchedLearner([a.model for a in models], shifted, Sgd(0.01), orders, moving)
    again.restore(halfway)
    assert torch.equal(again.advance(2), losses[4:])


def test_divergence_names_the_step(data):
    with pytest.raises(Diverged, match="at step [0-9]+"):
        _learner(data, rate=1e12).advance(8)
