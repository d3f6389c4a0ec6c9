"""Files of answers: JSON lines `{id, prompt, context, response}` in, JSON lines of scores out.

Read and written as a stream, in the order of the input. Scores go to a file beside the wanted one
that takes its name when the last answer is judged; a run that was cut short goes on from there.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from tachograph_evaluators.evaluator import MAX_OFFSETS, Answer, Evaluator, Score, headline

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
"""A longer line is no answer; it is skipped without being held."""

MAX_SAMPLES: Final = 16

_TEXTS: Final = ("prompt", "context", "response")


class WrongRow(ValueError):
    """A line that holds no answer; the text says what to mend."""


class OtherRun(ValueError):
    """A partial file that other evaluators, or another input, left behind."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its answer, or why it has none; `stop` is the offset behind it, in bytes."""

    line: int
    stop: int
    size: int
    id: str
    answer: Answer | None
    problem: str | None = None


def read_rows(stream: BinaryIO) -> Iterator[Row]:
    """Every line that is not blank."""
    line = stop = 0
    while raw := stream.readline(MAX_LINE_BYTES):
        line += 1
        stop += len(raw)
        is_long = len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n")
        while is_long and (rest := stream.readline(MAX_LINE_BYTES)):
            stop += len(rest)
            if rest.endswith(b"\n"):
                break
        if not raw.strip():
            continue
        try:
            if is_long:
                raise WrongRow(f"longer than {MAX_LINE_BYTES} bytes; cut the context")
            key, answer = parse(raw, line)
        except WrongRow as problem:
            yield Row(line, stop, len(raw), str(line), None, str(problem))
        else:
            yield Row(line, stop, len(raw), key, answer)


def parse(raw: bytes, line: int) -> tuple[str, Answer]:
    """The id (the line's number where there is none) and the answer. Raises WrongRow."""
    try:
        row: Any = json.loads(raw.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise WrongRow(f"no JSON ({error}); write one object a line") from None
    if not isinstance(row, dict):
        raise WrongRow('no JSON object; write {"id", "prompt", "context", "response"}')
    texts = {name: _text(row, name) for name in _TEXTS}
    if all(text is None for text in texts.values()):
        raise WrongRow("none of prompt, context and response is there; give at least one")
    key = row.get("id", line)
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise WrongRow("id is neither text nor a whole number; give one of them")
    answer = Answer(
        project="file",
        trace_id="",
        span_id=str(key),
        span_time=0,
        prompt=texts["prompt"],
        conversation=texts["prompt"],
        context=texts["context"],
        response=texts["response"],
        samples=_samples(row),
    )
    return str(key), answer


def _text(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = "\n\n".join(value)  # passages of a retrieval
    if value is not None and not isinstance(value, str):
        raise WrongRow(f"{name} is no text; give a string, a list of strings or null")
    return value


def _samples(row: dict[str, Any]) -> tuple[str, ...]:
    found = row.get("samples") or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise WrongRow(
            "samples is no list of texts; give other answers to the same prompt, or none"
        )
    return tuple(found[:MAX_SAMPLES])


def score_line(key: str, evaluator: Evaluator, scores: Sequence[Score]) -> str:
    """One evaluator's verdict on one answer, as a line of the output."""
    score = headline(evaluator, scores)
    line: dict[str, Any] = {
        "id": key,
        "evaluator": evaluator.name,
        "version": evaluator.version,
        "score": score.value,
        "label": score.label,
        "spans": [list(span) for span in list(score.offsets)[:MAX_OFFSETS]],
        "explanation": score.explanation,
        "text": score.text,
        "duration_ns": score.duration_ns,
        "cost": None if score.cost is None else str(score.cost),
    }
    if len(scores) > 1:
        line["parts"] = {part.name: part.value for part in scores}
    return json.dumps(line) + "\n"  # ASCII: a lone surrogate in an answer must not end the run


def partial_path(out: Path) -> Path:
    """Where scores stand until the last answer is judged."""
    return out.with_name(f".{out.name}.partial")


def resume(partial: Path, identities: Sequence[tuple[str, str]]) -> tuple[int, str | None]:
    """How many answers a partial file holds in full, and the last one's id; cuts a torn rest off.

    Raises OtherRun when other evaluators or versions wrote it.
    """
    done, last_id, kept = 0, None, 0
    with partial.open("r+b") as stream:
        while True:
            group = [stream.readline() for _ in identities]
            if not all(line.endswith(b"\n") for line in group):
                break
            try:
                rows = [json.loads(line) for line in group]
            except ValueError:
                break
            if [(row["evaluator"], row["version"]) for row in rows] != list(identities):
                raise OtherRun(f"{partial} was written by other evaluators; delete it")
            done, last_id, kept = done + 1, str(rows[0]["id"]), stream.tell()
        stream.truncate(kept)
    return done, last_id
