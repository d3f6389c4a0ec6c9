"""The compiled parts are there wherever they could be built, and are left out when they are not wanted."""

import importlib
import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import pytest

from tachograph_store import native
from tachograph_store.compiled import VARIABLE, is_wanted

MODULES = ("tachograph_collector.translate._compiled_spans", "tachograph_store._compiled_native")


@pytest.mark.parametrize("module", MODULES)
def test_it_was_built_where_there_is_a_compiler(module: str) -> None:
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if not header.exists() or shutil.which(compiler) is None:
        pytest.skip("no C compiler, or no headers of Python")
    assert find_spec(module) is not None, "run: touch pyproject.toml && make install"
    importlib.import_module(module)


@pytest.mark.parametrize("said", ["off", "OFF ", "0", "false"])
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv(VARIABLE, said)
    assert not is_wanted()
    native._compiled.cache_clear()
    try:
        assert not native.is_compiled()
    finally:
        native._compiled.cache_clear()


@pytest.mark.parametrize("said", [None, "on", "", "yes"])
def test_it_is_wanted_otherwise(monkeypatch: pytest.MonkeyPatch, said: str | None) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if said is not None:
        monkeypatch.setenv(VARIABLE, said)
    assert is_wanted()
