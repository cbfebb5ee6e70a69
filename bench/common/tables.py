"""Rows of words as a table for a terminal and as Markdown. Python's standard library alone."""


def aligned(rows):
    """Lines whose columns are as wide as their longest word."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip() for row in rows]


def markdown_table(head, rows):
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
