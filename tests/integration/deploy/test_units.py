"""The deployment files are valid, start commands that exist, and set only settings that exist."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())


def commands() -> set[str]:
    return {point.name for point in entry_points(group="tachograph.commands")}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze not installed")
def test_units_pass_systemd_analyze(tmp_path: Path) -> None:
    installed = Path(sys.executable).parent / "tachograph"
    for unit in UNITS:
        text = unit.read_text().replace("/opt/tachograph/bin/tachograph", str(installed))
        (tmp_path / unit.name).write_text(text)
    files = [str(tmp_path / unit.name) for unit in UNITS]
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose not installed")
def test_compose_file_resolves_and_fits_the_schema() -> None:
    environment = {**os.environ, "CLICKHOUSE_PASSWORD": "secret"}
    result = subprocess.run(
        ["docker-compose", "-f", str(DEPLOY / "compose.yaml"), "config"],
        check=False, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    services = yaml.safe_load(result.stdout)["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published and all("127.0.0.1" in json.dumps(port) for port in published)


def test_compose_refuses_to_start_without_a_password() -> None:
    assert "${CLICKHOUSE_PASSWORD:?" in (DEPLOY / "compose.yaml").read_text()


def test_units_and_services_start_commands_that_exist() -> None:
    started = set()
    for unit in UNITS:
        started |= set(re.findall(r"^ExecStart=\S+ (\S+)", unit.read_text(), re.MULTILINE))
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        if name not in {"clickhouse", "redis"}:
            started.add(service["command"][0])
    assert started == {"store", "collector", "worker", "beat", "dashboard", "sidecar", "migrate"}
    assert started <= commands()


def test_every_setting_named_is_a_field() -> None:
    from tachograph_collector.settings import CollectorSettings
    from tachograph_dashboard.settings import DashboardSettings
    from tachograph_evaluators.settings import EvaluatorSettings
    from tachograph_store.settings import StoreSettings

    known = {
        f"{settings.model_config['env_prefix']}{field}".upper()
        for settings in (CollectorSettings, DashboardSettings, EvaluatorSettings, StoreSettings)
        for field in settings.model_fields
    }
    named = set(
        re.findall(r"^#?(TACHOGRAPH_\w+)=", (DEPLOY / "tachograph.env").read_text(), re.MULTILINE)
    )
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for service in compose["services"].values():
        named |= {key for key in service.get("environment", {}) if key.startswith("TACHOGRAPH_")}
    assert named <= known, f"not a setting: {sorted(named - known)}"
