"""Causes planted on vLLM's CPU build: its own queue, and a KV cache that is too small."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.causes.client import Asking, ask
from tests.benchmarks.causes.plants import Suffered
from tests.conformance.vllm.engine import VllmServer

TEXT: Final = "/v1/completions"
_SCRAPED_S: Final = 6.0
"""The engine's metrics page is read every five seconds."""

_TRIES: Final = 12
_PLANTED_S: Final = 0.2

_FLAGS: Final = ("--max-model-len", "256", "--no-enable-prefix-caching", "--max-num-seqs")

_VARIABLES: Final = {"VLLM_CPU_NUM_OF_RESERVED_CPU": "1"}
"""A core for the API server: the engine's threads spin, and tokens would arrive all at once."""


def planted(
    home: Path, python: str, sidecar: Callable[..., str], only: Sequence[str]
) -> Iterator[tuple[str, str, str, Suffered]]:
    """Experiment, what must be named, the sidecar, and who suffered."""
    if not only or "vllm_queued" in only:
        with_one = home / "vllm-one"
        for url in _served(with_one, python, sidecar, [*_FLAGS, "1"]):
            yield "vllm_queued", "engine_queue", url, _until_planted(_queued, url)
    if not only or "vllm_preempted" in only:
        small = home / "vllm-small"
        for url in _served(
            small, python, sidecar, [*_FLAGS, "4", "--num-gpu-blocks-override", "5"]
        ):
            yield "vllm_preempted", "kv_pressure", url, _until_planted(_preempted, url)


def _served(
    folder: Path, python: str, sidecar: Callable[..., str], flags: Sequence[str]
) -> Iterator[str]:
    folder.mkdir()
    server = VllmServer(python, folder, None, flags=flags, variables=_VARIABLES, niceness=10)
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


def _until_planted(how: Callable[[str], Suffered], url: str) -> Suffered:
    """On few cores requests may come one after the other, and nobody suffers: once more then."""
    for _ in range(_TRIES):
        suffered = how(url)
        if suffered.seconds > _PLANTED_S:
            return suffered
    raise SystemExit(f"in {_TRIES} tries nothing was planted: the machine is too busy for vLLM")


def _ahead(url: str, tokens: int) -> list[Asking]:
    """Three requests that are there first; their tokens may reach this process late and at once."""
    asked = [Asking(url, _body(tokens), TEXT) for _ in range(3)]
    time.sleep(0.05)
    return asked


def _queued(url: str) -> Suffered:
    """One request runs at a time, and three came before."""
    before = _ahead(url, 220)
    heard = ask(url, _body(10), TEXT)
    return Suffered(heard, max(one.result().ended_s for one in before) - heard.sent_s)


def _preempted(url: str) -> Suffered:
    """Four blocks of cache, and each of four answers wants two: who came last is put back."""
    before = _ahead(url, 230)
    heard = ask(url, _body(115), TEXT)
    for one in before:
        one.result()
    time.sleep(_SCRAPED_S)
    return Suffered(heard, max(heard.gaps_s))
