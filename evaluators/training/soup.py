"""One head of several: the mean of their updates, cut back to one head's rank.

"Model soups" (Wortsman et al. 2022, arXiv 2203.05482): heads trained from one model lie in one basin,
and their mean is often better on texts unlike those trained on. Updates are low-rank products, so
their mean has the sum of the ranks; the largest singular directions are kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

Tensors = Mapping[str, Any]


def mean_of(heads: Sequence[Tensors], rank: int) -> dict[str, Any]:
    """A head's tensors, as `trainer.Adapter.tensors` names them, in half precision."""
    found: dict[str, Any] = {}
    for name in heads[0]:
        if name.startswith("score."):
            mean = torch.stack([head[name].float() for head in heads]).mean(0)
            found[name] = mean.half()
        elif name.endswith(".down"):
            stem = name.removesuffix(".down")
            down = torch.cat([head[name].float() for head in heads])
            up = torch.cat([head[f"{stem}.up"].float() for head in heads], 1) / len(heads)
            found[name], found[f"{stem}.up"] = _cut(down, up, rank)
    return found


def _cut(down: Any, up: Any, rank: int) -> tuple[Any, Any]:
    """The best product of that rank for `up @ down`, both halves of like size."""
    of_up, up_rest = torch.linalg.qr(up)
    of_down, down_rest = torch.linalg.qr(down.T)
    left, sizes, right = torch.linalg.svd(up_rest @ down_rest.T)
    root = sizes[:rank].sqrt()
    cut_up = (of_up @ left[:, :rank]) * root
    cut_down = root[:, None] * (right[:rank] @ of_down.T)
    return cut_down.half().contiguous(), cut_up.half().contiguous()
