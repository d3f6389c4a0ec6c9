"""Least squares with coefficients that are never negative, for a handful of unknowns."""

import itertools
from collections.abc import Sequence

MAX_UNKNOWNS = 8


def non_negative_least_squares(
    rows: Sequence[Sequence[float]], values: Sequence[float]
) -> list[float]:
    """The x >= 0 for which rows · x comes closest to values.

    At the optimum some coefficients are 0 and the others solve the ordinary problem (Lawson and
    Hanson, "Solving Least Squares Problems", 1974, chapter 23); of so few unknowns every choice is
    tried, which is exact and needs no library. A column without any evidence gets 0.

    Raises ValueError: no rows, rows of different lengths, or more than `MAX_UNKNOWNS` unknowns.
    """
    count = len(rows[0]) if rows else 0
    if not 0 < count <= MAX_UNKNOWNS or len(rows) != len(values):
        raise ValueError(f"needs rows of 1 to {MAX_UNKNOWNS} unknowns, as many as values")
    if any(len(row) != count for row in rows):
        raise ValueError("the rows differ in length")
    scales = [max(abs(row[place]) for row in rows) or 1.0 for place in range(count)]
    scaled = [[value / scale for value, scale in zip(row, scales, strict=True)] for row in rows]
    best, best_error = [0.0] * count, sum(value * value for value in values)
    for size in range(1, count + 1):
        for chosen in itertools.combinations(range(count), size):
            found = _solve([[row[place] for place in chosen] for row in scaled], values)
            if found is None or min(found) < 0:
                continue
            x = [0.0] * count
            for place, value in zip(chosen, found, strict=True):
                x[place] = value
            error = sum(
                (sum(a * b for a, b in zip(row, x, strict=True)) - value) ** 2
                for row, value in zip(scaled, values, strict=True)
            )
            if error < best_error:
                best, best_error = x, error
    return [value / scale for value, scale in zip(best, scales, strict=True)]


def _solve(rows: Sequence[Sequence[float]], values: Sequence[float]) -> list[float] | None:
    """The ordinary least squares by the normal equations; None where columns depend on each other."""
    size = len(rows[0])
    matrix = [
        [sum(row[i] * row[j] for row in rows) for j in range(size)]
        + [sum(row[i] * value for row, value in zip(rows, values, strict=True))]
        for i in range(size)
    ]
    largest = max(abs(matrix[i][i]) for i in range(size))
    for column in range(size):
        pivot = max(range(column, size), key=lambda place: abs(matrix[place][column]))
        if abs(matrix[pivot][column]) <= 1e-10 * largest:
            return None
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        for place in range(size):
            if place != column:
                factor = matrix[place][column] / matrix[column][column]
                for other in range(column, size + 1):
                    matrix[place][other] -= factor * matrix[column][other]
    return [matrix[place][size] / matrix[place][place] for place in range(size)]
