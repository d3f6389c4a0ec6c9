"""Prefixes with branches, packed into rectangular batches of bounded size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tachograph_evaluators.small_model.network import PADDING_BRANCH, PREFIX_BRANCH

_ALIGNMENT: Final = 8  # attention kernels want rows of a multiple of this

Ints = NDArray[np.int64]


@dataclass(slots=True)
class Tree:
    """Token numbers of a shared prefix and of what may follow it; `keys` name the branches."""

    prefix: list[int]
    branches: list[list[int]] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.prefix) + sum(map(len, self.branches))


class Batch(NamedTuple):
    """Rows of one pass, and where each branch lies: key, row, first column, one past the last."""

    ids: Ints
    positions: Ints
    branches: Ints
    places: list[tuple[int, int, int, int]]


def grow(
    prefixes: Sequence[list[int]], branches: Sequence[list[int]], max_tokens: int
) -> list[Tree]:
    """One tree for each distinct prefix; more where its branches exceed `max_tokens` together."""
    open_trees: dict[tuple[int, ...], Tree] = {}
    trees: list[Tree] = []
    for key, (prefix, branch) in enumerate(zip(prefixes, branches, strict=True)):
        same = tuple(prefix)
        tree = open_trees.get(same)
        if tree is None or len(tree) + len(branch) > max_tokens:
            tree = open_trees[same] = Tree(prefix)
            trees.append(tree)
        tree.branches.append(branch)
        tree.keys.append(key)
    return trees


def batches(trees: Sequence[Tree], max_tokens: int) -> Iterator[Batch]:
    """Trees of similar length together, at most `max_tokens` places (padding counted) a batch."""
    waiting: list[Tree] = []
    for tree in sorted(trees, key=len):
        if waiting and (len(waiting) + 1) * len(tree) > max_tokens:
            yield pack(waiting)
            waiting = []
        waiting.append(tree)
    if waiting:
        yield pack(waiting)


def pack(trees: Sequence[Tree]) -> Batch:
    """Rows padded to the longest tree, and a little more."""
    shape = len(trees), -(-max(map(len, trees)) // _ALIGNMENT) * _ALIGNMENT
    ids = np.zeros(shape, np.int64)
    positions = np.zeros(shape, np.int64)
    numbers = np.full(shape, PADDING_BRANCH, np.int64)
    places: list[tuple[int, int, int, int]] = []
    for row, tree in enumerate(trees):
        trunk = at = len(tree.prefix)
        ids[row, :at] = tree.prefix
        positions[row, :at] = np.arange(at)
        numbers[row, :at] = PREFIX_BRANCH
        for number, (key, branch) in enumerate(zip(tree.keys, tree.branches, strict=True), 1):
            stop = at + len(branch)
            ids[row, at:stop] = branch
            positions[row, at:stop] = np.arange(trunk, trunk + len(branch))
            numbers[row, at:stop] = number
            places.append((key, row, at, stop))
            at = stop
    return Batch(ids, positions, numbers, places)
