"""Every inline script that a page of ours may run, letter for letter: the page's policy names them by hash."""

import re
from pathlib import Path
from typing import Final

import streamlit as st

from stfc.domain.role import Role

_REMEMBER: Final = "document.cookie = 'stfc_role={role}; path=/; SameSite=Strict'"
# The number comes from the address, so that the script is the same for every batch.
BATCH_INTO_VIEW: Final = (
    "document.querySelector('.st-key-stfc_batch_' + Number(new URLSearchParams(location.search).get('lote')))"
    "?.scrollIntoView({block: 'start'})"
)


def remember(role: Role) -> str:
    """Keeps a chosen role in the browser."""
    return _REMEMBER.format(role=role.value)


def run(script: str) -> None:
    """Run one of ``allowed`` in the page."""
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def allowed() -> tuple[str, ...]:
    """All of them, and those of Streamlit's own page."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    return (*re.findall(r"<script>(.*?)</script>", page, re.DOTALL), *map(remember, Role), BATCH_INTO_VIEW)
