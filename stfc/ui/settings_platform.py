"""The platform's test on the screen: four steps with their times, and what failed."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from stfc.domain import text
from stfc.services.platform_check import CheckedStep
from stfc.ui import format as fmt
from stfc.ui import labels, session, tables
from stfc.ui.tables import Column

_RESULT: Final = "settings_platform_result"
_STEPS: Final = (
    Column("step", "Etapa", 0),
    Column("state", "Resultado", 0, words=labels.STEP_STATES),
    Column("words", "O que foi visto", 0),
    Column("time", "Tempo", 0, right=True),
)


def show() -> None:
    """The button, and the last test of this session."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="stfc_platform_test"):
        st.markdown(f":gray[{labels.TEST_HINT}]", width="stretch")
        pressed = st.button(labels.TEST_PLATFORM, type="primary", icon=":material/network_check:", key="platform_test")
    if pressed:
        with st.spinner(labels.TESTING):
            app = session.application()
            st.session_state[_RESULT] = (app.clock(), asyncio.run(app.platform_check.run()))
    if _RESULT in st.session_state:
        at, steps = st.session_state[_RESULT]
        st.markdown(labels.TESTED_AT.format(clock=fmt.clock(at, seconds=True), words=verdict(steps)))
        tables.small(rows(steps), _STEPS, alt=labels.PLATFORM_TAB)


def verdict(steps: Sequence[CheckedStep]) -> str:
    """Whether all went well, or where it stopped."""
    failed = next((one for one in steps if one.ok is False), None)
    return labels.TEST_FAILED.format(step=text.PLATFORM_STEPS[failed.step]) if failed else labels.TEST_OK


def rows(steps: Sequence[CheckedStep]) -> list[dict[str, Any]]:
    """The steps as the table has them."""
    states = {True: "done", False: "failed", None: "skipped"}
    return [
        {
            "step": text.PLATFORM_STEPS[one.step],
            "state": states[one.ok],
            "words": text.platform_step(one),
            "time": fmt.NOTHING if one.ok is None or one.step == "address" else fmt.elapsed(one.milliseconds),
        }
        for one in steps
    ]
