"""Trained weights: small, checked before use, and missed with a remedy."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.fixtures.trained_weights import FOLDER

from tachograph_evaluators.small_model import HeadError
from tachograph_evaluators.small_model.weights import HEADS, file_name, load_head

MAX_BYTES = 25_000_000


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, Path]]:
    """The distribution as somebody else would have it, in a folder that may be damaged."""
    folder = tmp_path / "tachograph_weights"
    shutil.copytree(FOLDER / "tachograph_weights", folder)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tachograph_weights", raising=False)
    yield importlib.import_module("tachograph_weights"), folder
    sys.modules.pop("tachograph_weights", None)


def test_every_head_has_its_file_and_all_stay_below_the_limit(
    copied: tuple[ModuleType, Path],
) -> None:
    module, folder = copied
    assert {file_name(name) for name in HEADS} <= set(module.manifest()["files"])
    assert sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) < MAX_BYTES
    for name, facts in module.manifest()["files"].items():
        assert len(module.read(name)) == facts["bytes"]


def test_a_flipped_bit_is_found(copied: tuple[ModuleType, Path]) -> None:
    module, folder = copied
    path = folder / file_name("toxicity")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(module.WeightsError, match=r"toxicity.*damaged.*install it again"):
        module.read(path.name)
    with pytest.raises(HeadError, match="damaged"):
        load_head("toxicity", "cpu", None)


def test_a_file_that_is_gone_and_a_name_never_known(copied: tuple[ModuleType, Path]) -> None:
    module, folder = copied
    (folder / file_name("grounding")).unlink()
    with pytest.raises(module.WeightsError, match="cannot be read"):
        module.read(file_name("grounding"))
    with pytest.raises(module.WeightsError, match="no weights named"):
        module.read("../manifest.json")
    (folder / "manifest.json").write_text("{")
    with pytest.raises(module.WeightsError, match=r"manifest\.json"):
        module.version()


def test_without_the_distribution_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tachograph_weights", None)
    with pytest.raises(HeadError, match="pip install tachograph-weights"):
        load_head("injection", "cpu", None)
