"""One call record in its drawer: how its price came to be, every field, masked, and its charge (SCREENS 3).

The address holds which one is open: ``?ligacao=2026-10~10487~c10487-2610-12``.
"""

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.masking import mask_number
from stfc.domain.rating.proof import PriceProof
from stfc.errors import InvalidInputError, NotFoundError
from stfc.services.queries import CallQuery, View
from stfc.ui import actions, calls_reveal, contract_list, filters, labels, session, style, tables, url
from stfc.ui import format as fmt
from stfc.ui.tables import Column

ID: Final = "record"
PARAMETER: Final = "ligacao"
_PARTED: Final = "~"
_FIELDS: Final = (Column("name", labels.CALL_FIELDS[0], 0), Column("value", labels.CALL_FIELDS[1], 0))
_STEPS: Final = (Column("name", labels.PRICE_STEP[0], 0), Column("value", labels.PRICE_STEP[1], 0))
_LIVE: Final = frozenset({"charged", "zero", "held"})


def identity(call: Mapping[str, Any]) -> str:
    """What names a record in the address: the file's competence and contract, and the platform's id."""
    return _PARTED.join((call["competence"], call["contract"], call["call_id"]))


def local(start: datetime | None) -> str:
    """``12/10/2026 14:03:27`` of a naive local time."""
    return fmt.NOTHING if start is None else f"{start:%d/%m/%Y %H:%M:%S}"


def local_start(call: Mapping[str, Any]) -> datetime:
    """When the call began by the clock of its line (naive): local day and hour, minutes as in every zone here."""
    day, instant = call["local_day"], call["started_at"]
    return datetime(day.year, day.month, day.day, call["hour"], instant.minute, instant.second)  # noqa: DTZ001


def open_call(record: str) -> None:
    """Open a record's drawer; for callbacks."""
    url.put({PARAMETER: record})


def close_call() -> None:
    """Close the drawer; for callbacks."""
    url.put({PARAMETER: None})


def show() -> None:
    """The drawer of the record that the address names, if any."""
    wanted = url.get(PARAMETER)
    if not wanted:
        return
    found = find(wanted)
    if found is None:
        title, body = labels.CALLS.title, _unknown
    else:
        view, call = found
        title = labels.CALL_AT.format(when=fmt.plain(local(local_start(call))))

        def body() -> None:
            _body(view, call)

    actions.drawer(title, body, on_dismiss=close_call)


def find(wanted: str) -> tuple[View, Mapping[str, Any]] | None:
    """The live record of that identity, with the view of its competence."""
    month, _, rest = wanted.partition(_PARTED)
    contract, _, call_id = rest.partition(_PARTED)
    try:
        view = session.application().views.view(Competence.parse(month))
    except InvalidInputError:
        return None
    if not contract or not call_id:
        return None
    rows = view.calls(CallQuery(contracts=(contract,), call_id=call_id, limit=1)).table.to_pylist()
    return (view, rows[0]) if rows else None


def _unknown() -> None:
    st.markdown(labels.UNKNOWN_CALL)


def _body(view: View, call: Mapping[str, Any]) -> None:
    first, second, third = st.columns(3)
    first.metric("Valor", fmt.money_of_micros(call["amount"]))
    second.metric("Duração", fmt.duration(call["duration"]))
    third.metric("Classe", labels.CALL_CLASSES.get(call["class"], call["class"]))
    _price(call)
    who, classes, charge = labels.CALL_SECTIONS
    st.header(who, anchor=False)
    # The act stands below the table that it completes.
    place = st.container()
    revealed = calls_reveal.one(view.competence, call)
    with place:
        _fields(who, _who(revealed or call, is_revealed=revealed is not None))
    for title, rows in ((classes, _classes(call)), (charge, _charge(view, call))):
        st.header(title, anchor=False)
        _fields(title, rows)
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", key="stfc_drawer_foot"):
        actions.leave(labels.SEE_ITS_CALLS, "call_contract_calls", _only, (call["contract"],))
        actions.leave(labels.OPEN_CONTRACT, "call_contract", _open_contract, (call["contract"],))


def _fields(title: str, rows: list[tuple[str, str]]) -> None:
    shown = [{"name": name, "value": value} for name, value in rows]
    tables.small(shown, _FIELDS, alt=title, markup=("value",))


def _price(call: Mapping[str, Any]) -> None:
    """The steps to our price beside what the platform charged, and the difference (PRODUCT 6)."""
    st.header(labels.PRICE_SECTION, anchor=False)
    proof = session.application().plans.proof(call)
    if proof is None:
        st.markdown(labels.NO_PRICE_PROOF)
        return
    steps = [*text.price_steps(proof.steps), *_compared(proof)]
    shown = [{"name": name, "value": _text(said)} for name, said in steps]
    tables.small(shown, _STEPS, alt=labels.PRICE_SECTION, markup=("value",))
    if not proof.holds:
        st.warning(labels.PRICE_PROOF_BROKEN.format(ours=fmt.money_of_micros(proof.ours)), icon=":material/warning:")


def _compared(proof: PriceProof) -> list[tuple[str, str]]:
    charged = fmt.money_of_micros(proof.platform)
    if proof.difference is None:
        return [(labels.PLATFORM_PRICE, charged)]
    words = labels.PRICES_AGREE if not proof.difference else fmt.money_of_micros(abs(proof.difference))
    if proof.difference:
        words = (labels.OURS_IS_MORE if proof.difference > 0 else labels.OURS_IS_LESS).format(amount=words)
    return [(labels.PLATFORM_PRICE, charged), (labels.PRICE_DIFFERENCE, words)]


def _who(call: Mapping[str, Any], *, is_revealed: bool) -> list[tuple[str, str]]:
    number = fmt.phone if is_revealed else mask_number
    caller = call["caller"]
    return [
        ("Linha", _text(fmt.phone(call["line"]))),
        ("Chamador", _text(fmt.phone(caller) if caller == call["line"] else number(caller or ""))),
        ("Número chamado", _text(number(call["called"] or ""))),
        ("Destino", _text(fmt.place(call["destination"]) if call["destination"] else "")),
        ("Início", _text(_start(call))),
        ("Operadora de destino", _text(call["carrier"])),
        ("CSP", _text(call["csp"])),
        ("Registro da Summit", _text(call["call_id"])),
    ]


def _start(call: Mapping[str, Any]) -> str:
    here, there = fmt.moment(call["started_at"], seconds=True), local(local_start(call))
    return here if here == there else f"{labels.FOR_LINE_CLOCK.format(start=there)}; {here} em Brasília"


def _classes(call: Mapping[str, Any]) -> list[tuple[str, str]]:
    ours, theirs = call["class"], call["platform_class"]
    rows = [
        ("Nossa classe, pelo número chamado", _text(labels.CALL_CLASSES.get(ours, ours))),
        ("Classe da Summit", _text(labels.CALL_CLASSES.get(theirs, theirs))),
    ]
    if theirs:
        verdict = style.badge(labels.CLASSES_DIFFER, "orange") if ours != theirs else _text(labels.CLASSES_AGREE)
        rows.append(("Comparação", verdict))
    return rows


def _charge(view: View, call: Mapping[str, Any]) -> list[tuple[str, str]]:
    contract = call["contract"]
    rows = [
        ("Contrato", _contract(view, contract)),
        ("Competência do arquivo", _text(fmt.month(view.competence))),
        ("Valor informado pela Summit", _text(fmt.money_of_micros(call["amount"]))),
    ]
    items = (one for one in view.items(contract).to_pylist() if one["competence"] == str(view.competence))
    if item := next((one for one in items if one["outcome"] in _LIVE and not one["reversed"]), None):
        place = {"competencia": str(view.competence), "lote": str(item["batch"]), "contrato": contract}
        link = style.link(labels.BATCH.format(batch=item["batch"]), labels.TRACKING.path, **place)
        outcome = f"{labels.OUTCOME[item['outcome']]}, {fmt.money(item['amount'])} do contrato"
        rows += [("Lote", link), ("Resultado do item", _text(outcome))]
    rows += [("Observação", mark) for mark in marks(call)]
    return rows


def marks(call: Mapping[str, Any]) -> list[str]:
    """What is odd about a call, as coloured sentences in HTML; nothing of an ordinary one."""
    late = [style.badge(labels.LATE_SAID, "orange")] if call["late"] else []
    return late + ([style.badge(text.CODES[call["issue"]], "violet")] if call["issue"] else [])


def _contract(view: View, contract: str) -> str:
    link = style.link(contract, labels.CONTRACTS.path, competencia=str(view.competence), contrato=contract)
    try:
        return f"{link}, {_text(view.facts(contract).contract.customer)}"
    except NotFoundError:
        return link


def _text(value: str | None) -> str:
    return html.escape(value or fmt.NOTHING)


def _only(contract: str) -> None:
    url.put({PARAMETER: None, filters.SEARCH_PARAMETER: contract, filters.PAGE_PARAMETER: None})


def _open_contract(contract: str) -> None:
    url.open_page(labels.CONTRACTS, **{contract_list.CONTRACT_PARAMETER: contract})
