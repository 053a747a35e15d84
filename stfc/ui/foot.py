"""The foot of the sidebar: the running batch, platform, worker, age of the ERP's data, and who is here."""

from pathlib import Path

import streamlit as st

from stfc.domain.role import Role
from stfc.errors import StfcError
from stfc.services.ports import BatchSummary
from stfc.services.status import SystemStatus
from stfc.ui import figures, labels, session, states, tracking
from stfc.ui.format import age, count, month, plain, span

_TRACKING = Path(__file__).resolve().parents[2] / "pages" / f"{labels.TRACKING.file}.py"
_SHORTEST = 0.5
_BUSY_EVERY = 3.0
_IDLE_EVERY = 20.0


def show() -> None:
    """Draw the foot; it refreshes itself, faster while a batch runs or is paused, without a rerun of the page."""
    busy = bool(session.status().active)
    with st.sidebar:
        st.fragment(_state, run_every=_every(busy))()
        _who()


def _every(busy: bool) -> float:
    """Seconds until the foot looks again: not later than the login may end, so that nobody reads on after it."""
    left = session.seconds_left()
    every = _BUSY_EVERY if busy else _IDLE_EVERY
    return every if left is None else max(_SHORTEST, min(every, left))


def _state() -> None:
    if session.has_ended():
        st.rerun()
    try:
        status = session.status()
    except StfcError as error:
        # The page says it at length; this part runs by itself every few seconds.
        st.markdown(f":red[●] {plain(states.sentence(error))}")
        return
    if status.active:
        # What moves says more than what is paused or waits behind it.
        _batch(min(status.active, key=lambda batch: batch.status != "running"), status)
    st.markdown(_platform(status))
    st.markdown(_worker(status))
    if not status.workers:
        st.caption(labels.WORKERS_NONE_HINT)
    st.markdown(f":material/database: {_snapshot(status)}")


def _batch(batch: BatchSummary, status: SystemStatus) -> None:
    name, done = labels.BATCH.format(batch=batch.batch), tracking.percent_done(batch)
    head = f"**{name}** · {month(batch.competence)} · **{done}%**"
    st.page_link(_TRACKING, label=head, query_params={"lote": str(batch.batch)})
    figures.outcome_bar(batch.standing, thin=True)
    words = f"{count(tracking.done(batch))} de {tracking.contracts_words(batch.items)}"
    # Only the dot is a place to break the line.
    ahead = _ahead(batch, status).replace(" ", "\N{NO-BREAK SPACE}")
    st.caption(f"{words} · {ahead}" if ahead else words)


def _ahead(batch: BatchSummary, status: SystemStatus) -> str:
    """What to expect of the batch: its pause, its place in the queue, the next try, or how long is left."""
    if batch.status == "paused":
        words = tracking.state(batch)[1]
        return words[:1].lower() + words[1:]
    if batch.started_at is None:
        return labels.BATCH_STATES["waiting"].lower()
    pulse = tracking.pulse_of(batch, status.now)
    left = tracking.seconds_left(batch, status.now, pulse)
    return labels.LEFT.format(span=span(left)) if left and left >= 60 else tracking.outlook(batch, status.now, pulse)


def _platform(status: SystemStatus) -> str:
    if not status.configured:
        return f":gray[●] {labels.PLATFORM_NONE}"
    if status.platform is None:
        return f":gray[●] {labels.PLATFORM_UNKNOWN}"
    if not status.platform.up:
        return f":red[●] {labels.PLATFORM_DOWN.format(age=age(status.platform.since, status.now))}"
    if status.platform.latency_ms is None:
        return f":green[●] {labels.PLATFORM_UP_PLAIN}"
    return f":green[●] {labels.PLATFORM_UP.format(latency=status.platform.latency_ms)}"


def _worker(status: SystemStatus) -> str:
    running = sum(worker.running for worker in status.workers)
    if not status.workers:
        return f":red[●] {labels.WORKERS_NONE}"
    if running:
        return f":green[●] {labels.WORKERS_RUNNING.format(running=count(running))}"
    if any(batch.status == "paused" for batch in status.active):
        return f":orange[●] {labels.WORKERS_PAUSED}"
    return f":green[●] {labels.WORKERS_IDLE}"


def _snapshot(status: SystemStatus) -> str:
    if status.imported_at is None:
        return labels.NO_ERP
    return labels.SNAPSHOT.format(age=age(status.imported_at, status.now))


def _who() -> None:
    if (person := session.person()) and person.role:
        st.markdown(f":material/account_circle: {plain(person.name)} · {labels.ROLES[person.role]}")
        st.button(labels.LOGOUT, key="stfc_logout", icon=":material/logout:", type="tertiary", on_click=session.leave)
        return
    role = session.role()
    if role is None:
        return
    words = f"{plain(session.user_name())} · {labels.ROLES[role]}"
    if session.fixed_role():
        st.markdown(f":material/account_circle: {words}")
        return
    with st.popover(words, icon=":material/account_circle:", type="tertiary", help=labels.CHANGE_ROLE):
        st.radio(
            labels.CHANGE_ROLE,
            list(Role),
            index=list(Role).index(role),
            format_func=lambda one: labels.ROLES[one],
            captions=[labels.ROLES_MAY[one] for one in Role],
            key="stfc_role_picker",
            on_change=lambda: session.choose_role(st.session_state["stfc_role_picker"]),
        )
