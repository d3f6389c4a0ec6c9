"""Trees: contexts are shared, rows are bounded, every branch has its place."""

from tachograph_evaluators.small_model.network import PADDING_BRANCH, PREFIX_BRANCH
from tachograph_evaluators.small_model.trees import Tree, batches, grow, pack


def test_equal_prefixes_share_a_tree_until_it_is_full() -> None:
    trees = grow([[1, 2], [1, 2], [9], [1, 2]], [[3], [4, 5], [6], [7]], max_tokens=5)
    assert [(tree.prefix, tree.branches, tree.keys) for tree in trees] == [
        ([1, 2], [[3], [4, 5]], [0, 1]),
        ([9], [[6]], [2]),
        ([1, 2], [[7]], [3]),
    ]


def test_branches_count_their_positions_from_the_prefix() -> None:
    batch = pack([Tree([1, 2], [[3], [4, 5]], [10, 11]), Tree([8], [[9]], [12])])
    assert batch.ids.shape == (2, 8)
    assert batch.ids[0].tolist() == [1, 2, 3, 4, 5, 0, 0, 0]
    assert batch.positions[0, :5].tolist() == [0, 1, 2, 2, 3]
    numbers = batch.branches[0].tolist()
    assert numbers == [PREFIX_BRANCH, PREFIX_BRANCH, 1, 2, 2] + [PADDING_BRANCH] * 3
    assert batch.places == [(10, 0, 2, 3), (11, 0, 3, 5), (12, 1, 1, 2)]


def test_batches_hold_every_tree_and_no_more_than_allowed() -> None:
    trees = [Tree([1] * length, [[2]], [length]) for length in (3, 50, 7, 20, 4, 9)]
    made = list(batches(trees, max_tokens=64))
    assert sorted(key for batch in made for key, *_ in batch.places) == [3, 4, 7, 9, 20, 50]
    assert all(len(batch.places) == 1 or batch.ids.size <= 64 + 8 * 8 for batch in made)
    assert len(made) < len(trees)
