"""GGUF files: what is written comes back, damaged files are named."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tachograph_evaluators.small_model.gguf import GgufError, GgufFile

F32, Q4_1, Q8_0 = 0, 3, 8


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def written(path: Path, tensors: dict[str, tuple[tuple[int, ...], int, bytes]]) -> Path:
    """A GGUF file of version 3 with two facts and these tensors: shape, type, bytes."""
    facts = text("name") + struct.pack("<I", 8) + text("tiny")
    facts += text("words") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
    places, data = b"", b""
    for name, (shape, kind, content) in tensors.items():
        places += text(name) + struct.pack("<I", len(shape))
        places += b"".join(struct.pack("<Q", size) for size in reversed(shape))
        places += struct.pack("<IQ", kind, len(data))
        data += content + bytes(-len(content) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 2) + facts + places
    path.write_bytes(head + bytes(-len(head) % 32) + data)
    return path


def test_metadata_and_numbers_come_back(tmp_path: Path) -> None:
    plain = np.arange(6, dtype=np.float32).reshape(2, 3)
    whole = np.arange(-16, 16, dtype=np.int8)
    eighth = np.float16(0.5).tobytes() + whole.tobytes()
    nibbles = bytes(low | (15 - low) << 4 for low in range(16))
    fourth = np.float16(2).tobytes() + np.float16(-1).tobytes() + nibbles
    file = GgufFile(
        written(
            tmp_path / "tiny.gguf",
            {
                "plain": ((2, 3), F32, plain.tobytes()),
                "eighth": ((1, 32), Q8_0, eighth),
                "fourth": ((1, 32), Q4_1, fourth),
            },
        )
    )
    assert file.metadata == {"name": "tiny", "words": ["a", "b"]}
    assert np.array_equal(file.tensor("plain"), plain)
    assert np.array_equal(file.tensor("eighth")[0], whole * 0.5)
    expected = [2 * low - 1 for low in range(16)] + [2 * (15 - low) - 1 for low in range(16)]
    assert file.tensor("fourth")[0].tolist() == expected


def test_what_is_not_there_or_not_known_is_named(tmp_path: Path) -> None:
    file = GgufFile(written(tmp_path / "tiny.gguf", {"odd": ((1,), 99, bytes(32))}))
    assert "odd" in file and "even" not in file
    with pytest.raises(GgufError, match="no tensor 'even'"):
        file.tensor("even")
    with pytest.raises(GgufError, match="type 99"):
        file.tensor("odd")


def test_a_file_that_ends_early_is_damaged(tmp_path: Path) -> None:
    path = written(tmp_path / "tiny.gguf", {"plain": ((64,), F32, bytes(256))})
    content = path.read_bytes()
    for length in (6, 20, 60, len(content) - 40):
        path.write_bytes(content[:length])
        with pytest.raises(GgufError, match=r"tiny\.gguf"):
            GgufFile(path).tensor("plain")


@pytest.mark.parametrize(
    "change", [(b"GGUF", b"GGML"), (struct.pack("<I", 3), struct.pack("<I", 1))]
)
def test_other_formats_are_refused(tmp_path: Path, change: tuple[Any, Any]) -> None:
    path = written(tmp_path / "tiny.gguf", {})
    path.write_bytes(path.read_bytes().replace(*change, 1))
    with pytest.raises(GgufError):
        GgufFile(path)
