"""*Visão geral*: the largest contracts and destinations of the competence; a click on a row filters the rest."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import streamlit as st

from stfc.services.queries import CallFilter, View
from stfc.ui import contract_list, labels, overview, url
from stfc.ui import format as fmt
from stfc.ui.overview import Narrowing
from stfc.ui.overview_cards import relative

_TOP: Final = 8
_HEADER, _ROW, _BORDER = 34, 32, 2
_RIGHT: Final = "right"


def contracts(view: View, narrowed: Narrowing) -> None:
    """The contracts with the highest value; the number opens one, a click on the rest of its row filters by it."""
    asked = narrowed.calls(but="contract")
    rows = view.top_contracts(_TOP, asked).to_pylist()
    whole = _whole(view, asked, "micros")
    ids = [row["contract"] for row in rows]
    texts = st.column_config.TextColumn
    ranking = _Ranking(
        "overview_contracts",
        ids,
        {
            "contract": ids,
            "customer": [row["customer"] or "" for row in rows],
            "value": [fmt.money_cut(row["micros"]) for row in rows],
            "change": [change(row["micros"], row["previous_micros"]) for row in rows],
            "share": [share(row["micros"], whole) for row in rows],
        },
        {
            "customer": texts("Cliente", width=240),
            "value": texts("Valor", width=100, alignment=_RIGHT),
            "change": texts("Var.", width=70, alignment=_RIGHT),
            "share": _share_column("% valor", 100),
        },
    )
    month, previous = view.competence, view.competence.plus(-1)
    with st.container(border=True, height="stretch", gap="small", key="stfc_top_contracts"):
        about = labels.TOP_CONTRACTS_HELP.format(month=fmt.month(month), previous=fmt.month(previous))
        st.header(labels.TOP_CONTRACTS, anchor=False, help=about)
        ranking.show(
            labels.TOP_CONTRACTS,
            marked=narrowed.chosen.contract,
            on_pick=lambda contract: overview.toggle({overview.CONTRACT_PARAMETER: contract}),
            opens=("contract", "Contrato", 74),
        )


def destinations(view: View, narrowed: Narrowing) -> None:
    """The destinations with the highest value; a click on one filters by it."""
    asked = narrowed.calls(but="destinations")
    rows = view.top_destinations(_TOP, asked).to_pylist()
    whole = _whole(view, asked, "micros")
    texts = st.column_config.TextColumn
    ranking = _Ranking(
        "overview_destinations",
        [row["destination"] for row in rows],
        {
            "place": [fmt.place(row["destination"]) for row in rows],
            "calls": [fmt.count(row["calls"]) for row in rows],
            "minutes": [fmt.minutes(row["seconds"]) for row in rows],
            "share": [share(row["micros"], whole) for row in rows],
        },
        {
            "place": texts("Destino", width=180),
            "calls": texts("Chamadas", width=74, alignment=_RIGHT),
            "minutes": texts("Minutos", width=66, alignment=_RIGHT),
            "share": _share_column("% valor", 90),
        },
    )
    marked = narrowed.chosen.destinations[0] if len(narrowed.chosen.destinations) == 1 else ""
    with st.container(border=True, height="stretch", gap="small", key="stfc_top_destinations"):
        about = labels.TOP_DESTINATIONS_HELP.format(month=fmt.month(view.competence))
        st.header(labels.TOP_DESTINATIONS, anchor=False, help=about)
        ranking.show(
            labels.TOP_DESTINATIONS,
            marked=marked,
            on_pick=lambda place: overview.toggle({overview.DESTINATION_PARAMETER: place}),
        )


def change(now: int, before: int | None) -> str:
    """``+27,4%`` from micros of two months; ``—`` where there was nothing before."""
    return relative([before or 0, now]) or fmt.NOTHING


def share(part: int, whole: int) -> float:
    """How many percent ``part`` is of ``whole``, for a bar; 0 of nothing."""
    return round(100 * part / whole, 1) if whole else 0.0


def _whole(view: View, asked: CallFilter, column: str) -> int:
    return sum(view.weekday_hour(asked)[column].to_pylist())


def _share_column(label: str, width: int) -> Any:
    # A whole number: Streamlit writes decimals with a point.
    return st.column_config.ProgressColumn(label, width=width, min_value=0, max_value=100, format="%.0f%%")


@dataclass(frozen=True)
class _Ranking:
    """A short grid: ``ids`` by row, the columns' ``data`` and how to show them."""

    key: str
    ids: Sequence[str]
    data: Mapping[str, Sequence[Any]]
    config: Mapping[str, Any]

    def show(
        self,
        alt: str,
        *,
        marked: str,
        on_pick: Callable[[str], None],
        opens: tuple[str, str, int] | None = None,
    ) -> None:
        """Draw it; ``marked`` is the row that the filter names, ``opens`` a column whose cells open the contract."""
        # The key holds all that decides which row stands where: a click never means another row.
        placed = hashlib.blake2s(repr((marked, list(self.ids))).encode(), digest_size=8).hexdigest()
        key = f"{self.key}_{placed}"
        config = dict(self.config)
        if opens:
            config[opens[0]] = _button(opens, key, self.ids)
        named = next(name for name in self.data if not opens or name != opens[0])

        def picked() -> None:
            cells = st.session_state[key].selection.cells
            if cells and not (opens and cells[0][1] == opens[0]):
                on_pick(self.ids[cells[0][0]])

        st.dataframe(
            pa.table({**self.data, named: _marked(self.data[named], self.ids, marked)}),
            key=key,
            height=_HEADER + _ROW * max(1, len(self.ids)) + _BORDER,
            row_height=_ROW,
            hide_index=True,
            column_config=config,
            on_select=picked,
            selection_mode="single-cell",
            lazy=False,
            alt=alt,
        )


def _marked(names: Sequence[str], ids: Sequence[str], marked: str) -> list[str]:
    # Not by selecting the cell: a click on what is selected already would not be told.
    return [f"✓ {name}" if one == marked else name for name, one in zip(names, ids, strict=True)]


def _button(column: tuple[str, str, int], key: str, ids: Sequence[str]) -> Any:
    _, label, width = column

    def opened() -> None:
        click = st.session_state.get(f"{key}_open")
        if click is not None and 0 <= click.row < len(ids):
            url.open_page(labels.CONTRACTS, **{contract_list.CONTRACT_PARAMETER: ids[click.row]})

    return st.column_config.ButtonColumn(
        label,
        width=width,
        pinned=True,
        alignment="left",
        type="tertiary",
        help=labels.OPEN_ROW,
        on_click=opened,
        key=f"{key}_open",
    )
