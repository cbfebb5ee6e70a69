"""The result as plain data, which table.py, svg.py and --json show. Python's standard library alone.

report: machine (machine.describe), settings, warnings, interrupted, blocks
block: name, title, figures [{key, title}], rows
row: server, link, client, figures {key: {median, min, max, rounds}}, ratio {to, median, min, max} or None, remarks
"""

from measures import baseline
from scene import BenchError
from stats import ratios, spread


def values(results, key):
    """A round that failed has None."""
    return [None if isinstance(result, BenchError) else result.get(key) for result in results]


def figure_of(results, key):
    rounds = values(results, key)
    found = spread(rounds)
    return found and {"median": found.median, "min": found.low, "max": found.high, "rounds": rounds}


def remarks_of(results):
    said = []
    for number, result in enumerate(results, 1):
        sentences = [f"failed: {result}"] if isinstance(result, BenchError) else result.remarks
        said += [f"round {number}: {sentence}" for sentence in sentences]
    return said


def ratio_of(measure, pair, rows, taken, outside):
    base = baseline(pair, rows, outside)
    if base is None:
        return None
    key = measure.figures[0].key
    found = ratios(values(taken[measure.name, pair], key), values(taken[measure.name, base], key))
    return found and {"to": str(base), "median": found.median, "min": found.low, "max": found.high}


def block_of(measure, pairs, taken, outside):
    rows = [pair for pair in pairs if taken.get((measure.name, pair))]
    return {
        "name": measure.name,
        "title": measure.title,
        "figures": [{"key": figure.key, "title": figure.title} for figure in measure.figures],
        "rows": [{
            "server": pair.server, "link": pair.link, "client": pair.client,
            "figures": {figure.key: figure_of(taken[measure.name, pair], figure.key) for figure in measure.figures},
            "ratio": ratio_of(measure, pair, rows, taken, outside),
            "remarks": remarks_of(taken[measure.name, pair]),
        } for pair in rows],
    }


def build(pairs, measures, taken, outside=()):
    """Rows without a round, and blocks without rows, are left out."""
    blocks = [block_of(measure, pairs, taken, outside) for measure in measures]
    return [block for block in blocks if block["rows"]]


def failures(blocks):
    return [(block["name"], row) for block in blocks for row in block["rows"]
            if any("failed:" in remark for remark in row["remarks"])]
