"""Medians with their extremes, and ratios round by round. Python's standard library alone."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float


def spread(values):
    """None without a value: a round in which a figure was not taken has None for it."""
    taken = [value for value in values if value is not None]
    return Spread(statistics.median(taken), min(taken), max(taken)) if taken else None


def ratios(values, base):
    """Of rounds in which both were taken: a ratio of two medians would hide what a noisy round did to both."""
    return spread([value / other for value, other in zip(values, base) if value is not None and other])


def short(value):
    """Three digits or so, as one reads them: 1.23 M, 45.6 k, 0.12. Whole numbers that are small stay whole."""
    if value is None:
        return "-"
    for limit, divisor, suffix in ((1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if abs(value) >= limit:
            value, unit = value / divisor, suffix
            break
    else:
        unit = ""
    digits = 0 if abs(value) >= 100 or isinstance(value, int) else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}{unit}"
