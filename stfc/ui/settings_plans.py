"""Tariff plans on the screen: versions, upload with every problem named, and the sample."""

from pathlib import Path
from typing import Final

import streamlit as st

from stfc.domain import text
from stfc.errors import PlansRefusedError
from stfc.ui import format as fmt
from stfc.ui import labels, session, states, tables
from stfc.ui.tables import Column

_SAMPLE: Final = Path(__file__).resolve().parents[2] / "data" / "plans" / "exemplo.toml"
_LARGEST: Final = 1 << 20
_PLANS: Final = (
    Column("code", "Código", 0),
    Column("name", "Nome", 0),
    Column("since", "Vigência desde", 0, unit="day"),
    Column("mode", "Modo", 0),
    Column("used", "Uso", 0, words=labels.PLAN_USED),
    Column("at", "Importado em", 0, unit="moment"),
    Column("by", "Por", 0),
)
_PROBLEMS: Final = (Column("key", "Chave", 0), Column("cause", "Causa", 0))


def show() -> None:
    """All versions, then the upload."""
    found = session.application().plans.rows()
    if found:
        rows = [
            {
                "code": one.version.code,
                "name": one.version.name,
                "since": one.version.valid_from,
                "mode": text.MODES[one.version.mode],
                "used": "used" if one.used else "free",
                "at": one.imported_at,
                "by": one.imported_by,
            }
            for one in found
        ]
        tables.small(rows, _PLANS, alt=labels.PLANS_TAB)
    else:
        states.empty(labels.PLANS_EMPTY, labels.PLANS_EMPTY_WORDS, key="plans")
    st.markdown(f":gray[{labels.PLANS_HINT}]")
    _upload()


def _upload() -> None:
    file = st.file_uploader(labels.PLAN_UPLOAD, type="toml", key="plans_file")
    with st.container(horizontal=True, gap="xsmall", key="stfc_plans_acts"):
        st.download_button(
            labels.PLAN_SAMPLE, _SAMPLE.read_bytes(), "planos-exemplo.toml", key="plans_sample", on_click="ignore"
        )
        pressed = st.button(labels.PLAN_IMPORT, type="primary", key="plans_import", disabled=file is None)
    if pressed and file is not None:
        if file.size > _LARGEST:
            states.error(labels.PLAN_TOO_LARGE.format(size=fmt.size(_LARGEST)), key="plans")
            return
        _import(file.getvalue())


def _import(content: bytes) -> None:
    try:
        done = session.application().plans.import_(content, session.actor())
    except PlansRefusedError as error:
        problems = error.facts["problems"]
        words = labels.PLANS_REFUSED.format(problems=fmt.counted(len(problems), "problema", "problemas"))
        states.error(f"**{words}**", key="plans")
        tables.small([vars(one) for one in problems], _PROBLEMS, alt=words)
        return
    states.toast(labels.PLANS_IMPORTED.format(plans=fmt.counted(len(done), "versão", "versões")))
    st.rerun()
