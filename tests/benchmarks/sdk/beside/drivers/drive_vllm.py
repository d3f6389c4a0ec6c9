"""vLLM's own offline `LLM`, its CPU build, with a model of random weights made on the spot."""

import os
import sys
import tempfile
from pathlib import Path

# oneDNN may choose instructions that a virtual machine names and does not have.
os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX512_CORE"
os.environ["VLLM_CPU_KVCACHE_SPACE"] = "1"  # GiB
os.environ["VLLM_NO_USAGE_STATS"] = "1"

import tachograph

ROOT = Path(__file__).resolve().parents[5]


def main() -> None:
    from vllm import LLM, SamplingParams  # type: ignore[import-not-found]

    sys.path.insert(0, str(ROOT))
    from tests.conformance.vllm.make_model import make_model

    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "tiny"
        make_model(folder)
        tachograph.init(provider=os.environ["PROVIDER"])  # type: ignore[arg-type]
        llm = tachograph.wrap(
            LLM(
                model=str(folder),
                max_model_len=128,
                max_num_seqs=4,
                enforce_eager=True,
                dtype="float32",
                disable_log_stats=False,
            )
        )
        llm.generate(
            ["a b c", "d e f g"], SamplingParams(max_tokens=8, ignore_eos=True, logprobs=0)
        )
        llm.chat(
            [{"role": "user", "content": "a b c"}],
            SamplingParams(max_tokens=5, n=2, ignore_eos=True),
        )
        assert tachograph.shutdown(10.0)


if __name__ == "__main__":
    told = os.dup(1)
    os.dup2(2, 1)  # vLLM writes to the standard output until its very end
    main()
    os.write(told, b"[]\n")  # nothing went elsewhere
