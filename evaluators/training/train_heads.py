"""Trains the heads of the small language model.

    python evaluators/training/train_heads.py --data FOLDER --texts FOLDER --out FOLDER

--data holds the labelled rows (grounding-train.jsonl, toxicity-train.jsonl; the test files beside
them are read to drop what leaks, and to print figures), --texts what prepare_texts.py gathered. A
head takes one to three minutes on an H100. Writes NAME.safetensors, the logits of all test rows as
NAME.npz, and report.json.
"""

import argparse
import json
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors.torch import save_file

from tachograph_evaluators.small_model.model import SmallModel
from tachograph_evaluators.small_model.trees import Tree, grow
from tachograph_evaluators.small_model.weights import HeadName, parse_head
from training import injection_examples
from training.claims import ClaimWriter, sentences
from training.injection_examples import Counts
from training.injection_texts import CHOSEN_BY, HELD_OUT
from training.invent import invent
from training.leaks import LeakCheck
from training.soup import mean_of
from training.toxic_sentences import SentenceWriter
from training.trainer import Adapter, Labelled, Recipe, train
from training.written_texts import HATRED, written

_SHARED_ROW_TOKENS: Final = 384
INJECTIONS: Final[Mapping[HeadName, tuple[Counts, ...]]] = {
    "injection": (
        Counts(written=3, joined=9000),
        Counts(written=4, every=3, a_source=833, joined=9000),
        Counts(written=4, every=9, a_source=278, joined=9000),
    ),
    "planted": (
        Counts(scenarios=3),
        Counts(scenarios=3, written=3, every=3, joined=2500, joined_template="planted"),
    ),
}
"""Both heads learn from requests and documents, each with its template; one is used on each. A head
of several is the mean of as many trainings that begin alike."""

TRAINED: Final[tuple[HeadName, ...]] = ("grounding", "toxicity", "injection", "planted")
RECIPES: Final[dict[HeadName, Recipe]] = {
    "grounding": Recipe(learning_rate=2e-4),
    "toxicity": Recipe(smoothing=0.02),
    "injection": Recipe(learning_rate=3e-4, weight_decay=0.05, seed=3),
    "planted": Recipe(seed=5),
}
_CONTEXTS: Final = 16_000
_LONG_SHARE: Final = 0.3  # of contexts from passages, the others from dialogues
_INVENTIONS: Final = 8000
_INJECTION_EPOCHS: Final = 2
_WRITTEN_TIMES: Final = 6

Rows = list[dict[str, Any]]


def read(folder: Path, name: str) -> Rows:
    """Rows of a JSON lines file, none where it is absent."""
    path = folder / name
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def grounding(model: SmallModel, data: Path, texts: Path, size: float) -> list[Labelled]:
    """Synthetic claims about passages and about the contexts of the dialogue rows.

    The labels of those rows are not read: that made figures on other sources worse, and leaves
    them for calibration.
    """
    rows = read(data, "grounding-train.jsonl")
    contexts = dict.fromkeys(row["context"] for row in rows)
    writer = ClaimWriter(
        [*read(texts, "passages.jsonl"), *({"text": c} for c in contexts)],
        seed=1,
        share=_LONG_SHARE,
    )
    draw = random.Random(2)
    long = [s for _, s in writer.all if len(s.split()) >= 10]
    chosen = draw.sample(long, int(min(len(long), _INVENTIONS) * size))
    starts = [
        " ".join(s.split()[: max(3, int(len(s.split()) * draw.uniform(0.2, 0.6)))]) for s in chosen
    ]
    writer.inventions = dict(zip(chosen, invent(model, starts, 24, seed=3), strict=True))
    examples = [writer.example(2) for _ in range(int(_CONTEXTS * size))]
    labelled = []
    for example in examples:
        items = [(example.context, claim) for claim, _ in example.claims]
        prefixes, branches = model.tokens("grounding", items)
        tree = Tree(prefixes[0], branches, list(range(len(branches))))
        labelled.append(Labelled(tree, [float(label) for _, label in example.claims]))
    return labelled


def toxicity(model: SmallModel, data: Path, texts: Path, size: float) -> list[Labelled]:
    """Posts, sentences and texts with and without hatred."""
    return _texts(model, "toxicity", toxic_texts(data, texts, size))


def toxic_texts(data: Path, texts: Path, size: float) -> list[tuple[str, int]]:
    """Labelled posts, sentences of our own, and texts written one by one, none near a test row."""
    rows = read(data, "toxicity-train.jsonl")
    draw = random.Random(4)
    toxic = draw.sample([r["response"] for r in rows if r["label"] == 1], int(7000 * size))
    clean = [r["response"] for r in rows if r["label"] == 0][: int(4000 * size)]
    own = SentenceWriter(5, _prose(texts)).write(int(26_000 * size))
    leak = LeakCheck(row["response"] for row in read(data, "toxicity.jsonl"))
    kept = [(text, label) for text, label in own if not leak.leaks(text)]
    print(f"toxicity: {len(own) - len(kept)} own sentences dropped as too near a test row")
    rest = [(text, 1) for text in toxic] + [(text, 0) for text in clean]
    rest += _as_typed([(one.text, one.label) for one in written(HATRED) if not one.is_kept_back])
    return [*kept, *(pair for pair in rest if not leak.leaks(pair[0]))]


def _as_typed(pairs: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Each several times: as written, in lower case, without its last point."""
    ways = (str, str.lower, lambda text: text.rstrip(".!"))
    return [
        (ways[turn % 3](text), label) for turn in range(_WRITTEN_TIMES) for text, label in pairs
    ]


def injection(
    model: SmallModel,
    data: Path,
    texts: Path,
    size: float,
    held_out: tuple[str, ...],
    counts: Counts,
) -> list[Labelled]:
    """Requests and documents, each in trees of its own, twice in other neighbourhoods."""
    found = injection_examples.examples(data, texts, held_out, counts)
    trees: list[Labelled] = []
    for name in INJECTIONS:
        pairs = [(text, label) for template, text, label in found if template == name]
        attacks = sum(label for _, label in pairs)
        print(f"{name}: {attacks} attacks, {len(pairs) - attacks} ordinary texts")
        for epoch in range(_INJECTION_EPOCHS):
            trees += _texts(model, name, pairs[:: max(1, int(1 / size))], seed=8 + epoch)
    return trees


def mixes(
    name: HeadName,
    model: SmallModel,
    data: Path,
    texts: Path,
    size: float,
    held_out: tuple[str, ...],
) -> Iterator[list[Labelled]]:
    """What each training of a head learns from."""
    if name in INJECTIONS:
        for counts in INJECTIONS[name]:
            yield injection(model, data, texts, size, held_out, counts)
    else:
        gather = {"grounding": grounding, "toxicity": toxicity}[name]
        yield gather(model, data, texts, size)


def _prose(texts: Path) -> list[str]:
    return [s for row in read(texts, "passages.jsonl") for s in sentences(row["text"])]


def _texts(
    model: SmallModel, name: HeadName, pairs: list[tuple[str, int]], seed: int = 8
) -> list[Labelled]:
    random.Random(seed).shuffle(pairs)
    prefixes, branches = model.tokens(name, [text for text, _ in pairs])
    labels = [float(label) for _, label in pairs]
    return [
        Labelled(tree, [labels[key] for key in tree.keys])
        for tree in grow(prefixes, branches, _SHARED_ROW_TOKENS)
    ]


def judge(
    name: HeadName,
    score: Callable[[list[Any]], list[float]],
    score_planted: Callable[[list[Any]], list[float]],
    data: Path,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Logits of the test rows, and the area under the curve over all and by source."""
    rows = read(data, f"{'injection' if name in INJECTIONS else name}.jsonl")
    extra: dict[str, Any] = {}
    if not rows:
        return {}, {}
    if name == "grounding":
        logits = np.array(score([(row["context"], row["response"]) for row in rows]))
    elif name == "toxicity":
        logits = np.array(score([row["response"] for row in rows]))
    else:
        asked = _worst(score, [split(row["prompt"], 120) for row in rows])
        planted = _worst(score_planted, [split(row["context"], 40) for row in rows])
        extra = {"prompt": asked, "context": planted}
        logits = np.maximum(asked, planted)
    labels = np.array([row["label"] for row in rows])
    sources = np.array([row["source"] for row in rows])
    figures = {"all": area(labels, logits)}
    negatives = labels == 0
    for source in sorted(set(sources)):
        here = sources == source
        mixed = len(set(labels[here])) == 2
        chosen = here if mixed else here | negatives if labels[here][0] else here & False
        if chosen.any():
            figures[source] = area(labels[chosen], logits[chosen])
    found = {"id": np.array([row["id"] for row in rows]), "logit": logits, "label": labels, **extra}
    return {key: round(float(value), 3) for key, value in figures.items()}, found


def area(labels: Any, logits: Any) -> float:
    """Area under the ROC curve: how often a positive stands above a negative."""
    difference = logits[labels == 1][:, None] - logits[labels == 0][None, :]
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def _worst(score: Callable[[list[Any]], list[float]], pieces: list[list[str]]) -> Any:
    """The most suspicious piece of each row; -20 where there is none."""
    flat = iter(score([piece for parts in pieces for piece in parts]))
    return np.array([max((next(flat) for _ in parts), default=-20.0) for parts in pieces])


def split(text: str, words: int) -> list[str]:
    """Pieces of at most `words` words that overlap by half; the most suspicious one counts."""
    parts = text.split()
    step = words // 2
    return (
        [" ".join(parts[i : i + words]) for i in range(0, max(1, len(parts) - step), step)]
        if parts
        else []
    )


def save(adapters: Sequence[Adapter], path: Path, recipe: Recipe) -> None:
    """The head's file."""
    facts = {"format": "1", "depth": str(recipe.depth), "rank": str(recipe.rank)}
    tensors = [adapter.tensors() for adapter in adapters]
    found = tensors[0] if len(tensors) == 1 else mean_of(tensors, recipe.rank)
    save_file(found, path, metadata=facts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="GGUF file; the installed one by default")
    parser.add_argument("--heads", default=",".join(TRAINED), help="names, separated by commas")
    parser.add_argument("--size", type=float, default=1.0, help="share of the examples")
    parser.add_argument("--seconds", type=float, default=math.inf, help="a head at most")
    parser.add_argument(
        "--hold-out",
        default=",".join(HELD_OUT + CHOSEN_BY),
        help="sources of attacks, separated by commas",
    )
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    model = SmallModel(given.model)
    held_out = tuple(filter(None, given.hold_out.split(",")))
    report: dict[str, Any] = {}
    for name in (head for head in TRAINED if head in given.heads.split(",")):
        recipe = replace(RECIPES[name], seconds=given.seconds)
        path = given.out / f"{name}.safetensors"
        save(
            [
                train(model, examples, recipe, name)
                for examples in mixes(name, model, given.data, given.texts, given.size, held_out)
            ],
            path,
            recipe,
        )
        head = parse_head(path.read_bytes(), model.device, model.dtype)  # as the runtime scores
        figures, logits = judge(
            name,
            partial(model.score, "injection" if name in INJECTIONS else name, head),
            partial(model.score, "planted", head),
            given.data,
        )
        report[name] = figures
        print(name, json.dumps(figures), flush=True)
        np.savez_compressed(given.out / f"{name}.npz", **logits)
    (given.out / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
