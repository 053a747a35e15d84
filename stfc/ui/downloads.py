"""Downloads of many rows: begun on a click, shown with their progress, taken by a link or let go.

A page that offers one (``tables.Grid.show`` does) calls ``show`` in each run: the file is this session's alone, and is
there again when the reader comes back to the page. It goes with the tab (``services.downloads``).
"""

import html
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import quote

import streamlit as st

from stfc.services.downloads import Download, DownloadState
from stfc.services.ports import SHEET_ROWS, ExportFormat, TableSource
from stfc.ui import format as fmt
from stfc.ui import labels, session, states

AT_ONCE: Final = 5_000
"""Rows up to which a file is made while the reader waits for the click."""
PATH: Final = "api/exports"
_EVERY: Final = 0.5


def popover_key(key: str) -> str:
    """The key of the table's *Baixar*: a new one, so a closed one, after each begin."""
    return f"{key}_download_{st.session_state.get(_slot(key) + '_version', 0)}"


def button(key: str, words: str, form: ExportFormat, make: Callable[[], TableSource], rows: int) -> None:
    """Begins the file of the table ``key``; a sentence in its place where no spreadsheet holds the rows.

    ``make`` gives the rows; it is called in the file's own thread.
    """
    offer(f"{key}_export_{form}", words, form, rows, begin, (key, form, make, rows))


def offer(key: str, words: str, form: ExportFormat, rows: int, act: Callable[..., None], args: tuple[Any, ...]) -> None:
    """The button ``key`` of a form, which calls ``act``; off, with the reason, where no spreadsheet holds the rows."""
    is_full = form is ExportFormat.XLSX and rows > SHEET_ROWS
    st.button(words, key=key, type="tertiary", disabled=is_full, on_click=act, args=args)
    if is_full:
        st.caption(labels.SHEET_FULL.format(most=fmt.count(SHEET_ROWS), rows=fmt.count(rows)))


def begin(key: str, form: ExportFormat, make: Callable[[], TableSource], rows: int) -> None:
    """Begin the file of the table ``key`` in place of the one that it had; ``make`` and ``rows`` as ``button``."""
    _end(key)
    st.session_state[_slot(key)] = session.application().downloads.start(
        key, make, form, total=rows, is_wanted=session.presence()
    )
    fold(key)


def begin_bundle(key: str, name: str, make: Callable[[], Sequence[TableSource]], rows: int) -> None:
    """Begin the file ``name`` of several tables as CSV in a ZIP, in place of the one that ``key`` had; ``rows`` are the
    first table's."""
    _end(key)
    st.session_state[_slot(key)] = session.application().downloads.start_bundle(
        name, make, ExportFormat.CSV, total=rows, is_wanted=session.presence()
    )


def fold(key: str) -> None:
    """Close the table's *Baixar*."""
    st.session_state[_slot(key) + "_version"] = st.session_state.get(_slot(key) + "_version", 0) + 1


def show(key: str) -> None:
    """The table's file, if one is on its way or ready; refreshes itself while it is written."""
    download = _current(key)
    if download is None:
        return
    is_writing = download.state is DownloadState.WRITING
    st.fragment(_draw, run_every=_EVERY if is_writing else None)(key, is_writing)


def _draw(key: str, was_writing: bool) -> None:
    download = _current(key)
    if download is None or was_writing is not (download.state is DownloadState.WRITING):
        # What follows does not refresh itself, so the page has to be told.
        st.rerun()
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"stfc_export_{key}"):
        match download.state:
            case DownloadState.WRITING:
                st.progress(min(1.0, download.rows / max(1, download.total)), _said(download))
                words = labels.CANCEL
            case DownloadState.READY:
                st.markdown(_said(download), width="stretch")
                st.html(_link(download), width="content")
                words = labels.DOWNLOAD_DISCARD
            case _:
                st.markdown(f":red[{_said(download)}]", width="stretch")
                words = labels.DOWNLOAD_DISCARD
        st.button(words, key=f"{key}_export_end", on_click=_end, args=(key,))


def _said(download: Download) -> str:
    total = fmt.counted(download.total, *labels.DOWNLOAD_ROWS)
    name = fmt.plain(download.file_name)
    match download.state:
        case DownloadState.WRITING:
            return labels.DOWNLOAD_WRITING.format(file=name, done=fmt.count(download.rows), total=total)
        case DownloadState.READY:
            if download.is_bundle:
                total = fmt.counted(download.rows, *labels.CHARGE_NOUN)
            return labels.DOWNLOAD_READY.format(file=name, total=total, size=fmt.size(download.size))
        case _:
            cause = fmt.plain(states.sentence(download.error)) if download.error else labels.DOWNLOAD_DEFECT
            return labels.DOWNLOAD_FAILED.format(file=name, cause=cause)


def _link(download: Download) -> str:
    name = download.file_name
    words = html.escape(labels.DOWNLOAD_TAKE.format(file=name))
    return f'<a class="stfc-take" href="{PATH}/{quote(download.token)}" download="{html.escape(name)}">{words}</a>'


def _end(key: str) -> None:
    with suppress(KeyError):
        cast(Download, st.session_state.pop(_slot(key))).discard()


def _current(key: str) -> Download | None:
    download = cast(Download | None, st.session_state.get(_slot(key)))
    return None if download is None or download.state is DownloadState.GONE else download


def _slot(key: str) -> str:
    return f"stfc_download_{key}"
