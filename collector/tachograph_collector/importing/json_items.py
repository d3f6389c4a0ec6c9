"""JSON out of files of any length: one value a line, one after the other, or the items of an array."""

import codecs
import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

_CHUNK_BYTES: Final = 1 << 20
MAX_ITEM_CHARACTERS: Final = 256 << 20
"""Of one value: what is longer is no record."""

_BETWEEN: Final = " \t\r\n,"
_DECODER: Final = json.JSONDecoder(parse_float=Decimal)


class NotJson(ValueError):
    """The text at some place is no JSON value; what lies behind it cannot be read."""


def open_input(path: Path) -> BinaryIO:
    """The file's bytes, unpacked when its name ends in `.gz`. Raises `OSError`."""
    return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def json_items(file: BinaryIO) -> Iterator[tuple[Any, int]]:
    """Each value with the characters read so far; floats are Decimals, so that amounts stay exact.

    An array at the top stands for its items. Raises `NotJson`, `OSError`.
    """
    decode = codecs.getincrementaldecoder("utf-8-sig")()
    text = ""
    position = seen = 0
    is_first = True
    ended = False
    wanted = 0
    while True:
        while position < len(text) and text[position] in _BETWEEN:
            position += 1
        if is_first and text[position : position + 1] == "[":
            is_first = False
            position += 1
            continue
        if text[position : position + 1] == "]":
            position += 1
            continue
        if position < len(text) and (ended or len(text) - position >= wanted):
            try:
                value, stop = _DECODER.raw_decode(text, position)
            except (json.JSONDecodeError, RecursionError) as error:
                if ended or len(text) - position > MAX_ITEM_CHARACTERS:
                    raise NotJson(
                        f"no JSON value at character {seen + position}: {error}"
                    ) from None
                wanted = 2 * (len(text) - position)  # so that long values are not tried too often
            else:
                if stop < len(text) or ended or text[stop - 1] in '}]"':
                    is_first = False
                    wanted = 0
                    position = stop
                    yield value, seen + stop
                    continue
        elif ended:
            return
        try:
            chunk = file.read(_CHUNK_BYTES)
            more = decode.decode(chunk, final=not chunk)
        except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
            raise NotJson(
                f"the file cannot be read at character {seen + len(text)}: {error}"
            ) from None
        ended = not chunk
        text = text[position:] + more
        seen += position
        position = 0
