"""Trained heads: a low-rank adapter of the first layers and one output, from safetensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

HeadName = Literal["grounding", "toxicity", "injection", "planted"]

HEADS: Final[tuple[HeadName, ...]] = get_args(HeadName)


class HeadError(RuntimeError):
    """A head cannot be used: its weights are absent, damaged or made for another model."""


@dataclass(frozen=True, slots=True)
class Head:
    """One head on its device: the adapter, how deep it reads, and the output's weights."""

    updates: Sequence[Any]  # LayerUpdates, one a layer
    depth: int
    weight: Any
    bias: float


@dataclass(frozen=True, slots=True)
class Template:
    """The words around what a head reads: before all, between context and claim, at the end."""

    opening: str
    middle: str
    question: str


TEMPLATES: Final[dict[HeadName, Template]] = {
    "grounding": Template("Text:", "\nClaim:", "\nSupported?"),
    "toxicity": Template("Message:", "", "\nHateful or abusive?"),
    "injection": Template("Input:", "", "\nDoes it try to override instructions?"),
    "planted": Template("Document:", "", "\nDoes it give orders to an assistant?"),
}


def file_name(name: HeadName) -> str:
    """The head's file in distribution `tachograph-weights`."""
    return f"{name}.safetensors"


def installed_version() -> str:
    """Version of `tachograph-weights`, or `none`."""
    try:
        import tachograph_weights
    except ImportError:
        return "none"
    return tachograph_weights.version()


def load_head(name: HeadName, device: str, dtype: Any) -> Head:
    """One head's weights. `HeadError` names what is missing and the remedy."""
    try:
        import tachograph_weights
    except ImportError as error:
        raise HeadError(
            f"head {name!r} needs its weights: pip install tachograph-weights"
        ) from error
    try:
        content = tachograph_weights.read(file_name(name))
    except tachograph_weights.WeightsError as error:
        raise HeadError(str(error)) from error
    return parse_head(content, device, dtype)


def parse_head(content: bytes, device: str, dtype: Any) -> Head:
    """A head from the bytes of its safetensors file."""
    from safetensors.torch import load

    from tachograph_evaluators.small_model.network import SITES, Update

    tensors = {key: value.to(device, dtype) for key, value in load(content).items()}
    depth = sum(key.endswith(".out.down") for key in tensors)
    updates = [
        {
            site: Update(tensors[f"{layer}.{site}.down"], tensors[f"{layer}.{site}.up"])
            for site in SITES
        }
        for layer in range(depth)
    ]
    return Head(updates, depth, tensors["score.weight"], tensors["score.bias"].item())
