"""Attention of one new token a slot over its own context only: what a paged engine's kernel reads.

A padded attention reads as much for a short context as for the longest of the batch, so that a request's
energy would depend on its neighbours' lengths. The context is cut into parts that run side by side and
are put together by their log-sum-exps (Dao et al. 2023, "Flash-Decoding").
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

PART = 512
"""Context tokens that one program reads."""

_BLOCK = 64
_ROWS = 16
"""Fewest rows of a tile product; query heads beyond the group's are masked."""


@triton.jit  # type: ignore[untyped-decorator]
def _attend_part(  # type: ignore[no-untyped-def]
    q, keys, values, positions, out, log_sums, scale, context, parts,
    KV: tl.constexpr, GROUP: tl.constexpr, WIDTH: tl.constexpr,
    PART: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    slot, head, part = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    length = tl.load(positions + slot).to(tl.int32) + 1
    start = part * PART
    if start < length:
        stop = tl.minimum(start + PART, length)
        rows, columns = tl.arange(0, ROWS), tl.arange(0, WIDTH)
        is_row = rows < GROUP
        q_at = ((slot * KV + head) * GROUP + rows[:, None]) * WIDTH + columns[None, :]
        query = tl.load(q + q_at, mask=is_row[:, None], other=0.0)
        base = (slot * KV + head).to(tl.int64) * context * WIDTH
        top = tl.full([ROWS], float("-inf"), tl.float32)
        total = tl.zeros([ROWS], tl.float32)
        mixed = tl.zeros([ROWS, WIDTH], tl.float32)
        for at in range(start, stop, BLOCK):
            places = at + tl.arange(0, BLOCK)
            is_place = places < stop
            kv_at = base + places[:, None] * WIDTH + columns[None, :]
            key = tl.load(keys + kv_at, mask=is_place[:, None], other=0.0)
            scores = tl.dot(query, tl.trans(key)) * scale
            scores = tl.where(is_place[None, :], scores, float("-inf"))
            new_top = tl.maximum(top, tl.max(scores, 1))
            weights = tl.exp(scores - new_top[:, None])
            shrink = tl.exp(top - new_top)
            value = tl.load(values + kv_at, mask=is_place[:, None], other=0.0)
            mixed = mixed * shrink[:, None] + tl.dot(weights.to(value.dtype), value)
            total = total * shrink + tl.sum(weights, 1)
            top = new_top
        place = ((slot * KV + head) * parts + part) * GROUP + rows
        tl.store(log_sums + place, top + tl.log(total), mask=is_row)
        tl.store(
            out + place[:, None] * WIDTH + columns[None, :],
            mixed / total[:, None],
            mask=is_row[:, None],
        )


@triton.jit  # type: ignore[untyped-decorator]
def _combine(  # type: ignore[no-untyped-def]
    out, log_sums, positions, result, parts,
    KV: tl.constexpr, GROUP: tl.constexpr, WIDTH: tl.constexpr, PART: tl.constexpr,
):  # fmt: skip
    slot, head = tl.program_id(0), tl.program_id(1)
    length = tl.load(positions + slot).to(tl.int32) + 1
    kv, row = head // GROUP, head % GROUP
    columns = tl.arange(0, WIDTH)
    top = tl.full([1], float("-inf"), tl.float32)
    total = tl.zeros([1], tl.float32)
    mixed = tl.zeros([WIDTH], tl.float32)
    for part in range(tl.cdiv(length, PART)):
        place = ((slot * KV + kv) * parts + part) * GROUP + row
        one = tl.load(log_sums + place + tl.arange(0, 1))
        new_top = tl.maximum(top, one)
        weight, shrink = tl.exp(one - new_top), tl.exp(top - new_top)
        mixed = mixed * shrink + weight * tl.load(out + place * WIDTH + columns)
        total = total * shrink + weight
        top = new_top
    at = (slot * KV * GROUP + head) * WIDTH + columns
    tl.store(result + at, (mixed / total).to(result.dtype.element_ty))


def attend(q: Tensor, keys: Tensor, values: Tensor, positions: Tensor) -> Tensor:
    """Mixed values of each slot, [slots, heads, width].

    Args:
        q: [slots, heads, width].
        keys, values: [slots or more, kv heads, context, width], contiguous.
        positions: [slots], each one's last place that is read.
    """
    slots, heads, width = q.shape
    kv_heads, context = keys.shape[1], keys.shape[2]
    parts, group = -(-context // PART), heads // kv_heads
    out = torch.empty(slots, kv_heads, parts, group, width, device=q.device)
    log_sums = torch.empty(slots, kv_heads, parts, group, device=q.device)
    result = torch.empty_like(q)
    q = q.contiguous()
    _attend_part[(slots, kv_heads, parts)](
        q, keys, values, positions, out, log_sums, width**-0.5, context, parts,
        KV=kv_heads, GROUP=group, WIDTH=width, PART=PART, BLOCK=_BLOCK, ROWS=_ROWS,
    )  # fmt: skip
    _combine[(slots, heads)](
        out, log_sums, positions, result, parts,
        KV=kv_heads, GROUP=group, WIDTH=width, PART=PART,
    )  # fmt: skip
    return result
