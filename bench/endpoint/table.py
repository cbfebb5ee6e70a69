"""The report as text for a terminal and as Markdown. Python's standard library alone."""

from machine import sentence
from stats import short
from tables import aligned, markdown_table


def spread_text(cell):
    if cell is None:
        return "-"
    if cell["min"] == cell["max"]:
        return short(cell["median"])
    return f"{short(cell['median'])} ({short(cell['min'])} to {short(cell['max'])})"


def median_text(cell):
    return short(cell and cell["median"])


def header(block):
    main, *others = [figure["title"] for figure in block["figures"]]
    return ["server", "link", "client", main, "ratio", *others]


def ratio_text(ratio, notes):
    """With a letter for what it is a ratio to, as several can occur in one block."""
    if ratio is None:
        return "-"
    letter = notes.setdefault(ratio["to"], "abcdefghij"[min(len(notes), 9)])
    return f"x {spread_text(ratio)} {letter}"


def cells(block, shown):
    """(rows of words, {what a ratio is to: its letter}); `shown` makes words of a figure beside the first."""
    notes = {}
    main, *others = [figure["key"] for figure in block["figures"]]
    rows = []
    for row in block["rows"]:
        figures = row["figures"]
        rows.append([row["server"], row["link"], row["client"], spread_text(figures[main]),
                     ratio_text(row["ratio"], notes), *(shown(figures[key]) for key in others)])
    return rows, notes


def footnotes(block, notes):
    said = [f"{letter}: ratio to {to}" for to, letter in notes.items()]
    for row in block["rows"]:
        said += [f"{row['server']}, {row['link']}, {row['client']}: {remark}" for remark in row["remarks"]]
    return said


def text_block(block):
    """Extremes of the first figure alone: a line has to fit a terminal."""
    rows, notes = cells(block, median_text)
    return "\n".join([f"{block['title']} ({block['name']})", *("  " + line for line in aligned([header(block), *rows])),
                      *("  " + note for note in footnotes(block, notes))])


def markdown_block(block):
    rows, notes = cells(block, spread_text)
    table = markdown_table(header(block), rows)
    said = [f"- {note}" for note in footnotes(block, notes)]
    return "\n".join([f"### {block['title']} (`{block['name']}`)", "", *table, *([""] if said else []), *said])


def preamble(report):
    settings = report["settings"]
    return [f"Median (min to max) of {settings['rounds']} round{'s' if settings['rounds'] > 1 else ''} of "
            f"{settings['seconds']:g} s each, interleaved; "
            f"server on CPU {settings['cpus'][0]}, client on CPU {settings['cpus'][1]}, nice {settings['nice']}.",
            sentence(report["machine"]) + ".", *(f"Warning: {warning}." for warning in report["warnings"])]


def text(report):
    return "\n\n".join(["\n".join(preamble(report)), *(text_block(block) for block in report["blocks"])]) + "\n"


def markdown(report):
    return "\n\n".join([*preamble(report), *(markdown_block(block) for block in report["blocks"])]) + "\n"
