"""Least squares without negative coefficients, for costs that nothing lowers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_TOLERANCE = 1e-10
_ROUNDS_PER_COLUMN = 10


def non_negative_least_squares(matrix: FloatArray, values: FloatArray) -> FloatArray:
    """The x ≥ 0 for which ‖matrix · x − values‖ is least: Lawson and Hanson 1974, chapter 23.

    Args:
        matrix: (rows, columns).
        values: (rows,).

    Raises:
        ValueError: if a number is not finite.
        ArithmeticError: if the rounds do not end, which rounding could do at worst.
    """
    if not (np.isfinite(matrix).all() and np.isfinite(values).all()):
        raise ValueError("least squares of numbers that are not finite")
    columns = matrix.shape[1]
    norms = np.linalg.norm(matrix, axis=0)
    # Columns of one length: what is large in one unit is no more important for it.
    scaled = matrix / np.where(norms > 0, norms, 1.0)
    limit = _TOLERANCE * max(1.0, float(np.linalg.norm(values)))
    solution, free, barred = np.zeros(columns), np.zeros(columns, bool), np.zeros(columns, bool)
    for _ in range(_ROUNDS_PER_COLUMN * (columns + 1)):
        gradient = scaled.T @ (values - scaled @ solution)
        gradient[free | barred] = -np.inf
        entering = int(np.argmax(gradient)) if columns else 0
        if not columns or gradient[entering] <= limit:
            return solution / np.where(norms > 0, norms, 1.0)
        free[entering] = True
        solution = _moved(scaled, values, solution, free)
        # One that rounding sends back at once would come again for ever.
        barred = barred & ~free[entering]
        barred[entering] = not free[entering]
    raise ArithmeticError("non-negative least squares did not end")


def _moved(
    matrix: FloatArray, values: FloatArray, solution: FloatArray, free: npt.NDArray[np.bool_]
) -> FloatArray:
    """To the best solution over the free columns; those that would pass zero stop being free."""
    while True:
        best = np.zeros_like(solution)
        best[free] = np.linalg.lstsq(matrix[:, free], values, rcond=None)[0]
        below = free & (best <= 0)
        if not below.any():
            return best
        share = float(np.min(solution[below] / (solution[below] - best[below])))
        solution = solution + share * (best - solution)
        free &= solution > _TOLERANCE
        solution = np.where(free, solution, 0.0)
