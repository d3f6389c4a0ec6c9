"""A Llama of random weights, saved where `transformers serve` can load it: nothing is downloaded."""

from pathlib import Path

import torch
from tests.integration.sdk.tiny_model import WORDS, tiny_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

MAX_POSITIONS = 4_096
_EOS = WORDS.index("</s>")
_UNSPOKEN = 7
"""Words before the letters: roles and marks, which would end or confuse an answer."""


def save_model(folder: Path, *, width: int, layers: int) -> None:
    """Write model and tokenizer.

    Args:
        folder: made if it is not there.
        width: of a layer, a multiple of 64; 1,024 with 16 layers are 0.3 billion weights.
        layers: how many.
    """
    torch.manual_seed(7)
    heads = width // 64
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=MAX_POSITIONS,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=_EOS,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        # a letter has a logit above 0 at nearly every step, so that answers are as long as asked for
        model.lm_head.weight[:_UNSPOKEN] = 0.0
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
