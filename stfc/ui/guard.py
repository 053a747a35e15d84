"""Refuses inside the page, whatever led to it: menu, deep link on a fresh server, or the back button."""

import streamlit as st

from stfc.domain.login import Standing
from stfc.domain.role import Role
from stfc.services.ports import Actor
from stfc.ui import labels, session
from stfc.ui.format import plain

__all__ = ["Role", "may", "require"]


def require(needed: Role) -> Actor:
    """Who acts, when the role covers ``needed``; otherwise says why not, or asks who it is, and stops the page."""
    if session.login() is not None:
        _require_login()
    elif not session.is_loopback():
        _refuse(labels.NOT_LOOPBACK_TITLE, labels.NOT_LOOPBACK)
    role = session.role()
    if role is None:
        _ask()
        st.stop()
    if not role.covers(needed):
        words = labels.REFUSED.format(needed=labels.ROLES[needed], role=labels.ROLES[role])
        _refuse(labels.REFUSED_TITLE, words)
    session.touch()
    return session.actor()


def may(needed: Role) -> bool:
    """Whether the session's role covers ``needed``, to leave out an act; the services check it again."""
    role = session.role()
    return role is not None and role.covers(needed)


def _require_login() -> None:
    person = session.person()
    if person is None:
        _ask_to_log_in(labels.LOGIN_TITLE, labels.LOGIN_HINT, labels.LOGIN)
    elif (standing := session.standing()) is not Standing.CURRENT:
        title = labels.LOGIN_IDLE_TITLE if standing is Standing.IDLE else labels.LOGIN_OVER_TITLE
        _ask_to_log_in(title, labels.LOGIN_ENDED, labels.LOGIN_AGAIN)
    elif person.role is None:
        with st.container(border=True, key="stfc_error_refused"):
            st.title(labels.NO_ROLE_TITLE, anchor=False)
            st.markdown(labels.NO_ROLE.format(name=plain(person.name)))
            st.button(labels.LOGOUT, key="stfc_logout", icon=":material/logout:", on_click=session.leave)
        st.stop()


def _ask_to_log_in(title: str, words: str, verb: str) -> None:
    with st.container(border=True, key="stfc_login"):
        st.title(title, anchor=False)
        st.markdown(words)
        if session.was_refused():
            st.error(labels.LOGIN_REFUSED, icon=":material/error:")
        st.button(verb, key="stfc_login_go", type="primary", icon=":material/login:", on_click=st.login)
    st.stop()


def _refuse(title: str, words: str) -> None:
    with st.container(border=True, key="stfc_error_refused"):
        st.title(title, anchor=False)
        st.markdown(words)
    st.stop()


def _ask() -> None:
    with st.container(key="stfc_who"):
        st.title(labels.SIGN_IN_TITLE, anchor=False)
        st.caption(labels.SIGN_IN_HINT)
        with st.grid(3, min_column_width=220, gap=12):
            for role in Role:
                _offer(role)


def _offer(role: Role) -> None:
    with st.container(border=True, height="stretch", gap="small", key=f"stfc_sign_in_{role.value}"):
        st.header(labels.ROLES[role].capitalize(), anchor=False)
        st.markdown(labels.ROLES_MAY[role])
        st.button(
            labels.SIGN_IN.format(role=labels.ROLES[role]),
            key=f"sign_in_{role.value}",
            type="primary" if role is Role.OPERATOR else "secondary",
            on_click=session.choose_role,
            args=(role,),
        )
