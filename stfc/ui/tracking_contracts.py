"""The second tab of *Acompanhamento*: every contract sent to billing, over all batches."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import pyarrow as pa

from stfc.services.ports import BatchSummary, ItemRow, Page
from stfc.ui import labels, session, states, tables, tracking, tracking_rows, url
from stfc.ui.filters import Bar, Chosen
from stfc.ui.format import counted
from stfc.ui.tables import Column

GRID: Final = tables.Grid(
    "contratos-enviados",
    id="item",
    noun=("contrato enviado", "contratos enviados"),
    sort="batch",
    descending=True,
    visible=15,
    columns=(
        Column("contract", "Contrato", 76, opens=True, sortable=False),
        Column("customer", "Cliente", 200, sortable=False),
        Column("batch", "Lote", 50, sortable=False),
        Column("competence", "Competência", 92, sortable=False),
        Column("outcome", "Resultado", 136, words=labels.OUTCOME, normal="charged zero", sortable=False),
        Column("cause", "Causa", 300, sortable=False),
        Column("amount", "Valor", 98, unit="money", sortable=False),
        Column("ended_at", "Fim", 126, unit="moment", sortable=False),
    ),
)


@dataclass(frozen=True)
class Sent:
    """Which sent contracts are shown; None and empty do not restrict."""

    contracts: tuple[str, ...] | None
    batches: tuple[int, ...] | None
    outcomes: tuple[str, ...]


def asked(chosen: Chosen, match: tracking.Match, batches: Collection[int] | None) -> Sent:
    """What the filter means for contracts: ``batches`` are those that the filter leaves, None for all."""
    if match.batch is not None and not match.contracts:
        wanted = (match.batch,) if batches is None or match.batch in batches else ()
        return Sent(None, wanted, tracking.outcomes_chosen(chosen))
    return Sent(match.contracts, None if batches is None else tuple(sorted(batches)), tracking.outcomes_chosen(chosen))


def total(sent: Sent) -> int:
    """How many contracts are shown."""
    return _rows(sent, 0, 0)[0]


def show(sent: Sent, chosen: Chosen, every: Sequence[BatchSummary], row: Bar) -> None:
    """The page of the list that the address says; a row opens its batch and its log."""
    window = GRID.window()
    number, rows = _rows(sent, window.offset, window.limit)
    if not number:
        hint = labels.NO_SENT_FOUND_HINT.format(
            contracts=tracking.contracts_words(sum(batch.items for batch in every)),
            batches=counted(len(every), *labels.BATCH_NOUN),
        )
        states.empty(labels.NO_SENT_FOUND, hint, states.Step(labels.CLEAR, row.clear), key="sent")
        return
    places = {str(row.item): (row.batch, row.contract) for row in rows}
    found = Page(number, window.offset, tracking_rows.item_table(rows))
    GRID.show(found, chosen, on_open=lambda item: open_log(*places[item]), export=partial(_everything, sent))


def open_log(batch: int, contract: str) -> None:
    """Show the contract's log in its batch, whatever the filter says of that batch."""
    elsewhere = dict.fromkeys(("aba", "situacao", "mes", "quem", "de", "ate", "pagina"))
    here = {"lote": str(batch), "contrato": contract, "resultado": [labels.ALL_OUTCOMES]}
    url.put({**elsewhere, **tracking_rows.closed(), **here})


def _rows(sent: Sent, offset: int, limit: int | None) -> tuple[int, list[ItemRow]]:
    return session.application().batches.sent(
        competence=None,
        search="",
        outcomes=sent.outcomes,
        offset=offset,
        limit=limit,
        contracts=sent.contracts,
        batches=sent.batches,
    )


def _everything(sent: Sent) -> pa.Table:
    return tracking_rows.item_table(_rows(sent, 0, None)[1])
