"""Free continuations of sentence beginnings: fluent inventions of the language model itself."""

from collections.abc import Sequence
from typing import Any

import torch
from rich.progress import track

from tachograph_evaluators.small_model.model import SmallModel
from tachograph_evaluators.small_model.trees import Tree, pack

_BATCH = 512


def invent(model: SmallModel, starts: Sequence[str], tokens: int, seed: int) -> list[str]:
    """Each start with up to `tokens` sampled tokens, cut at the end of its sentence."""
    generator = torch.Generator(model.device).manual_seed(seed)
    encoded = [
        [model.tokenizer.start_id, *found.ids] for found in model.tokenizer.encode(list(starts))
    ]
    order = sorted(range(len(starts)), key=lambda i: len(encoded[i]))
    made = [""] * len(starts)
    for first in track(range(0, len(order), _BATCH), description="inventing"):
        chosen = order[first : first + _BATCH]
        with torch.inference_mode():
            grown = _grow(model, [list(encoded[i]) for i in chosen], tokens, generator)
        for i, ids in zip(chosen, grown, strict=True):
            text = model.tokenizer.decode(ids[len(encoded[i]) :])
            made[i] = starts[i] + _first_sentence(text)
    return made


def _grow(model: SmallModel, rows: list[list[int]], tokens: int, generator: Any) -> list[list[int]]:
    for _ in range(tokens):
        packed = pack([Tree(row) for row in rows])
        ids, positions, branches = (torch.from_numpy(part).to(model.device) for part in packed[:3])
        states = model.network.hidden(ids, positions, branches)
        last = torch.tensor([len(row) - 1 for row in rows], device=model.device)
        logits = model.network.logits(states[torch.arange(len(rows), device=model.device), last])
        best, places = logits.float().topk(40, dim=-1)
        drawn = torch.multinomial(best.softmax(-1), 1, generator=generator)
        for row, token in zip(rows, places.gather(1, drawn)[:, 0].tolist(), strict=True):
            row.append(token)
    return rows


def _first_sentence(text: str) -> str:
    line = text.split("\n")[0].split("<|")[0]
    stop = line.find(". ")
    return line[: stop + 1] if stop > 0 else line
