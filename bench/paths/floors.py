"""What every figure has to reach: recorded in floors.json, the worst of some seeds, with the slack of figures.py.

Python's standard library alone.
"""

import json

from figures import FIGURES


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def save(path, floors):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(floors, file, indent=1, sort_keys=True)
        file.write("\n")


def limit_of(figure, recorded):
    give = figure.slack + figure.share * abs(recorded)
    return recorded - give if figure.more_is_better else recorded + give


def shortfalls(kind, name, taken, recorded):
    """Sentences, one a figure that falls short; a figure that was never recorded cannot."""
    said = []
    for figure in FIGURES[kind]:
        if figure.key not in recorded:
            continue
        limit = limit_of(figure, recorded[figure.key])
        value = taken[figure.key]
        if value < limit if figure.more_is_better else value > limit:
            said.append(f"{name}: {figure.title}: {value:.4g}, recorded {recorded[figure.key]:.4g}, "
                        f"{'at least' if figure.more_is_better else 'at most'} {limit:.4g} is wanted")
    return said
