"""Gathers what the heads are trained on besides the labelled rows: passages, prompts, attacks.

    python evaluators/training/prepare_texts.py --checkouts FOLDER --attacks FOLDER --out FOLDER

--attacks is the unpacked wheel of prompt-armor 0.9.1 (Apache-2.0). --checkouts holds git checkouts
(or bare repositories) by their names: yizhongw/self-instruct (Apache-2.0), whose `t0_train_50k`
holds examples of public sets, of which those under CC-BY, CC-BY-SA or MIT are read;
f/awesome-chatgpt-prompts (CC0), teknium1/GPTeacher (MIT; role play that GPT-4 wrote),
lmarena/arena-hard-auto (Apache-2.0; users' requests), meta-llama/PurpleLlama (CyberSecEval, MIT),
paul-rottger/exaggerated-safety (XSTest, CC-BY-4.0; the safe ones of its prompts),
JailbreakBench/artifacts (MIT; what its PAIR attacks wrote),
leolee99/InjecGuard (MIT; ordinary prompts with the words or shapes of attacks, to calibrate on),
stdlib-js/datasets-spam-assassin (CC0; mails to calibrate on).
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

from training.injection_examples import UNSEEN_SETS
from training.mails import body_of, in_any_order, is_mail

_FOLDER: Final = "data/finetuning/t0_train_50k/data_per_template"
PASSAGE_SETS: Final = ("adversarial_qa", "quoref", "duorc", "ropes", "wiki_hop")
PROMPT_SETS: Final = (
    *PASSAGE_SETS, "cosmos_qa", "common_gen", "qasc", "quartz", "dbpedia", "wiki_bio"
)  # fmt: skip
_ROLE_PLAY_REVISIONS: Final = (
    "078df58ab884d730740cad1bd503d9e104873357",  # the list of the end of 2024
    "fd7a2ff969b4a15c7e4cc14ee1140796cfe8e637",  # of March 2026
)
_NOT_ORDINARY: Final = re.compile(
    r"(?i)jailbreak|\bDAN\b|prompt inject|developer mode|no restrictions|unfiltered|bypass"
    r"|ignore (?:all )?(?:of )?(?:the |your )?(?:previous|prior|above)"
    r"|without (?:any )?(?:filter|restriction)"
)
"""Lists of users' prompts hold attacks too."""

_ARENA: Final = "data/arena-hard-{}/question.jsonl"
_CYBER: Final = "CybersecurityBenchmarks/datasets"
_MIN_PASSAGE_WORDS: Final = 40
_MAX_PASSAGE_CHARS: Final = 6000
_MAX_PROMPT_CHARS: Final = 2500
_PROMPTS_A_TEMPLATE: Final = 40
_MIN_REQUEST_WORDS: Final = 3
_MAILS: Final = 200
_MAX_FIELD_BYTES: Final = 1 << 24
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
    return output(repository, *arguments).decode("utf-8", "replace")


def output(repository: Path, *arguments: str) -> bytes:
    """The same, not decoded."""
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, check=False
    )
    return done.stdout if done.returncode == 0 else b""


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


def hard_prompts(checkouts: Path) -> Iterator[dict[str, str]]:
    """Ordinary requests that look like attacks: role play, security, long ones of users."""
    sources = {
        "role_play": role_play(checkouts / "awesome-chatgpt-prompts"),
        "gpteacher": [
            f"{row['instruction']}\n{row['input']}"
            for row in json.loads(
                git(
                    checkouts / "GPTeacher",
                    "show",
                    "HEAD:Roleplay/roleplay-simple-deduped-roleplay-instruct.json",
                )
            )
        ],
        "cyberseceval_frr": [
            row["mutated_prompt"]
            for row in json.loads(
                git(checkouts / "PurpleLlama", "show", f"HEAD:{_CYBER}/mitre_frr/mitre_frr.json")
            )
        ],
        "arena_hard": users(checkouts / "arena-hard-auto"),
        "xstest": [
            row["prompt"]
            for row in table(
                git(checkouts / "exaggerated-safety", "show", "HEAD:xstest_prompts.csv")
            )
            if row["label"] == "safe"
        ],
        "notinject_three": over_defended(checkouts / "InjecGuard", "NotInject_three"),
        "wildguard": over_defended(checkouts / "InjecGuard", "wildguard"),
    }
    for source, texts in sources.items():
        for text in texts:
            if source in UNSEEN_SETS or len(text.split()) >= _MIN_REQUEST_WORDS:
                yield {"text": text.strip()[:_MAX_PROMPT_CHARS], "source": source}


def over_defended(repository: Path, name: str) -> list[str]:
    """Ordinary prompts on which classifiers of injections alarm."""
    rows = json.loads(git(repository, "show", f"HEAD:datasets/{name}.json"))
    return [row["prompt"] for row in rows if not row.get("label", 0)]


def role_play(repository: Path) -> list[str]:
    """Users' roles for a model, each once: the old list, then what the newer one adds."""
    found: dict[str, str] = {}
    for number, revision in enumerate(_ROLE_PLAY_REVISIONS):
        for row in table(git(repository, "show", f"{revision}:prompts.csv")):
            is_text = row.get("type", "TEXT") == "TEXT"
            if number == 0 or (is_text and not _NOT_ORDINARY.search(row["prompt"])):
                key = re.sub(r"\W+", "", row["prompt"].lower())[:80]
                found.setdefault(key, row["prompt"])
    return list(found.values())


def users(repository: Path) -> list[str]:
    """Requests of arena-hard 0.1 and 2.0."""
    found = []
    for version in ("v0.1", "v2.0"):
        lines = git(repository, "show", f"HEAD:{_ARENA.format(version)}").split("\n")
        for row in (json.loads(line) for line in lines if line.strip()):
            found.append(row["prompt"] if "prompt" in row else row["turns"][0]["content"])
    return [text for text in dict.fromkeys(found) if not _NOT_ORDINARY.search(text)]


def scenarios(repository: Path) -> list[dict[str, str]]:
    """Harmful requests behind a story, which the attack PAIR (arXiv 2310.08419) wrote."""
    folder = "attack-artifacts/PAIR/black_box/"
    prompts = [
        row["prompt"]
        for name in git(repository, "ls-tree", "--name-only", "HEAD", folder).splitlines()
        for row in json.loads(git(repository, "show", f"HEAD:{name}"))["jailbreaks"]
        if row["prompt"]
    ]
    return [{"text": text, "source": "jailbreakbench/pair"} for text in dict.fromkeys(prompts)]


def checks(repository: Path) -> list[dict[str, str]]:
    """Attacks of CyberSecEval 2 (arXiv 2404.13161): never trained on, to choose between heads."""
    rows = json.loads(
        git(repository, "show", f"HEAD:{_CYBER}/prompt_injection/prompt_injection.json")
    )
    return [
        {
            "text": row["user_input"],
            "source": f"cyberseceval/{row['injection_type']}",
            "variant": row["injection_variant"],
        }
        for row in rows
    ]


def mails(repository: Path) -> Iterator[dict[str, str]]:
    """Ordinary mails."""
    names = git(repository, "ls-tree", "-r", "--name-only", "HEAD", "data/").splitlines()
    found = 0
    for name in in_any_order([name for name in names if is_mail(name)]):
        text = body_of(output(repository, "show", f"HEAD:{name}"))
        if text is not None:
            found += 1
            yield {"text": text, "source": "spamassassin"}
        if found == _MAILS:
            return


def table(text: str) -> Iterator[dict[str, str]]:
    """Rows of comma-separated values."""
    csv.field_size_limit(_MAX_FIELD_BYTES)
    return csv.DictReader(io.StringIO(text))


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(f"{path}: {len(rows)} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--attacks", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    write(given.out / "passages.jsonl", passages(given.checkouts / "self-instruct"))
    write(given.out / "prompts.jsonl", prompts(given.checkouts / "self-instruct"))
    write(given.out / "hard_prompts.jsonl", list(hard_prompts(given.checkouts)))
    write(given.out / "attacks.jsonl", attacks(given.attacks))
    write(given.out / "jailbreaks.jsonl", scenarios(given.checkouts / "artifacts"))
    write(given.out / "mails.jsonl", list(mails(given.checkouts / "datasets-spam-assassin")))
    write(given.out / "checks.jsonl", checks(given.checkouts / "PurpleLlama"))


if __name__ == "__main__":
    main()
