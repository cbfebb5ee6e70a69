"""A plot a block: a bar a row as long as its median, with whiskers from its least to its most. Python's standard library
alone.
"""

import os

from drawing import GRID, INK, PALE, box, document, line, ticks, words
from stats import short

WIDTH, LABELS, MARGIN, BAR, GAP, HEAD, FOOT = 900, 250, 90, 18, 10, 56, 52
COLOURS = {"millrace": "#1f6feb", "kernel": "#8c959f", "testpmd": "#2da44e"}
OUTSIDE_COLOUR = "#bf8700"


def bar(row, cell, top, scale):
    """Label, bar, whiskers and figure of one row."""
    middle = top + BAR / 2
    colour = COLOURS.get(row["server"], OUTSIDE_COLOUR)
    parts = [words(LABELS - 8, middle + 4, f"{row['server']} / {row['link']} / {row['client']}", "end")]
    if cell is None:
        return parts + [words(LABELS + 6, middle + 4, "failed", fill="#cf222e")]
    low, high = (LABELS + scale * cell[end] for end in ("min", "max"))
    parts.append(box(LABELS, top, scale * cell["median"], BAR, colour))
    if cell["min"] != cell["max"]:
        parts += [line(low, middle, high, middle, INK),
                  *(line(x, middle - 5, x, middle + 5, INK) for x in (low, high))]
    parts.append(words(max(high, LABELS + scale * cell["median"]) + 6, middle + 4, short(cell["median"])))
    return parts


def axis(most, scale, bottom):
    parts = []
    for value in ticks(most):
        x = LABELS + scale * value
        parts += [line(x, HEAD - 6, x, bottom, GRID),
                  words(x, bottom + 16, short(value) if value else "0", "middle", 11, fill=PALE)]
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
                   fill=PALE),
             *axis(most, scale, bottom)]
    for number, (row, cell) in enumerate(drawn):
        parts += bar(row, cell, HEAD + number * (BAR + GAP), scale)
    parts.append(words(LABELS + (WIDTH - LABELS - MARGIN) / 2, bottom + 38, figure["title"], "middle", 12, "bold"))
    return document(block["title"], parts, WIDTH, height)


def write(blocks, directory):
    os.makedirs(directory, exist_ok=True)
    for block in blocks:
        with open(os.path.join(directory, block["name"] + ".svg"), "w", encoding="utf-8") as file:
            file.write(plot(block))
