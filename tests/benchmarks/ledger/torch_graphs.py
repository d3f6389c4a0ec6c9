"""CUDA graphs of a decoding step, one for each of a few batch sizes: launches cost nothing then."""

import torch
from tests.benchmarks.ledger.torch_model import SlotModel
from torch import Tensor

_SIZES = (1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64)


class StepGraphs:
    """Replays `model.decode` for the next larger size; rows beyond the batch write into unused slots.

    Needs a GPU. Sizes up to `slots`.
    """

    def __init__(self, model: SlotModel, slots: int) -> None:
        self._tokens = torch.zeros(slots, dtype=torch.long, device=model.device)
        self._positions = torch.zeros(slots, dtype=torch.long, device=model.device)
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}
        self._results: dict[int, Tensor] = {}
        pool = None
        for size in sorted({min(size, slots) for size in (*_SIZES, slots)}, reverse=True):
            arguments = self._tokens[:size], self._positions[:size]
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):  # kernels are chosen at their first use, not in a graph
                model.decode(*arguments)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool):
                self._results[size] = model.decode(*arguments)
            self._graphs[size] = graph
            pool = graph.pool()

    def decode(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """As `SlotModel.decode`; `positions` may lie in the host's memory."""
        count = len(tokens)
        size = min(size for size in self._graphs if size >= count)
        self._tokens[:count] = tokens
        self._positions[:count].copy_(positions)
        self._positions[count:size] = 0
        self._graphs[size].replay()
        return self._results[size][:count]
