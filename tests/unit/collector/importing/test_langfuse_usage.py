"""No token is counted twice, whoever wrote the usage."""

from decimal import Decimal
from typing import Any

import pytest

from tachograph_collector.importing.langfuse_usage import Usage, read_usage


@pytest.mark.parametrize(
    ("details", "usage"),
    [
        (None, Usage()),
        ({}, Usage()),
        ({"input": 10, "output": 5, "total": 15}, Usage(10, 5)),
        ({"input": Decimal(10), "output": 5.0}, Usage(10, 5)),
        ({"promptTokens": 10, "completionTokens": 5, "totalTokens": 15}, Usage(10, 5)),
        # cached tokens stand beside the input, as Langfuse stores them
        (
            {"input": 80, "input_cached_tokens": 20, "output": 5, "total": 105},
            Usage(100, 5, cache_read_tokens=20),
        ),
        # or were sent as a part of it: the total says so
        (
            {"input": 100, "input_cached_tokens": 20, "output": 5, "total": 105},
            Usage(100, 5, cache_read_tokens=20),
        ),
        (
            {"input": 7, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2},
            Usage(12, None, cache_read_tokens=3, cache_write_tokens=2),
        ),
        (
            {"input": 1, "output": 4, "output_reasoning_tokens": 6, "total": 11},
            Usage(1, 10, reasoning_tokens=6),
        ),
        ({"input": -1, "output": "many", "total": True}, Usage()),
        ("nonsense", Usage()),
    ],
)
def test_usage(details: Any, usage: Usage) -> None:
    assert read_usage(details) == usage
