"""`tachograph eval` on files good, bad, torn and hostile, with real evaluators."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from tachograph_evaluators import answer_file
from tachograph_evaluators.commands import eval as eval_command
from tachograph_evaluators.commands import evaluators as evaluators_command

CONTEXT = "The Amber Lighthouse was built in 1874. It stands 41 metres tall on the northern cliff."
ROWS: list[dict[str, Any]] = [
    {"id": "good", "prompt": "How tall?", "context": CONTEXT, "response": "It stands 41 metres tall."},
    {"id": "bad", "prompt": "How tall?", "context": CONTEXT, "response": "Bananas ripen in Peru."},
    {"id": "alone", "prompt": None, "context": "", "response": "It stands 41 metres tall."},
    {"id": 7, "context": [CONTEXT, "It has 198 steps."], "response": "It has 198 steps."},
    {"id": "odd", "context": CONTEXT, "response": "\ud800 lonely surrogate"},
]  # fmt: skip


def main(arguments: list[str]) -> int:
    """What `tachograph ARGUMENTS` does."""
    parser = argparse.ArgumentParser()
    if arguments[0] == "eval":
        eval_command.add_arguments(parser)
        return eval_command.run(parser.parse_args(arguments[1:]))
    evaluators_command.add_arguments(parser)
    return evaluators_command.run(parser.parse_args(arguments[1:]))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def scores(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_score_a_row_and_evaluator_in_order(tmp_path: Path) -> None:
    file, out = write(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
    assert main(["eval", str(file), "--evaluators", "grounding,coherence", "--out", str(out)]) == 0
    found = scores(out)
    assert [(row["id"], row["evaluator"]) for row in found] == [
        (str(row["id"]), name) for row in ROWS for name in ("grounding", "coherence")
    ]
    by_id = {row["id"]: row for row in found if row["evaluator"] == "grounding"}
    wanted = {"id", "evaluator", "version", "score", "label", "spans", "explanation"}
    assert wanted <= set(by_id["good"])
    assert by_id["good"]["score"] > 0.5 > by_id["bad"]["score"]
    assert [by_id["bad"]["spans"][0][:2], by_id["bad"]["label"]] == [[0, 22], "fail"]
    assert (by_id["alone"]["score"], by_id["alone"]["label"]) == (None, "not_applicable")
    assert by_id["7"]["score"] > 0.5
    assert oct(out.stat().st_mode & 0o777) == "0o600"
    assert not answer_file.partial_path(out).exists()


def test_bad_lines_are_named_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = write(tmp_path / "in.jsonl", ROWS[:1]), tmp_path / "out.jsonl"
    with file.open("ab") as stream:
        stream.write(b'\xff\x00 no json\n\n[1]\n{"id": 3}\n{"response": 4}\n')
        stream.write(
            b'{"id": [], "response": "x"}\n{"id": "last", "response": "x", "context": "y"}'
        )
    arguments = ["eval", str(file), "--evaluators", "grounding", "--out", str(out)]
    assert main(arguments) == 0
    told = capsys.readouterr().err
    for line, remedy in ((2, "write one object"), (4, "write {"), (5, "give at least one"),
                         (6, "give a string"), (7, "give one of them")):  # fmt: skip
        assert f"line {line} left out: " in told
        assert remedy in told
    assert [row["id"] for row in scores(out)] == ["good", "last"]
    assert main([*arguments, "--strict"]) == 1


def test_a_torn_run_goes_on_where_it_was_cut_short(tmp_path: Path) -> None:
    file, out = write(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
    arguments = ["eval", str(file), "--evaluators", "grounding", "--out", str(out)]
    assert main(arguments) == 0
    whole = out.read_text().splitlines(keepends=True)
    partial = answer_file.partial_path(out)
    marked = [line.replace('"text"', '"first_run": true, "text"') for line in whole[:2]]
    partial.write_text("".join(marked) + whole[2][:20])
    out.unlink()
    assert main([*arguments, "--resume"]) == 0
    assert [row["id"] for row in scores(out)] == [str(row["id"]) for row in ROWS]
    assert [row.get("first_run", False) for row in scores(out)] == [True, True, False, False, False]

    partial.write_text("".join(marked))
    write(file, ROWS[1:])
    assert main([*arguments, "--resume"]) == 1
    assert main([*arguments[:3], "coherence", *arguments[4:], "--resume"]) == 1


def test_an_unknown_evaluator_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "in.jsonl", ROWS)
    out = str(tmp_path / "out.jsonl")
    assert main(["eval", str(file), "--evaluators", "nonsense", "--out", out]) == 1
    assert "'nonsense'; installed: " in capsys.readouterr().err


def test_a_line_without_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_file, "MAX_LINE_BYTES", 1000)
    file = tmp_path / "in.jsonl"
    file.write_bytes(b'{"response": "' + b"x" * 5000 + b'"}\n{"id": "next", "response": "y"}\n')
    with file.open("rb") as stream:
        rows = list(answer_file.read_rows(stream))
    assert [(row.line, row.answer is None) for row in rows] == [(1, True), (2, False)]
    assert rows[1].stop == file.stat().st_size


def test_the_list_names_every_evaluator(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluators", "--json"]) == 0
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert {"grounding", "coherence"} <= set(listed)
    assert listed["grounding"]["needs"] == ["context", "response"]
