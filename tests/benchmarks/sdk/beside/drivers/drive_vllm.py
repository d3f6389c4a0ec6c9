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


def make_model(folder: Path) -> None:
    """A Llama of two layers whose heads are as wide as vLLM's CPU kernels want."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sys.path.insert(0, str(ROOT))
    from tests.integration.sdk.tiny_model import WORDS, tiny_tokenizer

    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=128,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)


def main() -> None:
    from vllm import LLM, SamplingParams  # type: ignore[import-not-found]

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
