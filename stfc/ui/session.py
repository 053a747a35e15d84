"""The one application that a process of screens shares, and who sits before this one."""

import getpass
import os
from collections.abc import Callable
from contextlib import suppress

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from stfc import bootstrap
from stfc.bootstrap import Application
from stfc.domain.login import LOOPBACK, Login, Person, Standing
from stfc.domain.login import person as described
from stfc.domain.role import Role
from stfc.errors import LoginEndedError
from stfc.services.ports import Actor
from stfc.services.status import SystemStatus
from stfc.ui import logins, protection, scripts

_ROLE_KEY = "stfc_role"
_COOKIE = "stfc_role"
_STATUS_KEY = "stfc_status"


@st.cache_resource(show_spinner=False)
def application() -> Application:
    """The services, wired once per process by ``bootstrap`` from environment and ``stfc.toml``."""
    return bootstrap.from_environment()


def status() -> SystemStatus:
    """What the system's parts do now, read once a run of the script or of a fragment: all that a run shows is of one
    moment, and the five who ask cost the ledger one answer."""
    context = get_script_run_ctx()
    if context is None:
        return application().status.now()
    # Streamlit begins each run with new cursors; they are the only mark of a run that it keeps.
    of_run, known = st.session_state.get(_STATUS_KEY, (None, None))
    if isinstance(known, SystemStatus) and of_run is context.cursors:
        return known
    found = application().status.now()
    st.session_state[_STATUS_KEY] = context.cursors, found
    return found


def presence() -> Callable[[], bool]:
    """Whether this session's tab is connected, to be asked from any thread, later."""
    context = get_script_run_ctx()
    assert context is not None, "asked for outside of a script's run"
    tab = context.session_id
    return lambda: runtime.exists() and runtime.get_instance().is_active_session(tab)


def is_loopback() -> bool:
    """Whether only this machine reaches the server: a local role without a login is good for nothing else."""
    return st.get_option("server.address") in LOOPBACK


# --- With an identity provider ---------------------------------------------------------------------------------------


def login() -> Login | None:
    """The login by an identity provider; None where a local role serves."""
    return application().settings.login


def person() -> Person | None:
    """Who logged in, as the signed cookie said when this tab connected; None before, and without a provider."""
    asked = login()
    if asked is None or not st.user.get("is_logged_in"):
        return None
    return described(dict(st.user), asked)


def standing() -> Standing | None:
    """Whether the person's login still holds; None without one."""
    asked, who = login(), person()
    return None if asked is None or who is None else logins.standing_of(who, asked, application().clock())


def has_ended() -> bool:
    """Whether a login that this tab had does not hold any more."""
    return standing() in (Standing.IDLE, Standing.OVER)


def seconds_left() -> float | None:
    """How long the login holds if nobody acts; None without a provider or a person."""
    asked, who = login(), person()
    seen = logins.of_process().seen(who.login) if who else None
    if asked is None or who is None or seen is None:
        return None
    return (min(seen + asked.idle, who.issued + asked.most) - application().clock()).total_seconds()


def touch() -> None:
    """Somebody acted. What a screen does by itself (its foot, a part that refreshes) is no act."""
    if who := person():
        logins.of_process().touch(who.login, application().clock())


def leave() -> None:
    """End the login here and at the provider; a copy of its cookie opens nothing any more."""
    if who := person():
        logins.of_process().end(who.login)
    st.logout()


def was_refused() -> bool:
    """Whether the last try to log in ended without one."""
    return protection.REFUSED_COOKIE in st.context.cookies


# --- The local role --------------------------------------------------------------------------------------------------


def fixed_role() -> Role | None:
    """The role that ``STFC_ROLE`` sets; then no screen asks. With an identity provider it sets none."""
    settings = application().settings
    return Role(settings.role) if settings.role and settings.login is None else None


def role() -> Role | None:
    """The role of this session: the provider's, for as long as the login holds; else the fixed one, the one chosen
    here, or the one that this browser remembers."""
    if login() is not None:
        who = person()
        return who.role if who and standing() is Standing.CURRENT else None
    if fixed := fixed_role():
        return fixed
    if _ROLE_KEY not in st.session_state:
        with suppress(ValueError):
            st.session_state[_ROLE_KEY] = Role(st.context.cookies.get(_COOKIE, ""))
    return st.session_state.get(_ROLE_KEY)


def choose_role(chosen: Role) -> None:
    """Take the role for this session; ``remember_role`` then makes a reload keep it."""
    st.session_state[_ROLE_KEY] = chosen
    st.session_state["stfc_role_changed"] = True


def remember_role() -> None:
    """Write a newly chosen role into this browser, once (a reload starts a new session that would ask again)."""
    if st.session_state.pop("stfc_role_changed", False):
        scripts.run(scripts.remember(st.session_state[_ROLE_KEY]))


def user_name() -> str:
    """The name that batches and the audit trail carry: the provider's, ``STFC_USER``, or the server's account."""
    if who := person():
        return who.name
    configured = application().settings.user
    if configured:
        return configured
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def actor() -> Actor:
    """Who acts from this screen. Call behind ``guard.require``, and anew for each act: a click may come too late.

    Raises:
        LoginEndedError: the login does not hold any more.
    """
    chosen = role()
    if chosen is None:
        raise LoginEndedError()
    touch()
    return Actor(name=user_name(), role=chosen.value, surface="tela")
