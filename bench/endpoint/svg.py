"""A plot a block: a bar a row as long as its median, with whiskers from its least to its most. Python's standard library
alone.
"""

import math
import os
from xml.sax.saxutils import escape

from stats import short

WIDTH, LABELS, MARGIN, BAR, GAP, HEAD, FOOT = 900, 250, 90, 18, 10, 56, 52
COLOURS = {"millrace": "#1f6feb", "kernel": "#8c959f", "testpmd": "#2da44e"}
OUTSIDE_COLOUR = "#bf8700"


def nice_step(most, steps=5):
    """1, 2 or 5 times a power of ten, so that about `steps` of them reach `most`."""
    raw = most / steps
    power = 10 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)


def ticks(most):
    step = nice_step(most)
    return [step * i for i in range(math.ceil(most / step * 0.999) + 1)]


def words(x, y, content, anchor="start", size=12, weight="normal", fill="#24292f"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
            f'fill="{fill}">{escape(content)}</text>')


def line(x1, y1, x2, y2, colour):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def bar(row, cell, top, scale):
    """Label, bar, whiskers and figure of one row."""
    middle = top + BAR / 2
    colour = COLOURS.get(row["server"], OUTSIDE_COLOUR)
    parts = [words(LABELS - 8, middle + 4, f"{row['server']} / {row['link']} / {row['client']}", "end")]
    if cell is None:
        return parts + [words(LABELS + 6, middle + 4, "failed", fill="#cf222e")]
    low, high = (LABELS + scale * cell[end] for end in ("min", "max"))
    parts.append(f'<rect x="{LABELS}" y="{top:.1f}" width="{scale * cell["median"]:.1f}" height="{BAR}" fill="{colour}"/>')
    if cell["min"] != cell["max"]:
        parts += [line(low, middle, high, middle, "#24292f"),
                  *(line(x, middle - 5, x, middle + 5, "#24292f") for x in (low, high))]
    parts.append(words(max(high, LABELS + scale * cell["median"]) + 6, middle + 4, short(cell["median"])))
    return parts


def axis(most, scale, bottom):
    parts = []
    for value in ticks(most):
        x = LABELS + scale * value
        parts += [line(x, HEAD - 6, x, bottom, "#d0d7de"),
                  words(x, bottom + 16, short(value) if value else "0", "middle", 11, fill="#57606a")]
    return parts


def plot(block):
    """The SVG document of a block's first figure."""
    figure = block["figures"][0]
    drawn = [(row, row["figures"][figure["key"]]) for row in block["rows"]]
    most = max((cell["max"] for _, cell in drawn if cell), default=0) or 1
    scale = (WIDTH - LABELS - MARGIN) / ticks(most)[-1]
    bottom = HEAD + len(drawn) * (BAR + GAP)
    height = bottom + FOOT
    parts = [words(12, 24, block["title"], size=16, weight="bold"),
             words(12, 42, "server / link / client; bar: median, whiskers: least and most of the rounds", size=11,
                   fill="#57606a"),
             *axis(most, scale, bottom)]
    for number, (row, cell) in enumerate(drawn):
        parts += bar(row, cell, HEAD + number * (BAR + GAP), scale)
    parts.append(words(LABELS + (WIDTH - LABELS - MARGIN) / 2, bottom + 38, figure["title"], "middle", 12, "bold"))
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'font-family="sans-serif">\n<title>{escape(block["title"])}</title>\n'
            f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n')


def write(blocks, directory):
    os.makedirs(directory, exist_ok=True)
    for block in blocks:
        with open(os.path.join(directory, block["name"] + ".svg"), "w", encoding="utf-8") as file:
            file.write(plot(block))
