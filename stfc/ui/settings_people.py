"""People as the audit trail saw them, and what each role may do."""

from typing import Final

import streamlit as st

from stfc.domain.role import Role
from stfc.ui import labels, session, tables
from stfc.ui.tables import Column

_PEOPLE: Final = (
    Column("name", "Quem", 0),
    Column("role", "Papel", 0, show=lambda one: labels.ROLES.get(one, one)),
    Column("surfaces", "De onde", 0),
    Column("acts", "Atos", 0, unit="count"),
    Column("first", "Primeiro ato", 0, unit="moment"),
    Column("last", "Último ato", 0, unit="moment"),
)
_MATRIX: Final = (
    Column("what", "O que", 0),
    *(Column(role.value, labels.ROLES[role].capitalize(), 0, words=labels.YES_NO) for role in Role),
)


def show() -> None:
    """Who acted, and the matrix."""
    found = session.application().audit_trail.people(session.actor())
    st.markdown(f":gray[{labels.PEOPLE_HINT}]")
    rows = [
        {
            "name": one.name,
            "role": one.role,
            "surfaces": ", ".join(labels.SURFACES.get(where, where) for where in one.surfaces),
            "acts": one.acts,
            "first": one.first_at,
            "last": one.last_at,
        }
        for one in found
    ]
    tables.small(rows, _PEOPLE, alt=labels.PEOPLE_TAB)
    st.header(labels.ROLES_HEAD, anchor=False)
    matrix = [
        {"what": what, **{role.value: "yes" if role.covers(needed) else "no" for role in Role}}
        for what, needed in labels.ROLE_MATRIX
    ]
    tables.small(matrix, _MATRIX, alt=labels.ROLES_HEAD)
