"""A contract's integration with the platform: services, *Reenviar integração*, and what came of earlier sendings."""

import asyncio
from typing import Final

import streamlit as st

from stfc.domain import text
from stfc.services.ports import Provisioning
from stfc.ui import actions, guard, labels, session, states, tables
from stfc.ui import format as fmt
from stfc.ui.contract_case import Case
from stfc.ui.tables import Column

_SERVICES: Final = (
    Column("service", "Serviço", 0),
    Column("title", "Produto", 0),
    Column("state", "No ERP", 0, words=labels.SERVICE_STATES, normal="active"),
    Column("monthly_fee", "Mensalidade", 0, unit="money"),
    Column("integration", "Integração", 0, words=labels.INTEGRATIONS),
    Column("integrated_on", "Integrado em", 0, unit="day"),
    Column("error", "Erro", 0),
)
_HISTORY: Final = (
    Column("at", "Quando", 0, show=lambda one: fmt.moment(one, seconds=True)),
    Column("by", "Quem", 0),
    Column("result", "Resultado", 0, words=labels.PROVISIONING_RESULTS),
    Column("answer", "Resposta da Summit", 0),
)
_PENDING: Final = "stfc_provision_pending"


def show(case: Case) -> None:
    """Services with their errors, the button for operators, the history of sendings."""
    services = case.view.services(case.contract).to_pylist()
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="stfc_integration"):
        st.markdown(f":gray[{_summary(len(services), case)}]", width="stretch")
        _resend(case)
    _send_pending(case)
    if services:
        rows = [
            row
            | {"state": service_state(row["active"], row["deleted"]), "error": error_words(row["integration_error"])}
            for row in services
        ]
        tables.small(rows, _SERVICES, alt="Serviços Summit do contrato")
    _history(case)


def service_state(active: bool, deleted: bool) -> str:
    """``deleted``, ``active`` or ``inactive``."""
    return "deleted" if deleted else "active" if active else "inactive"


def error_words(error: str | None) -> str:
    """An integration's error in words, with the code where it is one of ours; a dash where there is none."""
    if not error:
        return fmt.NOTHING
    words = text.integration_error(error)
    return f"{words} ({error})" if words != error else error


def _summary(services: int, case: Case) -> str:
    if not services:
        return labels.NO_SUMMIT_SERVICES
    return labels.SENDS.format(lines=fmt.counted(case.row.get("lines", 0), "linha vigente", "linhas vigentes"))


# --- Reenviar integração ---------------------------------------------------------------------------------------------


def _resend(case: Case) -> None:
    if not guard.may(guard.Role.OPERATOR):
        role = session.role()
        words = labels.RESEND_REFUSED.format(
            needed=labels.ROLES[guard.Role.OPERATOR], role=labels.ROLES[role] if role else fmt.NOTHING
        )
        st.markdown(f":gray[{words}]")
        return
    name = _act(case.contract)
    st.button(
        labels.RESEND,
        key="contract_resend",
        type="primary",
        icon=":material/sync:",
        on_click=_ask_for,
        args=(case.contract, actions.request_key(name)),
    )


def _act(contract: str) -> str:
    return f"provision_{contract}"


def _ask_for(contract: str, key: str) -> None:
    """Note the wish to send; a second click carries the key of the first and is not another wish."""
    if key == actions.request_key(_act(contract)):
        st.session_state[_PENDING] = contract


def _send_pending(case: Case) -> None:
    """Send what the click asked for, where one sees that it takes time; then show the page anew with the result."""
    if st.session_state.get(_PENDING) != case.contract:
        return
    with st.spinner(labels.SENDING):
        # Taken inside: a rerun before this line still sends, one after it does not send again.
        del st.session_state[_PENDING]
        # Only now, with the button on the screen still under the old key: a click meanwhile is no wish of its own.
        actions.done(_act(case.contract))
        result = asyncio.run(session.application().provisioning.send(case.contract, session.actor()))
        states.toast(*_toast(result))
    st.rerun()


def _toast(result: Provisioning) -> tuple[str, str]:
    if result.ok:
        return labels.RESENT.format(contract=fmt.plain(result.contract)), ":material/check_circle:"
    words = labels.NOT_RESENT.format(contract=fmt.plain(result.contract), answer=fmt.plain(answer(result)))
    return words, ":material/error:"


def answer(result: Provisioning) -> str:
    """What the platform answered to a sending, in a sentence."""
    if result.ok or result.code is None:
        return labels.ACCEPTED
    return f"{text.sentence(result.code, result.facts)} ({result.code})"


def _history(case: Case) -> None:
    sendings = session.application().provisioning.history(case.contract)
    st.header(labels.PROVISIONING_HISTORY, anchor=False)
    if not sendings:
        st.markdown(f":gray[{labels.NO_PROVISIONING}]")
        return
    rows = [
        {"at": one.at, "by": one.by, "result": "integrated" if one.ok else "error", "answer": answer(one)}
        for one in sendings
    ]
    tables.small(rows, _HISTORY, alt=labels.PROVISIONING_HISTORY)
