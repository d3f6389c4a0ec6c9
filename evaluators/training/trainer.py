"""Trains one head: a low-rank adapter and an output on the frozen small model."""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from rich.progress import track

from tachograph_evaluators.small_model.model import SmallModel
from tachograph_evaluators.small_model.network import SITES, Update
from tachograph_evaluators.small_model.trees import Tree, pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a head's training is set to."""

    depth: int = 20
    rank: int = 16
    learning_rate: float = 4e-4
    weight_decay: float = 0.01
    warm_up: float = 0.1
    smoothing: float = 0.0
    batch_tokens: int = 6144
    seed: int = 0
    seconds: float = math.inf
    """The learning rate falls by steps or by time, whichever is further."""


@dataclass(slots=True)
class Labelled:
    """One tree whose branches end in a judgement; `labels` in the branches' order."""

    tree: Tree
    labels: list[float]


class Adapter:
    """Trainable numbers of one head, in float32."""

    def __init__(self, model: SmallModel, recipe: Recipe) -> None:
        generator = torch.Generator().manual_seed(recipe.seed)

        def normal(*shape: int, scale: float) -> Any:
            made = torch.randn(*shape, generator=generator) * scale
            return made.to(model.device).requires_grad_()

        self._model, self._recipe = model, recipe
        self.layers: list[dict[str, tuple[Any, Any]]] = []
        for _ in range(recipe.depth):
            layer = {}
            for site in SITES:
                outputs, inputs = model.network.sizes(site)
                down = normal(recipe.rank, inputs, scale=inputs**-0.5)
                layer[site] = (down, normal(outputs, recipe.rank, scale=0.0))
            self.layers.append(layer)
        self.weight = normal(model.network.width, scale=0.02)
        self.bias = normal(1, scale=0.0)

    def parameters(self) -> list[Any]:
        return [
            self.weight,
            self.bias,
            *(part for layer in self.layers for pair in layer.values() for part in pair),
        ]

    def updates(self) -> list[dict[str, Update]]:
        """The adapter as the network takes it; the factor 2 is LoRA's alpha over rank."""
        kind = self._model.dtype
        return [
            {site: Update(down.to(kind), (2 * up).to(kind)) for site, (down, up) in layer.items()}
            for layer in self.layers
        ]

    def tensors(self) -> dict[str, Any]:
        """What is written: half precision, names as `weights.parse_head` reads them."""
        found = {"score.weight": self.weight, "score.bias": self.bias}
        for number, layer in enumerate(self.layers):
            for site, (down, up) in layer.items():
                found[f"{number}.{site}.down"] = down
                found[f"{number}.{site}.up"] = 2 * up
        return {key: value.detach().half().cpu().contiguous() for key, value in found.items()}


def train(model: SmallModel, examples: Sequence[Labelled], recipe: Recipe, name: str) -> Adapter:
    """One pass over the examples."""
    adapter = Adapter(model, recipe)
    batches = _batches(examples, recipe)
    optimizer = torch.optim.AdamW(
        adapter.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    started = time.monotonic()
    losses: list[float] = []
    for step, batch in enumerate(track(batches, description=name)):
        spent = max(step / len(batches), (time.monotonic() - started) / recipe.seconds)
        if spent >= 1:
            break
        rate = min(spent / recipe.warm_up + 1e-3, (1 - spent) / (1 - recipe.warm_up), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * rate
        loss = _loss(model, adapter, batch, recipe)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(adapter.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 0:
            losses.append(loss.item())
    print(
        f"{name}: {len(batches)} steps, {time.monotonic() - started:.0f} s, "
        f"loss {np.mean(losses[:3]):.3f} -> {np.mean(losses[-5:]):.3f}",
        flush=True,
    )
    return adapter


def _loss(model: SmallModel, adapter: Adapter, batch: Sequence[Labelled], recipe: Recipe) -> Any:
    packed = pack([example.tree for example in batch])
    ids, positions, branches = (torch.from_numpy(part).to(model.device) for part in packed[:3])
    states = model.network.hidden(ids, positions, branches, adapter.updates(), recipe.depth)
    rows = [row for _, row, _, _ in packed.places]
    last = [stop - 1 for _, _, _, stop in packed.places]
    logits = states[rows, last].float() @ adapter.weight + adapter.bias
    labels = torch.tensor([label for example in batch for label in example.labels])
    soft = labels.to(model.device) * (1 - 2 * recipe.smoothing) + recipe.smoothing
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, soft)


def _batches(examples: Sequence[Labelled], recipe: Recipe) -> list[list[Labelled]]:
    """Trees of similar length together, in random order."""
    draw = random.Random(recipe.seed)
    order = list(examples)
    draw.shuffle(order)
    batches: list[list[Labelled]] = []
    for start in range(0, len(order), 512):
        batch: list[Labelled] = []
        for example in sorted(order[start : start + 512], key=lambda one: len(one.tree)):
            if batch and (len(batch) + 1) * len(example.tree) > recipe.batch_tokens:
                batches.append(batch)
                batch = []
            batch.append(example)
        batches.append(batch)
    draw.shuffle(batches)
    return batches
