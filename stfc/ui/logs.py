"""*Logs de processamento*: what happened to one contract, step by step."""

import html
from collections.abc import Sequence

import streamlit as st

from stfc.domain import text
from stfc.services.ports import LogLine
from stfc.ui import labels
from stfc.ui.format import clock, elapsed, whole


def table(lines: Sequence[LogLine]) -> None:
    """The log as a table: time, level as a coloured word, step, sentence, duration."""
    head = "".join(f"<th scope='col'>{html.escape(name)}</th>" for name in labels.LOG_COLUMNS)
    body = "".join(_row(line) for line in lines)
    st.html(f'<table class="stfc-log"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def plain(lines: Sequence[LogLine]) -> str:
    """The log as text, a line a step, for a download."""
    return "".join(
        f"{clock(line.at, millis=True)}\t{text.LEVELS[line.level]}\t{text.STEPS[line.step]}\t"
        f"{text.log(line)}\t{elapsed(line.duration_ms) if line.duration_ms is not None else ''}\n"
        for line in lines
    )


def _row(line: LogLine) -> str:
    spent = elapsed(line.duration_ms) if line.duration_ms is not None else ""
    cells = (
        f"<td>{clock(line.at, millis=True)}</td>",
        f'<td class="{html.escape(line.level)}">{text.LEVELS[line.level]}</td>',
        f"<td>{html.escape(text.STEPS[line.step])}</td>",
        f"<td>{html.escape(whole(text.log(line)))}</td>",
        f"<td>{spent}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"
