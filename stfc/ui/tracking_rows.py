"""The batches of *Acompanhamento*, a card each: who and when, bar, value, state, *Ações*, *Logs de processamento*."""

import html
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import pyarrow as pa
import streamlit as st

from stfc.domain import text
from stfc.domain.forecast import BatchForecast
from stfc.services.ports import BatchSummary, ExportFormat, ItemRow, TableSource
from stfc.ui import (
    figures,
    holds,
    labels,
    scripts,
    session,
    states,
    style,
    tables,
    tracking,
    tracking_acts,
    tracking_logs,
    url,
)
from stfc.ui.filters import PAGE_PARAMETER, Bar
from stfc.ui.format import count, counted, moment, money, month, signed
from stfc.ui.tables import Column
from stfc.ui.tabs import Tab

PAGE_ROWS: Final = 20
BATCHES: Final = "lotes"
CONTRACTS: Final = "contratos"
_SEEN: Final = "tracking_seen"
_INNER: Final = ("contrato", "resultado", "causa", "busca", "parte")
"""Parameters that speak of the open batch."""
_CSV: Final = (
    Column("contract", "Contrato", 0),
    Column("customer", "Cliente", 0),
    Column("outcome", "Resultado", 0, words=labels.OUTCOME),
    Column("code", "Código", 0),
    Column("message", "Situação", 0),
    Column("amount", "Valor", 0, unit="money"),
    Column("calls", "Ligações", 0, unit="count"),
    Column("attempts", "Tentativas", 0, unit="count"),
    Column("started_at", "Início", 0, unit="moment"),
    Column("ended_at", "Fim", 0, unit="moment"),
)


def opened() -> int | None:
    """The batch whose logs are open, as the address says it."""
    number = url.get("lote")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None


def closed() -> dict[str, url.Value]:
    """The changes to the address that close what is open; in one write, or the back button takes several steps."""
    return {"lote": None, **dict.fromkeys(_INNER)}


def tabs(batches: int, contracts: int) -> tuple[Tab, Tab]:
    """*Lotes* and *Contratos*, with their counts."""
    return Tab(BATCHES, labels.TRACKING_BATCHES, batches), Tab(CONTRACTS, labels.TRACKING_CONTRACTS, contracts)


def show(found: Sequence[BatchSummary], every: Sequence[BatchSummary], now: datetime, row: Bar) -> None:
    """The page of ``found`` that the address says, else the one that holds the open batch."""
    number = opened()
    if number is not None and number not in {batch.batch for batch in every}:
        words = labels.UNKNOWN_BATCH.format(batch=number)
        states.error(words, labels.UNKNOWN_BATCH_HINT, key="batch")
    if not found:
        hint = labels.NO_BATCH_FOUND_HINT.format(batches=counted(len(every), *labels.BATCH_NOUN))
        states.empty(labels.NO_BATCH_FOUND, hint, states.Step(labels.CLEAR, row.clear), key="batches")
        return
    pages = max(1, -(-len(found) // PAGE_ROWS))
    page = _page([batch.batch for batch in found], pages)
    with st.container(gap="xsmall"):
        for position, batch in enumerate(found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]):
            _card(batch, now)
            if position and batch.batch == opened():
                _bring_into_view(batch.batch)
    _foot(len(found), page, pages)


def _page(numbers: Sequence[int], pages: int) -> int:
    asked = url.get(PAGE_PARAMETER)
    if asked.isascii() and asked.isdigit() and len(asked) < 8:
        return min(max(1, int(asked)), pages)
    number = opened()
    return 1 + numbers.index(number) // PAGE_ROWS if number in numbers else 1


def _foot(total: int, page: int, pages: int) -> None:
    if pages == 1:
        return
    first, last = (page - 1) * PAGE_ROWS + 1, min(page * PAGE_ROWS, total)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="stfc_foot_tracking"):
        words = f":gray[**{count(first)}–{count(last)}** de **{count(total)}** {labels.BATCH_NOUN[1]}]"
        st.markdown(words, width="stretch")
        tables.turn_pages("tracking_page", pages, page, _turn)


def _turn(key: str) -> None:
    # Page 1 is said too: without it the address would mean the page of the open batch.
    url.put({**closed(), PAGE_PARAMETER: str(st.session_state[key])})


# --- A card ----------------------------------------------------------------------------------------------------------


def _card(batch: BatchSummary, now: datetime) -> None:
    with st.container(border=True, gap="xsmall", key=f"stfc_batch_{batch.batch}"):
        head, acts = st.columns([11.1, 1.2], gap="xsmall", vertical_alignment="center")
        head.html(head_html(batch, now, tracking.pulse_of(batch, now)))
        with acts:
            _actions(batch)
        key = f"tracking_open_{batch.batch}"
        is_open = opened() == batch.batch
        if st.session_state.get(key) != is_open:
            st.session_state[key] = is_open
        logs = st.expander(
            labels.PROCESSING_LOGS,
            key=key,
            icon=":material/list_alt:",
            type="compact",
            on_change=partial(_toggled, batch.batch, key),
        )
        if logs.open:
            with logs:
                tracking_logs.show(batch, now)


def _bring_into_view(batch: int) -> None:
    """Scroll to a batch that a link opened, once; not to one that was opened here, which is in sight."""
    if st.session_state.get(_SEEN) == batch:
        return
    st.session_state[_SEEN] = batch
    scripts.run(scripts.BATCH_INTO_VIEW)


def _toggled(batch: int, key: str) -> None:
    st.session_state[_SEEN] = batch
    url.put({**closed(), "lote": str(batch) if st.session_state[key] else None})


def head_html(batch: BatchSummary, now: datetime, pulse: tracking.Pulse = tracking.NO_PULSE) -> str:
    """The card's figures as HTML: number, who, bar with progress, value, state."""
    shown, words = tracking.state(batch)
    name, who = labels.BATCH.format(batch=batch.batch), html.escape(batch.created_by)
    progress = " · ".join(tracking.progress(batch, now, pulse))
    cells = (
        f"<h2>{name}</h2><span>{month(batch.competence)}</span>",
        f'<b title="{who}">{who}</b><span>{moment(batch.created_at)}</span>',
        f"{figures.bar_html(batch.standing, thin=True, label=name)}"
        f"<span><strong>{count(tracking.done(batch))}</strong> {progress}</span>",
        f"<b>{money(batch.amount)}</b>{_under_amount(batch)}",
        style.badge(words, states.TONES.get(shown, "gray")),
    )
    return f'<div class="stfc-batch">{"".join(f"<div>{cell}</div>" for cell in cells)}</div>'


def _under_amount(batch: BatchSummary) -> str:
    words = f"<span>{tracking.contracts_words(batch.items)}</span>"
    if batch.forecast is None:
        return words
    told = html.escape(" · ".join(text.hindsight(batch.forecast, batch.items)))
    return f'{words}<span title="{told}">{foreseen(batch.forecast)}</span>'


def foreseen(forecast: BatchForecast) -> str:
    """What was expected, and of how many contracts; once some are charged, by how much these differ."""
    if not forecast.settled_expected:
        return labels.FORESEEN.format(contracts=count(forecast.contracts), amount=money(forecast.value))
    change = round(100 * forecast.difference / forecast.settled_expected, 1)
    return labels.FORESEEN_CHANGE.format(contracts=count(forecast.settled), change=signed(change, 1, "%"))


def _actions(batch: BatchSummary) -> None:
    # Another key after each act: the menu then closes, which would else stay open above the dialog.
    key = f"tracking_acts_{batch.batch}_{tracking_acts.acted()}"
    with st.popover(labels.BATCH_ACTIONS, type="tertiary", key=key):
        if tracking_acts.may_act():
            _acts(batch)
        else:
            st.caption(f":material/lock: {tracking_acts.refusal()}")
        st.download_button(
            labels.DOWNLOAD_BATCH,
            data=partial(csv, batch.batch),
            file_name=f"lote-{batch.batch}.csv",
            mime="text/csv",
            key=f"tracking_csv_{batch.batch}",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )


def _acts(batch: BatchSummary) -> None:
    failed, charges = batch.outcomes["failed"], tracking.reversible(batch, decides=holds.may_decide())
    number = batch.batch
    if failed:
        words = labels.RETRY_FAILED.format(failures=counted(failed, *labels.FAILURE_NOUN))
        _act("retry", number, words, ":material/replay:", partial(tracking_acts.retry_failed, number))
    if tracking.cancellable(batch):
        words = tracking.cancel_words(batch)
        _act("cancel", number, words, ":material/cancel:", partial(tracking_acts.ask_cancel, number))
    if charges:
        words = labels.REVERSE_COUNT.format(charges=counted(charges, *labels.CHARGE_NOUN))
        _act("reverse", number, words, ":material/undo:", partial(tracking_acts.ask_reverse, number))
    if kept := tracking_acts.kept_words(batch):
        st.caption(f":material/lock: {kept}")


def _act(name: str, batch: int, words: str, icon: str, on_click: Callable[[], None]) -> None:
    st.button(words, key=f"tracking_{name}_{batch}", type="tertiary", icon=icon, on_click=on_click)


# --- Download --------------------------------------------------------------------------------------------------------


def csv(batch: int) -> bytes:
    """All contracts of the batch as CSV: outcome, cause, value, times."""
    rows = session.application().batches.items(batch)[1]
    table = tables.exported(item_table(rows), _CSV)
    return session.application().tables.encoded(TableSource("table", table.schema, [table]), ExportFormat.CSV)


def item_table(rows: Sequence[ItemRow]) -> pa.Table:
    """``rows`` as Arrow: item, batch, competence, contract, customer, outcome (``reversed`` too), code, cause (code
    and words), message, amount (centavos), calls, attempts, started_at, ended_at."""
    customers = tracking.names([row.contract for row in rows])
    instant = pa.timestamp("us", tz="UTC")
    columns = {
        "item": pa.array([str(row.item) for row in rows], pa.string()),
        "batch": pa.array([str(row.batch) for row in rows], pa.string()),
        "competence": pa.array([month(row.competence) for row in rows], pa.string()),
        "contract": pa.array([row.contract for row in rows], pa.string()),
        "customer": pa.array([customers.get(row.contract) for row in rows], pa.string()),
        "outcome": pa.array(["reversed" if row.reversed else row.outcome for row in rows], pa.string()),
        "code": pa.array([row.code for row in rows], pa.string()),
        "cause": pa.array([cause_words(row.code) for row in rows], pa.string()),
        "message": pa.array([text.item(row) for row in rows], pa.string()),
        "amount": pa.array([row.amount for row in rows], pa.int64()),
        "calls": pa.array([row.calls for row in rows], pa.int64()),
        "attempts": pa.array([row.attempts for row in rows], pa.int64()),
        "started_at": pa.array([row.started_at for row in rows], instant),
        "ended_at": pa.array([row.ended_at for row in rows], instant),
    }
    return pa.table(columns)


def cause_words(code: str | None) -> str:
    """``SUM-404: Arquivo ainda não existe na Summit``; nothing without a code."""
    return f"{code}: {text.CODES.get(code, '')}".rstrip(": ") if code else ""
