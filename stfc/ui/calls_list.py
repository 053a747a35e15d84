"""*Registros de ligações*: the selection's totals, its days, the table, and why there is nothing to show."""

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, Final

import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from stfc.domain.competence import Competence
from stfc.domain.masking import mask_number
from stfc.services.calls import masked
from stfc.services.ports import Page, TableSource
from stfc.services.queries import CallQuery, Coverage, View
from stfc.ui import calls, calls_record, calls_reveal, charts, competence, filters, labels, states, style, tables, url
from stfc.ui import format as fmt
from stfc.ui.calls import Meaning
from stfc.ui.filters import Chosen
from stfc.ui.tables import Column

_START: Final = "local_start"
_CHART: Final = "calls_days"
_TIP: Final = "%{x|%d/%m/%Y}<br><b>%{y:,}</b> ligações<br>%{customdata[0]} min, %{customdata[1]}<extra></extra>"
_WAITING: Final = (Coverage.TO_BILL, Coverage.QUEUED, Coverage.WAITING_FILE, Coverage.FAILED)

GRID: Final = tables.Grid(
    "registros",
    id=calls_record.ID,
    noun=labels.CALL_NOUN,
    sort=_START,
    descending=True,
    visible=9,
    alt="Registros de ligações, números chamados mascarados",
    columns=(
        Column(_START, "Início", 156, show=calls_record.local, opens=True, help=labels.OPEN_CALL),
        Column("contract", "Contrato", 72),
        Column("line", "Linha", 118, unit="phone"),
        Column("called", "Número chamado", 150),
        Column("class", "Classe", 112),
        Column("destination", "Destino", 170, show=lambda one: fmt.place(one) if one else fmt.NOTHING, exported=False),
        Column("duration", "Duração", 96, unit="seconds", exported=False),
        Column("amount", "Valor", 82, unit="micros"),
        Column("marks", "Observação", 122, words=labels.CALL_MARKS, sortable=False, exported=False),
        Column("competence", "Competência", 0, shown=False),
        Column("started_at", "Início (Brasília)", 0, shown=False),
        Column("destination", "Destino (CN ou país)", 0, shown=False),
        Column("duration", "Duração (s)", 0, shown=False),
        Column("caller", "Chamador", 0, shown=False),
        Column("platform_class", "Classe da Summit", 0, shown=False),
        Column("carrier", "Operadora de destino", 0, shown=False),
        Column("csp", "CSP", 0, shown=False),
        Column("late", "Anterior ao período", 0, shown=False),
        Column("issue", "Divergência da linha", 0, shown=False),
        Column("call_id", "Registro da Summit", 0, shown=False),
        Column("claim", "Leitura", 0, shown=False),
    ),
)
_DAYS: Final = (
    Column("local_day", "Dia", 0, unit="day"),
    Column("calls", "Ligações", 0, unit="count"),
    Column("seconds", "Minutos", 0, show=fmt.minutes, right=True),
    Column("micros", "Valor", 0, show=fmt.money_cut, right=True),
)


def show(view: View, chosen: Chosen, row: filters.Bar) -> None:
    """The selection, or why it is empty and what to do next."""
    sought = calls.meaning(view, chosen.search)
    asked = calls.query(chosen, sought)
    found = view.calls(paged(asked, GRID.window()))
    if not found.totals["calls"]:
        _nothing(view, chosen, sought, row)
        return
    if chosen.search:
        st.markdown(f":gray[{taken_for(sought)}]")
    _head(view, chosen, asked, found.totals)

    def export() -> Iterator[pa.Table]:
        return map(exported, view.call_stream(asked))

    def offer() -> None:
        calls_reveal.offer(view.competence, asked, row.said(chosen), found.total, revealed)

    page = Page(found.total, found.offset, shown(found.table))
    GRID.show(page, chosen, on_open=calls_record.open_call, export=export, tools=offer)
    calls_reveal.show_file()


def revealed(stream: Iterator[pa.Table]) -> TableSource:
    """The whole selection in full, as a download has it."""
    return tables.source(calls_reveal.FILE, GRID.columns, lambda: map(partial(exported, is_masked=False), stream))


def paged(asked: CallQuery, window: tables.Window) -> CallQuery:
    """The query of the page that ``window`` names; *Início* is ordered by the instant."""
    sort = "started_at" if window.sort == _START else window.sort
    return replace(asked, sort=sort, descending=window.descending, offset=window.offset, limit=window.limit)


def taken_for(sought: Meaning) -> str:
    """What the words in *Pesquisar* were taken for, as Markdown."""
    if sought.number:
        return labels.SOUGHT_NUMBER.format(number=fmt.plain(fmt.phone(sought.number)))
    known = sought.contracts or ()
    if len(known) == 1:
        return labels.SOUGHT_CONTRACT.format(contract=fmt.plain(known[0]), customer=fmt.plain(sought.customer))
    return labels.SOUGHT_CONTRACTS.format(contracts=fmt.counted(len(known), *labels.CONTRACT_NOUN))


# --- Rows ------------------------------------------------------------------------------------------------------------


def shown(table: pa.Table) -> pa.Table:
    """A page as the grid shows it: masked, with id, start in the line's own time, class in words, and marks."""
    ids = pa.array([calls_record.identity(call) for call in table.to_pylist()], pa.string())
    marks = [
        [*(["late"] if late else []), *([issue] if issue else [])]
        for late, issue in zip(table["late"].to_pylist(), table["issue"].to_pylist(), strict=True)
    ]
    told = _told(_masked(table)).append_column(calls_record.ID, ids)
    return told.append_column("marks", pa.array(marks, pa.list_(pa.string())))


def exported(table: pa.Table, *, is_masked: bool = True) -> pa.Table:
    """The whole selection as a download has it: every field, codes in words, numbers masked unless told otherwise."""
    late = pc.if_else(table["late"], pa.scalar(labels.YES), pa.scalar(labels.NO))
    told = _put(_told(_masked(table) if is_masked else table), "late", late)
    told = _put(told, "issue", _worded(table["issue"], labels.CALL_MARKS))
    return _put(told, "platform_class", _worded(table["platform_class"], labels.CALL_CLASSES))


def _masked(table: pa.Table) -> pa.Table:
    # A caller that is not the line itself may be anybody's number.
    own = pc.equal(table["caller"], table["line"])
    caller = pc.if_else(own, table["caller"], _mapped(table["caller"], mask_number))
    return _put(masked(table), "caller", caller)


def _told(table: pa.Table) -> pa.Table:
    told = _put(table, "class", _worded(table["class"], labels.CALL_CLASSES))
    return told.append_column(_START, local_starts(table))


def local_starts(table: pa.Table) -> pa.ChunkedArray:
    """When each call began by the clock of its line: naive times, from local day and hour, and the instant's rest."""
    day = table["local_day"].cast(pa.timestamp("us"))
    hour = pc.multiply(table["hour"].cast(pa.int64()), 3_600_000_000).cast(pa.duration("us"))
    instant = table["started_at"].cast(pa.timestamp("us"))
    # Every zone of the country is whole hours away, so the rest of the hour is the same everywhere.
    rest = pc.subtract(instant, pc.floor_temporal(instant, unit="hour"))
    return pc.add(pc.add(day, hour), rest)


def _put(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def _worded(column: pa.ChunkedArray, words: Mapping[str, str]) -> pa.Array:
    return _mapped(column, lambda code: words.get(code, code))


def _mapped(column: pa.ChunkedArray, word: Callable[[str], str]) -> pa.Array:
    encoded = column.combine_chunks().dictionary_encode()
    said = pa.array([None if one is None else word(one) for one in encoded.dictionary.to_pylist()], pa.string())
    return said.take(encoded.indices)


# --- Totals and days -------------------------------------------------------------------------------------------------


def _head(view: View, chosen: Chosen, asked: CallQuery, sums: Mapping[str, int]) -> None:
    figures_, days = st.columns([1, 3.2], gap="small")
    with figures_.container(border=True, height="stretch", key="stfc_totals"):
        st.html(totals(sums, _compared(view, chosen, sums)))
    with days:
        _days(view, chosen, asked)


def totals(sums: Mapping[str, int], compared: str) -> str:
    """Calls, minutes and value of the selection, each over what it is a part or a mean of, as HTML."""
    number = sums["calls"]
    lines = (
        (fmt.counted(number, *labels.CALL_NOUN), compared),
        (f"{fmt.minutes(sums['seconds'])} minutos", f"{fmt.duration(sums['seconds'] // number)} por ligação"),
        (fmt.money_cut(sums["micros"]), f"{fmt.money_cut(sums['micros'] // number)} por ligação"),
    )
    items = "".join(f"<div><dt>{html.escape(under)}</dt><dd>{html.escape(over)}</dd></div>" for over, under in lines)
    return f'<dl class="stfc-totals">{items}</dl>'


def _compared(view: View, chosen: Chosen, sums: Mapping[str, int]) -> str:
    month = fmt.month(view.competence)
    if chosen.since or chosen.until:
        return labels.IN_ALL_MONTHS
    if chosen.is_active:
        whole = view.calls(CallQuery(limit=1)).totals["calls"]
        return f"{_share(sums['calls'], whole)} de {fmt.count(whole)} em {month}"
    counts = view.coverage()
    with_file = sum(counts.parts[part] for part in (Coverage.CHARGED, Coverage.ZERO, Coverage.HELD))
    return labels.WITH_FILE.format(count=fmt.count(with_file), total=fmt.count(counts.total))


def _share(part: int, whole: int) -> str:
    return labels.TINY_SHARE if part * 1000 < whole else fmt.percent(part, whole, 1)


def _days(view: View, chosen: Chosen, asked: CallQuery) -> None:
    rows = view.calls_by_day(asked).to_pylist()

    def draw() -> go.Figure:
        return days_chart(rows)

    # Another selection is another chart: what was brushed in the old one must not be brushed again.
    version = f"{chosen.digest}_{view.competence}"
    charts.card(_CHART, labels.CALLS_BY_DAY, draw, lambda: rows, _DAYS, on_select=_brushed(version), version=version)


def days_chart(rows: list[dict[str, Any]]) -> go.Figure:
    """A bar a day; brushing it chooses the period."""
    drawn = charts.figure(height=104)
    drawn.add_bar(
        x=[row["local_day"].isoformat() for row in rows],
        y=[row["calls"] for row in rows],
        customdata=[(fmt.minutes(row["seconds"]), fmt.money_cut(row["micros"])) for row in rows],
        marker_color=style.palette().series[4],
        hovertemplate=_TIP,
    )
    drawn.update_xaxes(type="date", tickformat="%d/%m", nticks=10)
    drawn.update_yaxes(nticks=4, tickformat=",.0f")
    drawn.update_layout(dragmode="select", selectdirection="h", bargap=0.2)
    return drawn


def _brushed(version: str) -> Callable[[], None]:
    def choose() -> None:
        picked = st.session_state[f"{_CHART}_chart_{version}"].selection.points
        if days := sorted(date.fromisoformat(str(point["x"])[:10]) for point in picked):
            url.put({"desde": str(days[0]), "ate_dia": str(days[-1]), filters.PAGE_PARAMETER: None})

    return choose


# --- Nothing found ---------------------------------------------------------------------------------------------------


def _nothing(view: View, chosen: Chosen, sought: Meaning, row: filters.Bar) -> None:
    has_period = bool(chosen.since or chosen.until)
    whole = view.calls(CallQuery(limit=1)).totals["calls"]
    if not whole and not has_period:
        _no_file(view, chosen, row)
        return
    if chosen.since and chosen.until and chosen.until < chosen.since:
        words = labels.PERIOD_REVERSED.format(since=fmt.day(chosen.since), until=fmt.day(chosen.until))
    else:
        words = _why(view, chosen, sought, whole)
    states.empty(labels.NO_CALL_FOUND, words, states.Step(labels.CLEAR_FILTER, row.clear), key="calls")


def _why(view: View, chosen: Chosen, sought: Meaning, whole: int) -> str:
    if sought.contracts == ("",):
        return labels.NOBODY_SOUGHT.format(words=fmt.plain(chosen.search))
    if chosen.since or chosen.until:
        return labels.NO_CALL_IN_PERIOD
    calls_ = fmt.counted(whole, *labels.CALL_NOUN)
    return labels.NO_CALL_OF.format(month=fmt.month(view.competence), calls=calls_)


def _no_file(view: View, chosen: Chosen, row: filters.Bar) -> None:
    """No call at all in the competence: where its contracts stand, and the ways on."""
    parts = view.coverage().parts
    waiting = [f"**{fmt.count(parts[part])}** {labels.WAITS_AS[part]}" for part in _WAITING if parts[part]]
    words = labels.NO_FILE_YET.format(month=fmt.month(view.competence), contracts=_listed(waiting))
    steps = []
    if parts[Coverage.TO_BILL]:
        steps.append(states.Step(labels.BILLING.title, url.open_page, (labels.BILLING,)))
    if parts[Coverage.QUEUED] or parts[Coverage.WAITING_FILE] or parts[Coverage.FAILED]:
        steps.append(states.Step(labels.TRACKING.title, url.open_page, (labels.TRACKING,)))
    if last := _last_month(view):
        steps.append(states.Step(labels.GO_TO_MONTH.format(month=fmt.month(last)), competence.go, (last,)))
    if chosen.is_active:
        steps.append(states.Step(labels.CLEAR_FILTER, row.clear))
    states.empty(labels.NO_CALLS.format(month=fmt.month(view.competence)), words, *steps, key="calls")


def _listed(parts: list[str]) -> str:
    if not parts:
        return labels.NOBODY_WAITS
    said = ", ".join(parts[:-1]) + " e " + parts[-1] if len(parts) > 1 else parts[0]
    return labels.CONTRACTS_WAIT.format(parts=said)


def _last_month(view: View) -> Competence | None:
    months = [row["competence"] for row in view.charged().to_pylist() if row["calls"]]
    return Competence.parse(months[-1]) if months else None
