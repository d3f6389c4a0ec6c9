"""The rule file on disk: reloading, and staying with the last good rules."""

import logging
import os
from pathlib import Path

import pytest

from tachograph_evaluators.alerts.rule_file import RuleFile, load_rules
from tachograph_evaluators.alerts.rule_parser import RuleFileError
from tachograph_evaluators.alerts.rule_text import LARGEST_FILE_BYTES

RULE = """
[[rule]]
name = "{name}"
project = "shop"
metric = "requests"
comparison = "above"
threshold = 1
window_s = 60
"""


def names(rule_file: RuleFile) -> list[str]:
    return [rule.name for rule in rule_file.current().rules]


def test_no_file_means_no_rules(tmp_path: Path) -> None:
    rule_file = RuleFile(tmp_path / "alerts.toml")
    assert names(rule_file) == []
    assert rule_file.problem is None


def test_who_asks_for_a_file_that_is_not_there_is_told_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"alerts\.toml: is not there; write one .*--rules"):
        load_rules(tmp_path / "alerts.toml")


def test_a_change_is_read_and_an_unchanged_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    rule_file = RuleFile(path)
    path.write_text(RULE.format(name="one"))
    first = rule_file.current()
    assert rule_file.current() is first
    path.write_text(RULE.format(name="two and more"))
    assert names(rule_file) == ["two and more"]


@pytest.mark.parametrize("breakage", ["not toml [", RULE.format(name="x") + "oops = 1", None])
def test_a_broken_file_keeps_the_last_good_rules_and_says_so(
    breakage: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "alerts.toml"
    rule_file = RuleFile(path)
    path.write_text(RULE.format(name="good"))
    rule_file.current()
    if breakage is None:
        path.unlink()
    else:
        path.write_text(breakage)
    with caplog.at_level(logging.ERROR):
        assert names(rule_file) == ["good"]
        assert names(rule_file) == ["good"]
    assert rule_file.problem is not None
    assert str(path) in rule_file.problem
    assert len(caplog.records) == 1, "said once, not at every look"
    path.write_text(RULE.format(name="mended"))
    assert names(rule_file) == ["mended"]
    assert rule_file.problem is None


def test_a_file_broken_from_the_start_has_no_rules(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text("[[rule]")
    rule_file = RuleFile(path)
    assert names(rule_file) == []
    assert rule_file.problem is not None


def test_the_time_of_the_change_is_known(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text("")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    modified_at = load_rules(path).modified_at
    assert modified_at is not None
    assert modified_at.timestamp() == 1_700_000_000


def test_unusable_files(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    with pytest.raises(RuleFileError, match=r"is not there; write one .*--rules"):
        load_rules(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RuleFileError, match="not UTF-8"):
        load_rules(path)
    path.write_text("# long\n" * (LARGEST_FILE_BYTES // 7 + 1))
    with pytest.raises(RuleFileError, match="larger than"):
        load_rules(path)
