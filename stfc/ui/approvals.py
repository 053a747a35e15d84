"""What waits for a second person, as cards on *Conferência*, *Acompanhamento* and *Parâmetros*."""

import streamlit as st

from stfc.domain import text
from stfc.domain.role import Role
from stfc.services.ports import Approval
from stfc.ui import actions, guard, labels, session, states
from stfc.ui import format as fmt


def show(action: str) -> None:
    """The requests of ``action`` that wait; another manager than who asked may confirm or deny each."""
    waiting = [one for one in session.application().approvals.pending() if one.action == action]
    for one in waiting:
        with st.container(border=True, key=f"stfc_approval_{one.approval}"):
            words, buttons = st.columns([7.7, 2.3], vertical_alignment="center")
            words.markdown(f":orange[:material/group:] {_line(one)}  \n:gray[{_detail(one)}]")
            with buttons.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
                _buttons(one)


def _line(one: Approval) -> str:
    return labels.APPROVAL_LINE.format(approval=one.approval, what=fmt.plain(text.approval_subject(one)))


def _detail(one: Approval) -> str:
    return labels.APPROVAL_DETAIL.format(
        who=fmt.plain(one.requested_by),
        when=fmt.moment(one.requested_at),
        reason=fmt.plain(one.reason),
        expires=fmt.moment(one.expires_at),
    )


def _buttons(one: Approval) -> None:
    if not guard.may(Role.MANAGER):
        return
    if one.requested_by == session.user_name():
        st.markdown(f":gray[{labels.OWN_APPROVAL}]")
        return
    if st.button(labels.DENY, key=f"deny_{one.approval}"):
        _ask(one, approves=False)
    if st.button(labels.APPROVE, key=f"approve_{one.approval}", type="primary"):
        _ask(one, approves=True)


def _ask(one: Approval, *, approves: bool) -> None:
    title = labels.APPROVE_TITLE if approves else labels.DENY_TITLE

    def act(reason: str) -> None:
        service = session.application().approvals
        if approves:
            service.approve(one.approval, session.actor())
        else:
            service.deny(one.approval, session.actor(), reason=reason)
        states.toast((labels.APPROVED if approves else labels.DENIED).format(approval=one.approval))

    actions.confirm(
        title.format(approval=one.approval),
        f"{_line(one)}  \n{_detail(one)}",
        labels.APPROVE if approves else labels.DENY,
        act,
        needs_reason=not approves,
    )
