"""Draws measured costs beside the growth of the arithmetic that is needed, on logarithmic axes, as SVG."""

import math

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 300, 220, 56, 34, 44, 36


def draw(panels):
    """`panels`: title, name of the horizontal axis, and (value, cost) points with `time` and `work` a token."""
    total = len(panels) * (LEFT + WIDTH) + (len(panels) - 1) * GAP + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{TOP + HEIGHT + BOTTOM}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for index, (title, name, points) in enumerate(panels):
        parts += panel(LEFT + index * (LEFT + WIDTH + GAP), title, name, points)
    return "\n".join(parts + ["</svg>"]) + "\n"


def panel(left, title, name, points):
    values = [value for value, _ in points]
    first = points[0][1]
    measured = [cost.time for _, cost in points]
    expected = [first.time * cost.work / first.work for _, cost in points]
    low, high = min(measured + expected) / 1.3, max(measured + expected) * 1.3
    x = lambda value: left + WIDTH * position(value, values[0] / 1.2, values[-1] * 1.2)
    y = lambda value: TOP + HEIGHT * (1 - position(value, low, high))
    parts = [
        f'<text x="{left}" y="{TOP - 14}" font-weight="bold">a token of a DPO step, {title}</text>',
        f'<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#888"/>',
        f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 36}" text-anchor="middle">{name}</text>',
        f'<text transform="translate({left - 42} {TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">µs</text>',
    ]
    for value in values:
        parts.append(f'<text x="{x(value):.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{value}</text>')
    for tick in ticks(low, high):
        parts.append(f'<path d="M{left} {y(tick):.1f}h{WIDTH}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts.append(line([(x(v), y(e)) for v, e in zip(values, expected)], 'stroke="#888" stroke-dasharray="5 4"'))
    parts.append(line([(x(v), y(m)) for v, m in zip(values, measured)], 'stroke="#0a5fb4" stroke-width="2"'))
    parts += [f'<circle cx="{x(v):.1f}" cy="{y(m):.1f}" r="3.5" fill="#0a5fb4"/>' for v, m in zip(values, measured)]
    parts.append(f'<text x="{left + 12}" y="{TOP + 20}" fill="#0a5fb4">measured</text>')
    parts.append(f'<text x="{left + 12}" y="{TOP + 36}" fill="#666">the arithmetic\'s growth (dashed)</text>')
    return parts


def position(value, low, high):
    return math.log(value / low) / math.log(high / low)


def ticks(low, high):
    """1, 2 and 5 times the powers of ten between the bounds; every whole number of times where they are near each other."""
    steps = (1, 2, 5) if high > 5 * low else range(1, 10)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for power in powers for step in steps if low <= (tick := step * 10**power) <= high]


def line(points, style):
    return f'<path d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in points)}" fill="none" {style}/>'
