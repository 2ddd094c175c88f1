"""Straight lines through what clocks show: robust against outliers, or from below."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Line = tuple[float, float]
"""Value at the middle of the points, slope."""

STEEPEST = 1e-3
"""No two clocks drift apart faster (1000 ppm; crystals do 20 to 100, the worst 500)."""

HALF_WINDOW_S = 150.0
"""Lines are drawn for five minutes at a time: a minute of slow network bends none."""

KNOT_S = 10.0
_PRIOR_SLOPE = 300e-6
_NOISE_S = 0.01
_ROUNDS = 5
_TINY_S = 1e-4


def through(time_s: Floats, value: Floats, at_s: Floats) -> Floats:
    """Return at `at_s` what noisy points say, outliers among them: a robust line through five minutes around.

    `time_s` rises. A few points make a level line rather than one that follows their noise.
    """
    return _by_knots(time_s, value, at_s, robust_line)


def below(time_s: Floats, value: Floats, at_s: Floats) -> Floats:
    """Return at `at_s` the line below all points of five minutes around that is nearest to them. `time_s` rises."""
    return _by_knots(time_s, value, at_s, lower_line)


def _by_knots(time_s: Floats, value: Floats, at_s: Floats, draw: Callable[[Floats, Floats], Line]) -> Floats:
    first, last = float(at_s.min()), float(at_s.max())
    knots = np.linspace(first, last, 1 + max(1, round((last - first) / KNOT_S)))
    heights = np.empty(len(knots))
    for index, knot in enumerate(knots.tolist()):
        begin, end = np.searchsorted(time_s, (knot - HALF_WINDOW_S, knot + HALF_WINDOW_S))
        if begin == end:
            nearest = min(len(time_s) - 1, int(begin))
            begin, end = nearest, nearest + 1
        times = time_s[begin:end]
        height, slope = draw(times, value[begin:end])
        heights[index] = height + slope * (knot - float(times.mean()))
    return np.interp(at_s, knots, heights)


def robust_line(time_s: Floats, value: Floats) -> Line:
    """Return the line through points of which some are wrong.

    Source: iteratively reweighted least squares with Cauchy weights, from the median; ridge on the slope.
    """
    x = time_s - time_s.mean()
    height, slope = float(np.median(value)), 0.0
    ridge = (_NOISE_S / _PRIOR_SLOPE) ** 2
    for _ in range(_ROUNDS):
        off = value - height - slope * x
        scale = max(_TINY_S, 2.0 * float(np.median(np.abs(off))))
        weight = 1.0 / (1.0 + (off / scale) ** 2)
        total = float(weight.sum())
        middle_x, middle = float(weight @ x) / total, float(weight @ value) / total
        apart = x - middle_x
        slope = float((weight * apart) @ (value - middle)) / (float((weight * apart) @ apart) + ridge)
        slope = min(STEEPEST, max(-STEEPEST, slope))
        height = middle - slope * middle_x
    return height, slope


def lower_line(time_s: Floats, value: Floats) -> Line:
    """Return the line below all points with the least sum of distances to them.

    It is the edge of their lower hull above their mean time, no steeper than clocks drift.

    Source: the linear programming estimate of skew, Moon, Skelly and Towsley 1999.
    """
    x = time_s - time_s.mean()
    slope = min(STEEPEST, max(-STEEPEST, _edge_slope(x.tolist(), value.tolist())))
    return float((value - slope * x).min()), slope


def _edge_slope(x: list[float], y: list[float]) -> float:
    """Return the slope of the lower hull at 0, the mean of `x`."""
    hull: list[int] = []
    for index in range(len(x)):
        while len(hull) >= 2 and _is_above(x, y, hull[-2], hull[-1], index):
            hull.pop()
        hull.append(index)
    for left, right in pairwise(hull):
        if x[right] >= 0 and x[right] > x[left]:
            return (y[right] - y[left]) / (x[right] - x[left])
    return 0.0


def _is_above(x: list[float], y: list[float], left: int, middle: int, right: int) -> bool:
    """Say whether the middle point lies on or above the line from left to right."""
    return (y[middle] - y[left]) * (x[right] - x[left]) >= (y[right] - y[left]) * (x[middle] - x[left])
