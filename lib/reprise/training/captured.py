"""Meta-training on a GPU: the whole meta-iteration recorded once as a CUDA graph and replayed.

A meta-iteration is some thousand small kernels, and launching them one by one takes longer than computing
them. Replaying a graph launches them all at once. What is replayed cannot depend on values seen by Python, so
the check for a loss that is not finite is part of the graph: such a meta-iteration changes nothing.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..data.fewshot import Episodes
from . import Diverged
from .maml import InnerLoop, Parameters
from .metalearner import MetaLearner

WARM_UPS = 3
"""Meta-iterations before recording, in which libraries choose kernels and reserve what they work in."""


class SkippingAdam(torch.optim.Adam):
    """Adam that leaves parameters, moments and step count alone while ``skip`` is 1.

    Attributes:
        skip: float32 scalar on the parameters' device, 0 or 1; may be written to from inside a graph.
    """

    def __init__(self, parameters: list[Tensor], rate: float):
        super().__init__(parameters, lr=rate, capturable=True, fused=True)
        self.skip = torch.zeros((), dtype=torch.float32, device=parameters[0].device)
        # The name under which the fused kernel looks for the flag that gradient scaling sets.
        self.found_inf = self.skip


class CapturedMetaLearner(MetaLearner):
    """As :class:`~reprise.training.metalearner.MetaLearner`, with the meta-iteration as one CUDA graph.

    The graph is recorded at the first step, and again whenever episodes come in other shapes or a state is
    restored. Episodes may come from anywhere, but cost a transfer unless they are on the GPU already.

    Args:
        model: The network, on a GPU; its present values are the start. It is not changed by training.
        inner: How to adapt.
        outer_rate: Learning rate of Adam.
        clip: Bound on the absolute value of each entry of the meta-gradient; None for no bound.
        chunk: Tasks to run at once; all if None.

    Raises:
        ValueError: The network is not on a GPU.
    """

    def __init__(
        self,
        model: nn.Module,
        inner: InnerLoop,
        outer_rate: float = 1e-3,
        clip: float | None = None,
        chunk: int | None = None,
    ):
        super().__init__(model, inner, outer_rate, clip, chunk)
        self.device = next(iter(self.parameters.values())).device
        require_gpu(self.device)
        self.optimiser = SkippingAdam(list(self.parameters.values()), outer_rate)
        self.outcome = torch.zeros(2, dtype=torch.float64, device=self.device)
        self.batch: Episodes  # there from the first step on
        self.replay: Callable[[], None] | None = None

    def step(self, episodes: Episodes) -> tuple[float, float]:
        """One meta-iteration: query loss and accuracy before the update.

        Raises:
            Diverged: The loss is not finite; parameters and moments are those before the step.
        """
        shapes = [x.shape for x in episodes.tensors()]
        if self.replay is None or shapes != [x.shape for x in self.batch.tensors()]:
            self.batch = self._buffers_for(episodes)
            self.replay = self._record()
        for buffer, values in zip(self.batch.tensors(), episodes.tensors(), strict=True):
            buffer.copy_(values, non_blocking=True)
        self.replay()
        loss, accuracy = self.outcome.tolist()  # the one place where the CPU waits for the GPU
        if not math.isfinite(loss):
            raise Diverged(f"the query loss is {loss} at meta-iteration {self.iteration}")
        self.iteration += 1
        return loss, accuracy

    def state(self) -> dict:
        """All that is needed to go on, here or on a CPU: iteration, parameters, the optimiser's moments."""
        return {**super().state(), "optimiser": portable(self.optimiser.state_dict())}

    def restore(self, state: dict) -> None:
        """Go on from a saved state of this class or of the one it stands in for."""
        super().restore({**state, "optimiser": recorded(state["optimiser"])})
        self.replay = None  # it writes to the tensors that the state has replaced

    def _buffers_for(self, episodes: Episodes) -> Episodes:
        """Tensors of the episodes' shapes that stay where they are; support images are NaN at first."""
        x, y, query_x, query_y = (torch.zeros_like(t, device=self.device) for t in episodes.tensors())
        return Episodes(x.fill_(torch.nan), y, query_x, query_y, episodes.classes)

    def _iterate(self) -> None:
        """The meta-iteration on the buffers, without a value going back to Python."""
        # Leaves of its own, so that autograd finds no node that was made on another stream.
        leaves: Parameters = {n: p.detach().requires_grad_() for n, p in self.parameters.items()}
        loss, accuracy, gradients = self.gradients(leaves, self.batch)
        self.optimiser.skip.copy_(~torch.isfinite(loss))
        for name, parameter in self.parameters.items():
            gradient = gradients[name]
            parameter.grad = gradient if self.clip is None else gradient.clamp_(-self.clip, self.clip)
        self.optimiser.step()
        self.outcome.copy_(torch.stack([loss, accuracy]))

    def _record(self) -> Callable[[], None]:
        """Warm up and record. The buffers hold no numbers yet, so the warm-up is skipped by the optimiser."""
        with torch.cuda.device(self.device):
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UPS):
                    self._iterate()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=side):
                self._iterate()
        return graph.replay


def require_gpu(device: torch.device) -> None:
    """Raise a ValueError for any other device; it names what to use there."""
    if device.type != "cuda":
        raise ValueError(
            f"meta-iterations are recorded on a GPU only, not on {device}: use MetaLearner there"
        )


def portable(optimiser: dict) -> dict:
    """Adam's state as an Adam without options has it, on the CPU, independent of later steps."""
    moments = {
        index: {name: value.detach().to("cpu", copy=True) for name, value in entry.items()}
        for index, entry in optimiser["state"].items()
    }
    groups = [{**group, "capturable": False, "fused": None} for group in optimiser["param_groups"]]
    return {"state": moments, "param_groups": groups}


def recorded(optimiser: dict) -> dict:
    """Adam's state with the options that a graph needs, whatever it was saved with."""
    groups = [{**group, "capturable": True, "fused": True} for group in optimiser["param_groups"]]
    return {**optimiser, "param_groups": groups}
