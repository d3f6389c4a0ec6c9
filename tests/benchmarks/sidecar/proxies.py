"""What stands between client and stub: nothing, nginx, LiteLLM's proxy, Tachograph's sidecar."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from tests.benchmarks.environments import environment_of
from tests.benchmarks.ingest.processes import Servers, wait_until
from tests.benchmarks.sidecar.load import pinned

from tachograph_cli.supervisor.ports import choose_free

_LOCK: Final = Path(__file__).parent / "peers" / "litellm.txt"
_READY_S: Final = 120.0
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 1000000;
  upstream engine {{ server 127.0.0.1:{stub}; keepalive 2048; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering off;
    }}
  }}
}}
"""
_LITELLM = """
model_list:
  - model_name: stub
    litellm_params: {{model: openai/stub, api_base: "http://127.0.0.1:{stub}/v1", api_key: sk-bench}}
general_settings: {{master_key: sk-bench}}
litellm_settings: {{telemetry: false}}
"""


class Proxy(Protocol):
    """One way to the stub."""

    name: str
    version: str
    port: int

    def stop(self) -> None: ...

    def resident_bytes(self) -> int: ...


class Direct:
    """No proxy."""

    name = "direct"
    version = ""

    def __init__(self, stub_port: int) -> None:
        self.port = stub_port

    def stop(self) -> None:
        """Nothing was started."""

    def resident_bytes(self) -> int:
        """It has no process."""
        return 0


class _Process:
    name: str
    version: str

    def __init__(self, folder: Path, core: int | None) -> None:
        self._core = core
        self.folder = folder / self.name
        self.folder.mkdir()
        [self.port] = choose_free(1)
        self.servers = Servers(self.folder / "log")

    def stop(self) -> None:
        self.servers.stop()

    def resident_bytes(self) -> int:
        """Of all its processes."""
        return self.servers.resident_bytes()

    def _start(self, command: Sequence[str], **environment: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self.servers.start([*pinned(self._core), *command], {**clean, **environment})
        wait_until(self._listens, self.name, _READY_S)

    def _listens(self) -> bool:
        self.servers.check()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Nginx(_Process):
    """Debian's nginx, one worker, passing through unbuffered over kept-alive connections."""

    name = "nginx"

    def __init__(self, folder: Path, stub_port: int, core: int | None) -> None:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
        if program is None:
            raise RuntimeError("no nginx: install it (apt-get install nginx-light)")
        said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
        self.version = said.strip().rpartition("/")[2]
        super().__init__(folder, core)
        config = self.folder / "nginx.conf"
        config.write_text(_NGINX.format(folder=self.folder, stub=stub_port, port=self.port))
        self._start([program, "-c", str(config), "-e", str(self.folder / "error.log")])


class LiteLlm(_Process):
    """LiteLLM's proxy as its manual starts it, one worker."""

    name = "litellm"

    def __init__(self, folder: Path, stub_port: int, core: int | None, cache: Path) -> None:
        programs = environment_of(_LOCK, cache)
        ask = "import importlib.metadata as m; print(m.version('litellm'))"
        python = [str(programs / "python"), "-c", ask]
        self.version = subprocess.run(
            python, capture_output=True, text=True, check=True
        ).stdout.strip()
        super().__init__(folder, core)
        config = self.folder / "litellm.yaml"
        config.write_text(_LITELLM.format(stub=stub_port))
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--num_workers", "1"]
        self._start(
            [str(programs / "litellm"), "--config", str(config), *words],
            LITELLM_LOG="ERROR",
            LITELLM_LOCAL_MODEL_COST_MAP="True",
            PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
        )


class Sidecar(_Process):
    """Our own, everything recorded in full; its telemetry goes to the stub, which takes it."""

    name = "sidecar"

    def __init__(self, folder: Path, stub_port: int, core: int | None) -> None:
        from tachograph.version import __version__

        self.version = __version__
        super().__init__(folder, core)
        url = f"http://127.0.0.1:{stub_port}"
        words = ["--upstream", url, "--endpoint", url, "--port", str(self.port), "--gpu", "off"]
        more = ["--capture", "full", "--max-connections", "4096"]
        self._start([sys.executable, "-m", "tachograph_sidecar.command", *words, *more])
