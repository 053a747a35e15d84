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
from stfc.domain.role import Role
from stfc.services.ports import Actor
from stfc.services.status import SystemStatus

_ROLE_KEY = "stfc_role"
_COOKIE = "stfc_role"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@st.cache_resource(show_spinner=False)
def application() -> Application:
    """The services, wired once per process by ``bootstrap`` from environment and ``stfc.toml``."""
    return bootstrap.from_environment()


def status() -> SystemStatus:
    """What the system's parts do now; read once a rerun and cheap."""
    return application().status.now()


def presence() -> Callable[[], bool]:
    """Whether this session's tab is connected, to be asked from any thread, later."""
    context = get_script_run_ctx()
    assert context is not None, "asked for outside of a script's run"
    tab = context.session_id
    return lambda: runtime.exists() and runtime.get_instance().is_active_session(tab)


def is_loopback() -> bool:
    """Whether only this machine reaches the server: a local role without a login is good for nothing else."""
    return st.get_option("server.address") in _LOOPBACK


def fixed_role() -> Role | None:
    """The role that ``STFC_ROLE`` sets; then no screen asks."""
    role = application().settings.role
    return Role(role) if role else None


def role() -> Role | None:
    """The role of this session: the fixed one, else the one chosen here, else the one that this browser remembers."""
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
        cookie = f"{_COOKIE}={st.session_state[_ROLE_KEY].value}; path=/; SameSite=Strict"
        st.html(f"<script>document.cookie = '{cookie}'</script>", unsafe_allow_javascript=True)


def user_name() -> str:
    """The name that batches and the audit trail carry: ``STFC_USER``, else the account that runs the server."""
    configured = application().settings.user
    if configured:
        return configured
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def actor() -> Actor:
    """Who acts from this screen. Call behind ``guard.require``."""
    chosen = role()
    assert chosen is not None, "a page acted without guard.require"
    return Actor(name=user_name(), role=chosen.value, surface="tela")
