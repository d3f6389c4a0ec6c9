"""vLLM's real server on the CPU, and a sidecar in front of it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

HERE = Path(__file__).parent
START_DEADLINE_S = 600.0


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class VllmServer:
    """The server, started and stopped at will on one port.

    Args:
        python: the interpreter of vLLM's environment.
        folder: where its model, its adapter and its log go.
        traces_url: where it sends its own spans; None for nowhere.
        flags: of the server, beside those that it always has; the last of one kind holds.
        variables: of its environment, beside those that it always has.
        niceness: added to this process's; on few cores its spinning threads keep clients waiting.
    """

    def __init__(
        self,
        python: str,
        folder: Path,
        traces_url: str | None,
        *,
        flags: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        niceness: int = 0,
    ) -> None:
        self._python = python
        self._folder = folder
        self._flags = list(flags)
        if traces_url is not None:
            self._flags += ["--otlp-traces-endpoint", traces_url]
        self._variables = dict(variables or {})
        self._niceness = niceness
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        subprocess.run([python, HERE / "make_model.py", folder], check=True)

    def start(self) -> None:
        """Return when it answers."""
        folder = self._folder
        command: list[str | Path] = [
            "nice", "-n", str(self._niceness), self._python, "-m", "vllm.entrypoints.openai.api_server",
            "--model", folder / "tiny", "--served-model-name", "tiny",
            "--host", "127.0.0.1", "--port", str(self.port),
            "--max-model-len", "128", "--max-num-seqs", "4", "--enforce-eager",
            "--dtype", "float32",
            "--enable-lora", "--max-lora-rank", "8", "--lora-modules", f"fine={folder / 'fine'}",
            "--enable-auto-tool-choice", "--tool-call-parser", "hermes",
            "--enable-request-id-headers", "--enable-prompt-tokens-details",
            "--enable-per-request-metrics", *self._flags,
        ]  # fmt: skip
        kept = ("PATH", "HOME", "LANG", "TMPDIR")
        environment = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            # oneDNN may choose instructions that a virtual machine names and does not have.
            "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
            "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_SERVER_DEV_MODE": "1",  # opens /server_info
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": "vllm",
            **self._variables,
        }
        with (folder / "vllm.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        deadline = time.monotonic() + START_DEADLINE_S
        while not self._is_healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = (folder / "vllm.log").read_text(errors="replace")[-2000:]
                raise SystemExit(f"vLLM did not start:\n{tail}")
            time.sleep(0.5)

    def kill(self) -> None:
        """As when memory ran out: the server with its engine and its workers, at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Let it flush its spans; then end whatever is left of it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def running_sidecar(engine_url: str, collector_url: str, log: Path, *options: str) -> Iterator[str]:
    """The sidecar as people run it, with these options beside; its address."""
    command = [
        sys.executable, "-m", "tachograph_sidecar.command", "--upstream", engine_url,
        "--port", "0", "--endpoint", collector_url, "--gpu", "off", "--capture", "full", *options,
    ]  # fmt: skip
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        words = [word for word in line.split() if word.startswith("http://")]
        if not words:
            raise SystemExit(f"the sidecar said {line!r}, see {log}")
        yield words[0]
    finally:
        process.terminate()
        process.wait(timeout=60)
        if process.stdout is not None:
            process.stdout.close()
