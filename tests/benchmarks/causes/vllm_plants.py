"""Causes planted on vLLM's CPU build: its own queue, and a KV cache that is too small."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.causes.client import Asking, Heard, ask
from tests.benchmarks.causes.plants import Suffered
from tests.conformance.vllm.engine import VllmServer

TEXT: Final = "/v1/completions"
_SCRAPED_S: Final = 6.0
"""The engine's metrics page is read every five seconds."""

_FLAGS: Final = ("--max-model-len", "256", "--no-enable-prefix-caching", "--max-num-seqs")


def planted(
    home: Path, python: str, sidecar: Callable[..., str], only: Sequence[str]
) -> Iterator[tuple[str, str, str, Suffered]]:
    """Experiment, what must be named, the sidecar, and who suffered."""
    if not only or "vllm_queued" in only:
        with_one = home / "vllm-one"
        for url in _served(with_one, python, sidecar, [*_FLAGS, "1"]):
            yield "vllm_queued", "engine_queue", url, _queued(url)
    if not only or "vllm_preempted" in only:
        small = home / "vllm-small"
        for url in _served(
            small, python, sidecar, [*_FLAGS, "4", "--num-gpu-blocks-override", "5"]
        ):
            yield "vllm_preempted", "kv_pressure", url, _preempted(url)


def _served(
    folder: Path, python: str, sidecar: Callable[..., str], flags: Sequence[str]
) -> Iterator[str]:
    folder.mkdir()
    server = VllmServer(python, folder, None, flags=flags)
    try:
        server.start()
        url = sidecar(server.url, folder.name, "--engine", "vllm")
        for _ in range(8):
            ask(url, _body(40), TEXT)
        time.sleep(_SCRAPED_S)
        yield url
    finally:
        server.stop()


def _body(tokens: int, words: int = 20) -> Mapping[str, Any]:
    counted = {"max_tokens": tokens, "min_tokens": tokens, "stream": True}
    return {"model": "tiny", "prompt": "a b " * (words // 2), **counted}


def _queued(url: str) -> Suffered:
    """One request runs at a time."""
    before = Asking(url, _body(220), TEXT).begun()
    heard = ask(url, _body(10), TEXT)
    return Suffered(heard, before.result().ended_s - heard.sent_s)


def _preempted(url: str) -> Suffered:
    """Four blocks of cache; each of four answers wants two: two are put back until others end."""
    asked = [Asking(url, _body(220), TEXT) for _ in range(4)]
    heard = max((one.result() for one in asked), key=_longest_s)
    time.sleep(_SCRAPED_S)
    return Suffered(heard, _longest_s(heard))


def _longest_s(heard: Heard) -> float:
    return max(heard.gaps_s)
