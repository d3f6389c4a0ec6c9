"""`tachograph alerts check|list|test`, as a person runs it."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tachograph_evaluators.alerts import command

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Receiver

RULES = """
[[webhook]]
name = "hook"
url = "{url}"
secret_file = "hook.secret"
allow_private = true

[[rule]]
name = "Too slow"
project = "shop"
metric = "latency_p95_s"
comparison = "above"
threshold = 3
window_s = 60
segment = {{ model = "llama" }}
notify = ["hook"]

[[rule]]
name = "Silent"
project = "shop"
metric = "requests"
comparison = "above"
threshold = 3
window_s = 60
"""


def alerts(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


@pytest.fixture
def rules(receiver: "Receiver", secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = secret_file.parent / "alerts.toml"
    path.write_text(RULES.format(url=receiver.url))
    monkeypatch.setenv("TACHOGRAPH_EVALUATORS_ALERT_RULES", str(path))
    return path


def test_check_and_list(rules: Path, secret_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert alerts("check") == 0
    out = capsys.readouterr().out
    assert "2 rules, 1 webhooks" in out
    assert 'rule "Silent" tells nobody' in out
    assert alerts("list") == 0
    assert (
        "shop: Too slow [model=llama]: warning when latency_p95_s is above 3 over 60 s; tells hook"
        in capsys.readouterr().out
    )
    secret_file.write_text("hunter2")
    assert alerts("check") == 1
    error = capsys.readouterr().err
    assert 'webhook "hook"' in error and "hunter2" not in error
    rules.write_text("[[rule]]")
    assert alerts("check") == 1
    assert f"{rules}: rule number 1: name: is missing" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "169.254.169.254", "10.0.0.7"])
def test_check_names_addresses_that_no_message_would_reach(
    rules: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    text = RULES.format(url=f"https://{host}/hook")
    rules.write_text(text.replace("allow_private = true\n", ""))
    assert alerts("check") == 1
    assert 'webhook "hook"' in capsys.readouterr().err
    rules.write_text(text)
    assert alerts("check") == (host == "169.254.169.254")


def test_a_test_message_is_signed(
    rules: Path, receiver: "Receiver", capsys: pytest.CaptureFixture[str]
) -> None:
    assert alerts("--rules", str(rules), "test", "hook") == 0
    assert "answered 200" in capsys.readouterr().out
    received = receiver.next()
    assert received.is_genuine
    assert json.loads(received.body)["type"] == "io.tachograph.alert.test.v1"
    receiver.answers.append((404, {}, b"no such hook"))
    assert alerts("test", "hook") == 1
    assert "answered 404: no such hook" in capsys.readouterr().err
    assert alerts("test", "nobody") == 1
    assert "there are: hook" in capsys.readouterr().err
