"""Text in a given number of columns of the terminal: shortened in its middle, or folded."""

from __future__ import annotations

from agent.cli.output import cell_width


def cut_in_middle(text: str, columns: int) -> str:
    """``text`` in at most ``columns`` columns, ``…`` in place of what was in its middle.

    ``Register kitchen-sen…north in ThingsBoard``: how a title begins and ends says what it is.
    """
    if cell_width(text) <= columns:
        return text
    middle = len(text) // 2
    begin, end = text[:middle], text[middle:]
    while (begin or end) and cell_width(begin) + cell_width(end) >= columns:
        if cell_width(begin) > cell_width(end):
            begin = begin[:-1]
        else:
            end = end[1:]
    return f"{begin}…{end}" if columns > 0 else ""


def folded(text: str, columns: int) -> list[str]:
    """``text`` in lines of at most ``columns`` columns, between words; a longer word stays whole."""
    lines: list[str] = []
    for word in text.split():
        if lines and cell_width(f"{lines[-1]} {word}") <= columns:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines or [""]
