#!/usr/bin/env python3
"""Prints the numbers of Tests/StagesTests/Evaluate/JudgeStatisticsTests.swift: numpy alone, the fit by gradient descent."""

import numpy as np


def fit(outcomes, differences):
    y, d = np.array(outcomes, float), np.array(differences, float)
    d = d / np.sqrt(np.mean(d**2))
    a = b = 0.0
    for _ in range(200_000):
        p = 1 / (1 + np.exp(-(a + b * d)))
        a, b = a - 0.02 * np.sum(p - y), b - 0.02 * (np.sum((p - y) * d) + b)
    return 1 / (1 + np.exp(-a)), b


def kappa(first, second):
    values = sorted({*first, *second})
    table = np.zeros((len(values), len(values)))
    for one, other in zip(first, second):
        table[values.index(one), values.index(other)] += 1
    table /= table.sum()
    observed, expected = np.trace(table), table.sum(1) @ table.sum(0)
    return observed, (observed - expected) / (1 - expected)


cases = [
    ([1, 1, 0, 0.5, 1, 0, 1, 0.5], [12, 30, -8, 2, 25, -14, 3, -1]),
    ([1, 0, 1, 0, 0.5], [-10, 10, -3, 4, 1]),
    ([1, 1, 1, 0, 0, 0], [5, 6, 7, -5, -6, -7]),
    ([1, 0, 0, 0.5], [0, 0, 0, 0.1]),
]
for outcomes, differences in cases:
    rate, slope = fit(outcomes, differences)
    print(f"({outcomes}, {differences}, {rate:.10f}, {slope:.10f}),")
for first, second in [
    ([1, 1, 0, 0.5, 1, 0], [1, 0, 0, 0.5, 1, 0.5]),
    ([1, 0, 1, 0], [0, 1, 0, 1]),
    ([1, 1, 0, 0], [1, 0, 1, 0]),
]:
    print((first, second, *(float(f"{value:.10f}") for value in kappa(first, second))))
