"""Tables: the big one over a server-side page, the small one for a handful of rows, and *Baixar*.

The big table, on a page::

    GRID = tables.Grid(
        "contracts",
        id="contract",
        noun=("contrato", "contratos"),
        columns=(
            Column("contract", "Contrato", 76, opens=True),
            Column("customer", "Cliente", 206),
            Column("lines", "Linhas", 60, unit="count"),
            Column("status", "Status", 144, words=labels.STATUSES, normal="normal"),
            Column("last_amount", "Última cobrança", 146, unit="money"),
        ),
    )
    window = GRID.window()                      # order, offset, limit: from the address
    found = view.contracts(chosen.into(ContractQuery, **window.asked()))
    everything = chosen.into(ContractQuery, limit=None)
    GRID.show(found, chosen, on_open=open_contract, export=lambda: view.contracts(everything).table)
"""

import hashlib
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from stfc.services.ports import ExportFormat, Page, TableSource
from stfc.ui import downloads, labels, selection, session, states, url
from stfc.ui import format as fmt
from stfc.ui.filters import PAGE_PARAMETER, Chosen
from stfc.ui.style import badge, palette

PAGE_ROWS: Final = 100
SORT_PARAMETER: Final = "ordem"
_HEADER, _ROW, _BORDER = 34, 32, 2
# A laptop's window, for which every table's ``visible`` rows leave room for what stands around it.
_USUAL: Final = 768
_WIDE: Final = 1151
_CLEAR = "#ffffff00"
_PAGE_BUTTONS, _PAGE_BUTTON = 5, 34
Export = Callable[[], pa.Table | Iterable[pa.Table]]
"""Gives a download's rows, whole or some at a time, under the columns' names; may be called from any thread."""
Unit = Literal["text", "count", "money", "micros", "day", "moment", "seconds", "phone"]
_RIGHT: Final = frozenset({"count", "money", "micros", "seconds"})
_SHOW: Final[Mapping[str, Callable[[Any], str]]] = {
    "count": fmt.count,
    "money": fmt.money,
    "micros": fmt.money_of_micros,
    "day": fmt.day,
    "moment": fmt.moment,
    "seconds": fmt.duration,
    "phone": fmt.phone,
}


@dataclass(frozen=True)
class Column:
    """A column: ``name`` in the data, ``label`` on the screen, ``width`` in pixels (all add up to 1,078 at 1366).

    Args:
        unit: how a value is written, and its type in a download (money in centavos, micros in 1e-6 real).
        show: another way to write it; gets the value.
        words: for a state or a list of states: code to words, exceptions coloured (``states.TONES``).
        normal: codes of ``words`` that are not coloured, parted by blanks.
        opens: the cell is a button that opens the row's detail.
        pinned: stays visible when scrolled sideways.
        sortable: whether a click on the header orders by it, on the server.
        exported: whether a download has it.
        shown: whether the grid has it; a column for the download alone has not.
    """

    name: str
    label: str
    width: int
    unit: Unit = "text"
    show: Callable[[Any], str] | None = None
    words: Mapping[str, str] | None = None
    normal: str = ""
    opens: bool = False
    pinned: bool = False
    right: bool | None = None
    sortable: bool = True
    exported: bool = True
    shown: bool = True
    help: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether its cells stand at the right."""
        return self.unit in _RIGHT if self.right is None else self.right

    def write(self, value: Any) -> Any:
        """The cell as the grid gets it: text, or a list of words for states."""
        if self.words is not None:
            codes = value if isinstance(value, list) else [] if value is None else [value]
            return [self.words.get(code, code) for code in codes]
        if self.show:
            return self.show(value)
        if value is None:
            return "" if self.unit == "text" else fmt.NOTHING
        return _SHOW[self.unit](value) if self.unit in _SHOW else str(value)


@dataclass(frozen=True)
class Window:
    """The part that is shown, as the read model's queries say it; see ``asked``."""

    sort: str
    descending: bool
    offset: int
    limit: int

    def asked(self) -> dict[str, Any]:
        """The fields of a query value."""
        return {"sort": self.sort, "descending": self.descending, "offset": self.offset, "limit": self.limit}


class Grid:
    """A big table with server-side pages and order, kept in the address. Declare it once, at module level."""

    def __init__(
        self,
        key: str,
        *,
        id: str,
        noun: tuple[str, str],
        columns: Sequence[Column],
        sort: str,
        descending: bool = False,
        rows: int = PAGE_ROWS,
        visible: int = 16,
        alt: str | None = None,
    ) -> None:
        self._key = key
        self._id = id
        self._noun = noun
        self.columns = tuple(columns)
        self._sort = sort
        self._descending = descending
        self._rows = rows
        self._visible = visible
        self._alt = alt or noun[1].capitalize()

    # --- Where the reader is

    def window(self) -> Window:
        """Order and page of the address; what it does not know counts as the first."""
        wanted = url.get(SORT_PARAMETER)
        known = {column.name for column in self.columns if column.sortable}
        offset = (self._page() - 1) * self._rows
        if wanted.removeprefix("-") in known:
            return Window(wanted.removeprefix("-"), wanted.startswith("-"), offset, self._rows)
        return Window(self._sort, self._descending, offset, self._rows)

    def _page(self) -> int:
        text = url.get(PAGE_PARAMETER)
        return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 8 else 1

    # --- What is chosen

    def selected(self) -> selection.Ids:
        """The ids that are chosen, over all pages and filters."""
        chosen: selection.Ids = st.session_state.get(f"{self._key}_selected", frozenset())
        return chosen

    def select(self, ids: selection.Ids) -> None:
        """Choose exactly ``ids``; the grid is drawn anew with them."""
        st.session_state[f"{self._key}_selected"] = frozenset(ids)
        st.session_state[f"{self._key}_version"] = st.session_state.get(f"{self._key}_version", 0) + 1

    # --- Drawing

    def show(
        self,
        found: Page,
        chosen: Chosen | None = None,
        *,
        selects: bool = False,
        on_open: Callable[[str], None] | None = None,
        export: Export | None = None,
        tools: Callable[[], None] | None = None,
    ) -> None:
        """Draw the page of rows and, below, the count, the tools, the pages and *Baixar*.

        Args:
            found: the page that ``window`` asked for.
            chosen: the filter, whose digest keeps positions apart from other filters.
            selects: whether rows can be marked; see ``selected``.
            on_open: called with the row's id; for the column with ``opens``.
            export: gives the whole filter's rows, asked for only on a click.
            tools: draws more into the foot, left of the pages.
        """
        window = self.window()
        ids = [str(key) for key in found.table.column(self._id).to_pylist()]
        self._draw_grid(found.table, ids, window, chosen, selects, on_open)
        self._draw_foot(found, len(ids), tools, export)

    def _draw_grid(
        self,
        table: pa.Table,
        ids: list[str],
        window: Window,
        chosen: Chosen | None,
        selects: bool,
        on_open: Callable[[str], None] | None,
    ) -> None:
        # The key holds all that decides which row stands where: positions never outlive their rows.
        version = st.session_state.get(f"{self._key}_version", 0)
        placed = repr((chosen.digest if chosen else "", window, version, selects, ids))
        key = f"{self._key}_grid_{hashlib.blake2s(placed.encode(), digest_size=8).hexdigest()}"
        marked = selection.rows_of(self.selected(), ids) if selects else []
        config, data = self._configured(table, ids, window, on_open, key)
        with self._room(len(ids)):
            st.dataframe(
                data,
                key=key,
                height="stretch",
                row_height=_ROW,
                hide_index=True,
                column_config=config,
                on_select=partial(self._picked, key, ids, window),
                selection_mode=["multi-row", "single-column"] if selects else "single-column",
                selection_default={"selection": {"rows": marked, "columns": [], "cells": []}} if selects else None,
                lazy=False,
                alt=self._alt,
            )

    def _room(self, rows: int) -> DeltaGenerator:
        """As high as ``visible`` rows, and in a window higher than the usual one by as much more as there are rows."""
        least, whole = (_HEADER + _ROW * max(1, number) + _BORDER for number in (min(rows, self._visible), rows))
        grown = f"clamp({least}px, {least}px + 100vh - {_USUAL}px, {whole}px)"
        key = f"stfc_grid_{self._key}"
        place = f"[data-testid=stLayoutWrapper]:has(> .st-key-{key})"
        # Not in a narrow window: there something stands below the table, not beside it.
        wide = f"@media (min-width: {_WIDE}px) {{ {place} {{ height: {grown} !important; }} }}"
        st.html(f"<style>{place} {{ flex: none !important; }} {wide}</style>")
        return st.container(key=key, gap=None, height=least, border=False)

    def _configured(
        self,
        table: pa.Table,
        ids: list[str],
        window: Window,
        on_open: Callable[[str], None] | None,
        key: str,
    ) -> tuple[dict[str, Any], pa.Table]:
        config: dict[str, Any] = {}
        data: dict[str, list[Any]] = {}
        shown = [column for column in self.columns if column.shown]
        for column in shown:
            data[column.name] = [column.write(value) for value in table.column(column.name).to_pylist()]
            label = column.label + _arrow(column.name, window)
            if column.words is not None:
                config[column.name] = _states_column(column, label)
            elif column.opens and on_open:
                config[column.name] = st.column_config.ButtonColumn(
                    label,
                    width=column.width,
                    pinned=True,
                    alignment="left",
                    type="tertiary",
                    help=column.help,
                    on_click=_opened,
                    args=(f"{key}_open", ids, on_open),
                    key=f"{key}_open",
                )
            else:
                config[column.name] = st.column_config.TextColumn(
                    label,
                    width=column.width,
                    pinned=column.pinned or column.opens,
                    alignment="right" if column.is_right else "left",
                    help=column.help,
                )
        kinds = {column.name: pa.list_(pa.string()) if column.words is not None else pa.string() for column in shown}
        return config, pa.table({name: pa.array(values, kinds[name]) for name, values in data.items()})

    def _picked(self, key: str, ids: list[str], window: Window) -> None:
        picked = st.session_state[key].selection
        if picked.columns:
            self._order_by(picked.columns[0], window)
            return
        st.session_state[f"{self._key}_selected"] = selection.merge(self.selected(), ids, picked.rows)

    def _order_by(self, name: str, window: Window) -> None:
        column = next((one for one in self.columns if one.name == name), None)
        st.session_state[f"{self._key}_version"] = st.session_state.get(f"{self._key}_version", 0) + 1
        if column is None or not column.sortable:
            return
        # Figures begin with the largest, words with A; a second click turns the order round.
        descending = not window.descending if window.sort == name else column.is_right
        url.put({SORT_PARAMETER: f"-{name}" if descending else name, PAGE_PARAMETER: None})

    def _draw_foot(self, found: Page, shown: int, tools: Callable[[], None] | None, export: Export | None) -> None:
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"stfc_foot_{self._key}"):
            first = found.offset + 1 if shown else 0
            words = fmt.counted(found.total, *self._noun).split(" ", 1)
            st.markdown(
                f":gray[**{fmt.count(first)}–{fmt.count(found.offset + shown)}** de **{words[0]}** {words[1]}]",
                width="stretch",
            )
            if tools:
                tools()
            self._draw_pages(found.total)
            if export:
                download(self._key, self.columns, export, found.total)
        if export:
            downloads.show(self._key)

    def _draw_pages(self, total: int) -> None:
        pages = max(1, -(-total // self._rows))
        if pages == 1:
            return
        turn_pages(f"{self._key}_page", pages, min(self._page(), pages), _turned)


def turn_pages(name: str, pages: int, page: int, on_turn: Callable[[str], None]) -> None:
    """The buttons of ``pages`` pages, on ``page`` (from 1); ``on_turn`` gets the key that holds the chosen one."""
    # The page stands in the key: the address may turn it (back button, another filter) as well as a click.
    key = f"{name}_{pages}_{page}"
    # Wider than its buttons: it leaves pages out before it would have to wrap.
    width = _PAGE_BUTTON * (min(pages + 2, _PAGE_BUTTONS) + 2)
    st.pagination(
        pages,
        default=page,
        key=key,
        max_visible_pages=_PAGE_BUTTONS,
        width=width,
        on_change=on_turn,
        args=(key,),
    )


def _turned(key: str) -> None:
    page = st.session_state[key]
    url.put({PAGE_PARAMETER: str(page) if page > 1 else None})


def small(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    *,
    alt: str,
    markup: Sequence[str] = (),
) -> None:
    """A short table without paging, figures at the right, drawn whole.

    Texts are escaped but for the columns named in ``markup``, whose cells come from ``style.badge`` or ``style.link``.
    A column with ``words`` shows its states as coloured words. Widths are not looked at.
    """
    head = "".join(f'<th scope="col"{_side(column)}>{html.escape(column.label)}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_side(column)}>{_small_cell(column, row, markup)}</td>" for column in columns) + "</tr>"
        for row in rows
    )
    st.html(
        f'<table class="stfc-small" aria-label="{html.escape(alt)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def download(key: str, columns: Sequence[Column], export: Export, rows: int) -> None:
    """*Baixar*: CSV, XLSX or Parquet of the whole filter, ``rows`` rows; a file is made only on its click.

    Many rows are written aside: call ``downloads.show`` where their progress is to stand.
    """
    with st.popover(labels.DOWNLOAD, icon=":material/download:", key=downloads.popover_key(key)):
        for form, words in labels.DOWNLOAD_FORMS.items():
            if rows > downloads.AT_ONCE:
                make = partial(source, key, columns, export)
                downloads.button(key, words, ExportFormat(form), make, rows)
                continue
            st.download_button(
                words,
                data=partial(_file, key, columns, export, ExportFormat(form)),
                file_name=f"{key}.{form}",
                key=f"{key}_download_{form}",
                type="tertiary",
                on_click="ignore",
            )


def source(key: str, columns: Sequence[Column], export: Export) -> TableSource:
    """The rows of a download, read while they are taken."""
    found = export()
    batches = iter([found] if isinstance(found, pa.Table) else found)
    # The first says what all are of; without any row there is nothing to download.
    first = exported(next(batches), columns)
    return TableSource(key, first.schema, chain([first], (exported(table, columns) for table in batches)))


def exported(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """``table`` as a download has it: the columns' words as headers, money as decimal reais, states in words."""
    chosen = [column for column in columns if column.exported and column.name in table.column_names]
    return pa.table({column.label: _exported(table.column(column.name), column) for column in chosen})


def _file(key: str, columns: Sequence[Column], export: Export, form: ExportFormat) -> bytes:
    return session.application().tables.encoded(source(key, columns, export), form)


def _exported(values: pa.ChunkedArray, column: Column) -> Any:
    if column.words is not None:
        return pa.array(["; ".join(column.write(value)) for value in values.to_pylist()], pa.string())
    match column.unit:
        case "money":
            return pc.multiply(values.cast(pa.decimal128(19, 0)), pa.scalar("0.01").cast(pa.decimal128(3, 2))).cast(
                pa.decimal128(20, 2)
            )
        case "micros":
            return pc.multiply(values.cast(pa.decimal128(19, 0)), pa.scalar("0.000001").cast(pa.decimal128(7, 6))).cast(
                pa.decimal128(26, 6)
            )
        case _ if isinstance(values.type, pa.DictionaryType):
            return values.cast(values.type.value_type)
        case _:
            return values


def _states_column(column: Column, label: str) -> Any:
    assert column.words is not None
    colours, normal = palette().background, column.normal.split()
    tones = {code: states.TONES.get(code) for code in column.words if code not in normal}
    return st.column_config.MultiselectColumn(
        label,
        width=column.width,
        options=list(column.words.values()),
        color=[colours[tone] if (tone := tones.get(code)) else _CLEAR for code in column.words],
        help=column.help,
    )


def _arrow(name: str, window: Window) -> str:
    if window.sort != name or not url.get(SORT_PARAMETER):
        return ""
    return " ↓" if window.descending else " ↑"


def _opened(key: str, ids: list[str], on_open: Callable[[str], None]) -> None:
    click = st.session_state.get(key)
    if click is not None and 0 <= click.row < len(ids):
        on_open(ids[click.row])


def _side(column: Column) -> str:
    return ' class="right"' if column.is_right else ""


def _small_cell(column: Column, row: Mapping[str, Any], markup: Sequence[str]) -> str:
    value = row.get(column.name)
    if column.name in markup:
        return str(value)
    if column.words is not None:
        codes = value if isinstance(value, list) else [] if value is None else [value]
        return " ".join(_small_state(column, code) for code in codes)
    return html.escape(str(column.write(value)))


def _small_state(column: Column, code: str) -> str:
    assert column.words is not None
    word, tone = column.words.get(code, code), states.TONES.get(code)
    return badge(word, tone) if tone and code not in column.normal.split() else html.escape(word)
