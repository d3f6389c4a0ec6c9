"""Texts and JSON cut to size."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tachograph._internal.fitting import fitted_json, map_texts
from tachograph._internal.truncate import truncated, well_formed

TEXTS = st.text(st.characters(exclude_categories=[]))  # lone surrogates included
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "assistant"]),
            "parts": st.lists(
                st.fixed_dictionaries({"type": st.just("text"), "content": TEXTS}), max_size=3
            ),
        }
    ),
    max_size=30,
)


@given(TEXTS, st.integers(0, 200))
def test_a_cut_text_fits_and_begins_as_the_whole(text: str, limit: int) -> None:
    text = well_formed(text)
    kept, is_cut = truncated(text, limit)
    assert len(kept.encode()) <= limit
    assert is_cut == (len(text.encode()) > limit)
    if not is_cut:
        assert kept == text
    else:
        assert text.startswith(kept.split("…[truncated")[0])


def test_a_cut_says_how_much_is_missing() -> None:
    kept, _ = truncated("ß" * 500, 100)
    body, _, marker = kept.partition("…")
    assert marker == f"[truncated {1000 - 2 * len(body)} bytes]"


@given(TEXTS)
def test_well_formed_text_has_utf8(text: str) -> None:
    well_formed(text).encode()


@given(MESSAGES, st.integers(300, 3000))
def test_messages_fit_and_stay_json(messages: list[dict[str, Any]], limit: int) -> None:
    text, is_cut = fitted_json(messages, limit)
    assert len(text.encode()) <= limit
    whole = well_formed(json.dumps(messages, ensure_ascii=False, separators=(",", ":")))
    assert is_cut == (len(whole.encode()) > limit)
    kept = json.loads(text)
    assert isinstance(kept, list)
    if not is_cut:
        assert text == whole


def test_the_longest_text_is_cut_first() -> None:
    messages = [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "x" * 10_000}]},
    ]
    text, is_cut = fitted_json(messages, 2_000)
    kept = json.loads(text)
    assert is_cut
    assert kept[0]["parts"][0]["content"] == "Be brief."
    assert 1_500 < len(kept[1]["parts"][0]["content"]) < 2_000
    assert "[truncated" in kept[1]["parts"][0]["content"]


def test_of_many_messages_the_middle_goes() -> None:
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": f"m{n}"}]} for n in range(1000)
    ]
    text, _ = fitted_json(messages, 2_000)
    kept = [message["parts"][0]["content"] for message in json.loads(text)]
    assert kept[0] == "m0"
    assert kept[-1] == "m999"
    (note,) = [content for content in kept if content.startswith("[truncated")]
    assert note == f"[truncated {1000 - (len(kept) - 1)}]"


@given(MESSAGES)
def test_map_texts_keeps_the_shape(messages: list[dict[str, Any]]) -> None:
    assert map_texts(messages, lambda text: text) == messages
