"""Run by vLLM's own Python: `make_model.py FOLDER` writes a tiny Llama and a LoRA adapter for it."""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.sdk.tiny_model import WORDS, tiny_tokenizer

WIDTH = 128
"""As wide as vLLM's CPU kernels want one head of two to be, twice."""

LAYERS = 2
RANK = 8


def make_model(folder: Path) -> None:
    """Random weights, the same each time."""
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)


def make_adapter(folder: Path) -> None:
    """A LoRA adapter on the queries, as PEFT writes it."""
    folder.mkdir()
    weights = {}
    for layer in range(LAYERS):
        part = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        weights[f"{part}.lora_A.weight"] = torch.randn(RANK, WIDTH) * 0.01
        weights[f"{part}.lora_B.weight"] = torch.randn(WIDTH, RANK) * 0.01
    save_file(weights, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "tiny",
        "target_modules": ["q_proj"],
        "r": RANK,
        "lora_alpha": 2 * RANK,
        "lora_dropout": 0.0,
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    make_model(Path(sys.argv[1]) / "tiny")
    make_adapter(Path(sys.argv[1]) / "fine")
