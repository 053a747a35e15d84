"""Parameters on the screen: those of the ledger can be changed, those of the environment say their variable."""

from typing import Any, Final

import streamlit as st

from stfc.domain import text
from stfc.domain.parameter import Parameter, checked
from stfc.errors import InvalidInputError
from stfc.services.parameters import ParameterRow
from stfc.ui import actions, approvals, labels, session, states, tables
from stfc.ui import format as fmt
from stfc.ui.tables import Column

_PARAMETERS: Final = (
    Column("name", "Parâmetro", 0),
    Column("value", "Valor", 0, right=True),
    Column("default", "Padrão", 0, right=True),
    Column("source", "Vem de", 0, words=labels.PARAMETER_SOURCES),
    Column("by", "Mudado por", 0),
    Column("at", "Mudado em", 0, unit="moment"),
)
_SETTINGS: Final = (
    Column("variable", "Variável de ambiente", 0),
    Column("value", "Valor", 0, right=True),
    Column("default", "Padrão", 0, right=True),
    Column("source", "Vem de", 0, words=labels.PARAMETER_SOURCES),
)


def show() -> None:
    """Both kinds, and the form of the first."""
    found = session.application().parameters.rows()
    st.markdown(f":gray[{labels.PARAMETERS_HINT}]")
    tables.small([row(one) for one in found], _PARAMETERS, alt=labels.PARAMETERS_TAB)
    _form(found)
    approvals.show("parameter.set")
    st.header("Ambiente", anchor=False)
    st.markdown(f":gray[{labels.SETTINGS_HINT}]")
    tables.small([_setting(one) for one in session.application().setting_rows()], _SETTINGS, alt="Ambiente")


def row(one: ParameterRow) -> dict[str, Any]:
    """A parameter as the table has it."""
    return {
        "name": text.PARAMETERS[one.parameter],
        "value": text.parameter_value(one.value, one.allowed.unit),
        "default": text.parameter_value(one.allowed.default, one.allowed.unit),
        "source": "ledger" if one.changed else "default",
        "by": one.changed.changed_by if one.changed else fmt.NOTHING,
        "at": one.changed.changed_at if one.changed else None,
    }


def _setting(one: Any) -> dict[str, Any]:
    said = {"set": labels.SECRET_SET, "": fmt.NOTHING}
    return {
        "variable": one.variable,
        "value": said.get(one.value, one.value),
        "default": said.get(one.default, one.default),
        "source": one.source,
    }


def _form(found: list[ParameterRow]) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="stfc_parameter_form"):
        name = st.selectbox(
            labels.PARAMETER_PICK,
            [one.value for one in Parameter],
            format_func=text.PARAMETERS.__getitem__,
            key="parameter_pick",
            width=360,
        )
        chosen = next(one for one in found if one.parameter == name)
        unit = labels.PARAMETER_UNITS[chosen.allowed.unit].format(**vars(chosen.allowed))
        value = st.number_input(
            f"{labels.PARAMETER_VALUE} ({unit})",
            value=chosen.value,
            step=1,
            key=f"parameter_value_{chosen.parameter.value}",
            width=260,
        )
        pressed = st.button(labels.PARAMETER_CHANGE, type="primary", key="parameter_change")
    if pressed:
        _ask(chosen, int(value))


def _ask(chosen: ParameterRow, value: int) -> None:
    try:
        checked(chosen.parameter, value)
    except InvalidInputError as error:
        states.fault(error, key="parameter")
        return
    name, unit = text.PARAMETERS[chosen.parameter], chosen.allowed.unit
    before, after = (text.parameter_value(one, unit) for one in (chosen.value, value))

    def act(reason: str) -> None:
        change = session.application().parameters.change
        change(chosen.parameter, value, session.actor(), reason=reason, seen=chosen.value)
        states.toast(labels.PARAMETER_CHANGED.format(name=name, value=after))

    facts = labels.PARAMETER_FACTS.format(name=name, before=before, after=after)
    actions.confirm(labels.CHANGE_TITLE, facts, labels.PARAMETER_CHANGE, act, needs_reason=True)
