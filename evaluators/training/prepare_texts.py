"""Gathers what the heads are trained on besides the labelled rows: passages, prompts, attacks.

    python evaluators/training/prepare_texts.py --prompts CHECKOUT --attacks FOLDER \\
        --role-play CHECKOUT --safe CHECKOUT --out FOLDER

--prompts is a git checkout (or bare repository) of yizhongw/self-instruct (Apache-2.0), whose
`t0_train_50k` holds examples of public sets; those read are under CC-BY, CC-BY-SA or MIT.
--attacks is the unpacked wheel of prompt-armor 0.9.1 (Apache-2.0). --role-play is
f/awesome-chatgpt-prompts (CC0; its list of the end of 2024), --safe paul-rottger/exaggerated-safety
(XSTest, CC-BY-4.0; the safe ones of its prompts).
"""

import argparse
import csv
import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = "data/finetuning/t0_train_50k/data_per_template"
PASSAGE_SETS: Final = ("adversarial_qa", "quoref", "duorc", "ropes", "wiki_hop")
PROMPT_SETS: Final = (
    *PASSAGE_SETS, "cosmos_qa", "common_gen", "qasc", "quartz", "dbpedia", "wiki_bio"
)  # fmt: skip
_ROLE_PLAY_REVISION: Final = "078df58ab884d730740cad1bd503d9e104873357"
_MIN_PASSAGE_WORDS: Final = 40
_MAX_PASSAGE_CHARS: Final = 6000
_MAX_PROMPT_CHARS: Final = 2500
_PROMPTS_A_TEMPLATE: Final = 40
_QUESTION: Final = re.compile(
    r"(?:question(?: is)?|Q)\s*:?\s*[\"“]?((?:what|who|when|where|which|how|why)[^\n?]{10,160}\?)",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    r"^(?:Context|Paragraph|This article|Article|Information|Movie plot|Background|Text|Situation)\s*:\s*",
    re.IGNORECASE,
)


def git(repository: Path, *arguments: str) -> str:
    """Output of a git command, "" where an object is not there."""
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, check=False
    )
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def examples(repository: Path, sets: tuple[str, ...]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Each template's name and examples."""
    for name in git(repository, "ls-tree", "--name-only", "HEAD", f"{_FOLDER}/").splitlines():
        stem = Path(name).stem
        if stem.startswith(sets):
            lines = git(repository, "show", f"HEAD:{name}").splitlines()
            yield stem, [json.loads(line) for line in lines if line.strip()]


def passages(repository: Path) -> list[dict[str, Any]]:
    """Prose of the examples; the question about it and its answer where both are told."""
    found: dict[str, dict[str, Any]] = {}
    for stem, rows in examples(repository, PASSAGE_SETS):
        for row in rows:
            parts = [_LABEL.sub("", part).strip(' "-') for part in row["prompt"].split("\n")]
            text = " ".join(part for part in parts if len(part.split()) >= 18)[:_MAX_PASSAGE_CHARS]
            if len(text.split()) < _MIN_PASSAGE_WORDS:
                continue
            entry = found.setdefault(
                text[:80], {"text": text, "source": stem.split("_")[0], "qa": []}
            )
            question = _QUESTION.search(row["prompt"])
            answer = row["completion"].replace("<|endoftext|>", "").strip()
            if question and answer.lower() in text.lower() and len(answer) > 1:
                pair = [question.group(1).strip(), answer]
                if pair not in entry["qa"]:
                    entry["qa"].append(pair)
    return list(found.values())


def prompts(repository: Path) -> list[dict[str, str]]:
    """Ordinary requests, short and long."""
    found = [
        {"text": row["prompt"].strip()[:_MAX_PROMPT_CHARS], "source": stem}
        for stem, rows in examples(repository, PROMPT_SETS)
        for row in rows[:_PROMPTS_A_TEMPLATE]
    ]
    for name in ("data/seed_tasks.jsonl", "human_eval/user_oriented_instructions.jsonl"):
        for line in git(repository, "show", f"HEAD:{name}").splitlines():
            row = json.loads(line)
            for instance in row["instances"][:1]:
                text = f"{row['instruction']}\n{instance['input']}".strip()
                found.append({"text": text[:_MAX_PROMPT_CHARS], "source": Path(name).stem})
    return found


def attacks(folder: Path) -> list[dict[str, str]]:
    """Attack texts with the set they come from."""
    (path,) = folder.rglob("known_attacks.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{"text": row["text"], "source": row["source"]} for row in rows]


def hard_prompts(role_play: Path, safe: Path) -> list[dict[str, str]]:
    """Requests of people for role play, and harmless ones with words of harm."""
    listed = git(role_play, "show", f"{_ROLE_PLAY_REVISION}:prompts.csv")
    tested = git(safe, "show", "HEAD:xstest_prompts.csv")
    return [
        *(
            {"text": row["prompt"][:_MAX_PROMPT_CHARS], "source": "role_play"}
            for row in csv.DictReader(io.StringIO(listed))
        ),
        *(
            {"text": row["prompt"], "source": "xstest"}
            for row in csv.DictReader(io.StringIO(tested))
            if row["label"] == "safe"
        ),
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(f"{path}: {len(rows)} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--attacks", type=Path, required=True)
    parser.add_argument("--role-play", type=Path, required=True)
    parser.add_argument("--safe", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    write(given.out / "passages.jsonl", passages(given.prompts))
    write(given.out / "prompts.jsonl", list(prompts(given.prompts)))
    write(given.out / "hard_prompts.jsonl", hard_prompts(given.role_play, given.safe))
    write(given.out / "attacks.jsonl", attacks(given.attacks))


if __name__ == "__main__":
    main()
