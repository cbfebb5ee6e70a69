"""The result as tables, for a terminal and as Markdown, and as plots. Python's standard library alone.

result: machine, settings, warnings, controllers, cells [{kind, name, rate, rtt_us, weather, flows, figures, seeds}], shortfalls
"""

import os

import cells
from drawing import PALE, box, document, words
from figures import FIGURES, PATH
from machine import sentence
from tables import aligned, markdown_table

CELL_W, CELL_H, LABELS, HEAD, GAP = 86, 22, 150, 74, 34
SHADES = ("#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#084594")


def shown(figure, value):
    return "-" if value is None else f"{value:.{figure.digits}f}"


def path_name(rate, rtt_us):
    return f"{cells.rate_text(rate)}, {rtt_us / 1000:g} ms"


def grid(result, controller, figure):
    """{(rate, rtt): {weather: value}} of one controller, in the order of the cells."""
    rows = {}
    for cell in result["cells"]:
        if cell["kind"] == "path" and cell["flows"] == [controller]:
            rows.setdefault((cell["rate"], cell["rtt_us"]), {})[cell["weather"]] = cell["figures"][figure.key]
    return rows


def weathers(rows):
    return [weather.name for weather in cells.WEATHERS if any(weather.name in row for row in rows.values())]


def grid_words(result, controller, figure):
    rows = grid(result, controller, figure)
    names = weathers(rows)
    return (["path", *names],
            [[path_name(*place), *(shown(figure, row.get(name)) for name in names)] for place, row in sorted(rows.items())])


def list_words(result, kind):
    """Cells that are no grid: a row each."""
    head = ["flows and path", *(figure.title for figure in FIGURES[kind])]
    return head, [[cell["name"], *(shown(figure, cell["figures"][figure.key]) for figure in FIGURES[kind])]
                  for cell in result["cells"] if cell["kind"] == kind]


TITLES = {"share": "Flows that share a bottleneck", "outage": "After an outage of both directions"}


def blocks(result):
    """[(title, head, rows)]"""
    made = [(f"{controller}: {figure.title}", *grid_words(result, controller, figure))
            for controller in result["controllers"] for figure in PATH]
    made += [(title, *list_words(result, kind)) for kind, title in TITLES.items()]
    return [block for block in made if block[2]]


def preamble(result):
    settings = result["settings"]
    return [f"{'Quick form' if settings['quick'] else 'Full form'}; virtual time; median of {len(settings['seeds'])} "
            f"seed{'s' if len(settings['seeds']) > 1 else ''}; {sentence(result['machine'])}.",
            *(f"Short of its floor: {said}." for said in result["shortfalls"])]


def text(result):
    parts = ["\n".join([title, *("  " + line for line in aligned([head, *rows]))]) for title, head, rows in blocks(result)]
    return "\n\n".join([*preamble(result), *parts]) + "\n"


def markdown(result):
    parts = ["\n".join([f"### {title}", "", *markdown_table(head, rows)]) for title, head, rows in blocks(result)]
    return "\n\n".join([*preamble(result), *parts]) + "\n"


def shade(value, most):
    """(of the box, of the words in it)"""
    level = min(len(SHADES) - 1, int(len(SHADES) * value / most)) if most > 0 else 0
    return SHADES[level], "#ffffff" if level >= 5 else "#24292f"


def panel(rows, names, figure, most, left):
    """A heat map: a row a path, a column for what is wrong with it."""
    parts = [words(left + CELL_W * (i + 0.5), HEAD - 8, name, "middle", 10, fill=PALE) for i, name in enumerate(names)]
    for down, (_, row) in enumerate(sorted(rows.items())):
        for across, name in enumerate(names):
            value = row.get(name)
            if value is None:
                continue
            fill, ink = shade(value, most)
            x, y = left + CELL_W * across, HEAD + CELL_H * down
            parts += [box(x, y, CELL_W - 1, CELL_H - 1, fill),
                      words(x + CELL_W / 2, y + 15, shown(figure, value), "middle", 11, fill=ink)]
    return parts


def plot(result, figure):
    """The SVG document of one figure, a panel a controller."""
    grids = {controller: grid(result, controller, figure) for controller in result["controllers"]}
    grids = {controller: rows for controller, rows in grids.items() if rows}
    names = weathers({place: row for rows in grids.values() for place, row in rows.items()} if len(grids) == 1 else
                     {(controller, place): row for controller, rows in grids.items() for place, row in rows.items()})
    values = [value for rows in grids.values() for row in rows.values() for value in row.values()]
    most = 100.0 if figure.key in ("goodput", "theory", "start") else max(values, default=0)
    places = sorted({place for rows in grids.values() for place in rows})
    parts = [words(12, 24, figure.title, size=16, weight="bold")]
    parts += [words(LABELS - 8, HEAD + CELL_H * i + 15, path_name(*place), "end", 11) for i, place in enumerate(places)]
    for number, (controller, rows) in enumerate(grids.items()):
        left = LABELS + number * (CELL_W * len(names) + GAP)
        parts += [words(left, HEAD - 24, controller, weight="bold"), *panel(rows, names, figure, most, left)]
    width = LABELS + len(grids) * (CELL_W * len(names) + GAP)
    return document(figure.title, parts, width, HEAD + CELL_H * len(places) + 16)


def write_plots(result, directory):
    os.makedirs(directory, exist_ok=True)
    for figure in PATH:
        with open(os.path.join(directory, figure.key + ".svg"), "w", encoding="utf-8") as file:
            file.write(plot(result, figure))
