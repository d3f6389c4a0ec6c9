"""The commands as a person types them."""

import os
import re
import socket
import subprocess
import sys
from typing import Any

import pytest

from tachograph_store.client import Store
from tachograph_store.keys import find_key, hash_of, list_keys

PROGRAM = "from tachograph_cli.main import main; raise SystemExit(main())"


def tachograph(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


@pytest.mark.usefixtures("store_server")
def test_a_key_from_birth_to_end(reader_store: Store, project: str) -> None:
    made = tachograph("keys", "create", "--project", project, "--role", "read", "--expires", "90d")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert re.fullmatch(r"tg_[0-9a-f]{12}_[0-9a-f]{64}", key)
    assert key not in made.stderr
    row = find_key(reader_store, hash_of(key))
    assert row is not None
    assert (row.project, row.role, row.name) == (project, "read", "read")
    assert row.expires_at is not None
    assert 89 <= (row.expires_at - row.created_at).days <= 90
    listed = tachograph("keys", "list", "--project", project)
    assert row.key_id in listed.stdout
    assert "active" in listed.stdout
    assert key.rpartition("_")[2] not in listed.stdout
    assert tachograph("keys", "revoke", key).returncode == 0
    assert list_keys(reader_store, project)[0].revoked_at is not None
    assert "revoked" in tachograph("keys", "list", "--project", project).stdout


@pytest.mark.usefixtures("store_server")
@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["create", "--project", "p", "--role", "owner"], 2, "invalid choice"),
        (["create", "--project", "p", "--role", "read", "--expires", "soon"], 2, "duration"),
        (["create", "--project", "p", "--role", "read", "--expires", "2020-01-01"], 1, "expires"),
        (["create", "--project", "", "--role", "read"], 1, "project"),
        (["revoke", "nothing"], 1, "no key"),
    ],
)
def test_mistakes_are_named(arguments: list[str], status: int, said: str) -> None:
    done = tachograph("keys", *arguments)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_no_store_says_how_to_start_one(tmp_path: Any) -> None:
    for arguments in (["keys", "list"], ["migrate"]):
        done = tachograph(*arguments, "--home", str(tmp_path))
        assert done.returncode == 1
        assert str(tmp_path) in done.stderr
        assert "tachograph up" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_store_says_why_it_cannot_run(tmp_path: Any) -> None:
    home = str(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = tachograph("store", "--port", port, TACHOGRAPH_HOME=home)
    assert (done.returncode, "TACHOGRAPH_STORE_PORT" in done.stderr) == (1, True), done.stderr
    elsewhere = tachograph("store", TACHOGRAPH_STORE_URL="http://localhost:8123")
    assert (elsewhere.returncode, "TACHOGRAPH_STORE_URL" in elsewhere.stderr) == (1, True)
    secret = tachograph("store", TACHOGRAPH_STORE_URL="http://user:hush-hush@localhost:8123")
    assert secret.returncode == 1
    assert "hush-hush" not in secret.stderr + secret.stdout


@pytest.mark.parametrize("command", ["store", "migrate", "keys"])
def test_help_has_examples(command: str) -> None:
    done = tachograph(command, "--help")
    assert done.returncode == 0
    assert f"tachograph {command}" in done.stdout
    assert "examples:" in done.stdout
