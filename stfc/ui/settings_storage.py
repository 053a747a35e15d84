"""Storage on the screen: disks, calls, the last backup, retention with its preview, the doctor with safe repairs."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from stfc.domain import text
from stfc.services.health import Diagnosis
from stfc.services.ports import DiskState, KeptMonth
from stfc.services.retention import RetentionPreview
from stfc.services.storage import Stored
from stfc.ui import actions, labels, session, states, tables
from stfc.ui import format as fmt
from stfc.ui.tables import Column

_DIAGNOSIS: Final = "settings_diagnosis"
_DISKS: Final = (
    Column("place", "Pasta", 0),
    Column("free", "Livre", 0, right=True),
    Column("state", "Gravação", 0, words=labels.DISK_STATE),
    Column("cause", "Causa", 0),
)
_KEPT: Final = (
    Column("month", "Competência", 0),
    Column("calls", "Ligações", 0, unit="count"),
    Column("parts", "Arquivos", 0, unit="count"),
    Column("size", "Tamanho", 0, right=True),
    Column("state", "Com a retenção", 0, words=labels.RETENTION_STATES),
)
_SEEN: Final = (
    Column("kind", "Tipo", 0, words=labels.DOCTOR_KINDS),
    Column("check", "Parte", 0),
    Column("words", "O que foi visto", 0),
    Column("repair", "O que fazer", 0),
)


def show() -> None:
    """Everything that is stored, and its two acts."""
    stored = session.application().storage.look()
    tables.small([_disk(one) for one in stored.disks], _DISKS, alt=labels.STORAGE_TAB)
    st.markdown(f"{_sums(stored)}  \n{_backup(stored)}")
    _retention(stored.retention)
    _doctor()


def _disk(one: DiskState) -> dict[str, Any]:
    free = labels.DISK_FREE.format(free=fmt.size(one.free))
    state = "failed" if one.refusal else "done"
    return {"place": str(one.place), "free": free, "state": state, "cause": one.refusal or fmt.NOTHING}


def _sums(stored: Stored) -> str:
    kept = stored.retention.kept
    return labels.STORED.format(
        calls=fmt.counted(sum(one.calls for one in kept), "ligação", "ligações"),
        parts=fmt.counted(sum(one.parts for one in kept), "arquivo", "arquivos"),
        size=fmt.size(sum(one.size for one in kept)),
        snapshots=fmt.counted(stored.snapshots, "importação", "importações"),
    )


def _backup(stored: Stored) -> str:
    if stored.backup is None:
        return labels.NO_BACKUP
    line = stored.backup
    return labels.LAST_BACKUP.format(when=fmt.moment(line.at), who=fmt.plain(line.who), file=fmt.plain(line.target))


# --- Retention -------------------------------------------------------------------------------------------------------


def _retention(preview: RetentionPreview) -> None:
    st.header(labels.RETENTION_HEAD, anchor=False)
    months = text.parameter_value(preview.months, "months")
    st.markdown(f":gray[{labels.RETENTION_HINT.format(months=months, before=fmt.month(preview.before))}]")
    if preview.kept:
        tables.small(kept_rows(preview), _KEPT, alt=labels.RETENTION_HEAD)
    if not preview.due:
        st.markdown(f":gray[{labels.RETENTION_NONE}]")
        return
    calls = fmt.counted(sum(one.calls for one in preview.due), "ligação", "ligações")
    if st.button(labels.RETENTION_APPLY.format(calls=calls), key="retention_apply", icon=":material/auto_delete:"):
        _ask(preview.due)


def kept_rows(preview: RetentionPreview) -> list[dict[str, Any]]:
    """Every competence with calls, and what retention does to it."""
    state = dict.fromkeys(preview.due, "failed") | dict.fromkeys(preview.blocked, "pending")
    return [
        {
            "month": fmt.month(one.competence),
            "calls": one.calls,
            "parts": one.parts,
            "size": fmt.size(one.size),
            "state": state.get(one, "kept"),
        }
        for one in preview.kept
    ]


def _ask(due: Sequence[KeptMonth]) -> None:
    what = _what(due)

    def act(reason: str) -> None:
        chosen = [one.competence for one in due]
        gone = session.application().retention.apply(session.actor(), reason=reason, competences=chosen)
        states.toast(labels.RETENTION_DONE.format(what=_what(gone)))

    months = ", ".join(fmt.month(one.competence) for one in due)
    actions.confirm(
        labels.RETENTION_TITLE,
        labels.RETENTION_FACTS.format(months=months, what=what),
        labels.RETENTION_APPLY.format(calls=fmt.counted(sum(one.calls for one in due), "ligação", "ligações")),
        act,
        warning=labels.RETENTION_WARNING,
        needs_reason=True,
    )


def _what(months: Sequence[KeptMonth]) -> str:
    calls, parts, size = (sum(getattr(one, name) for one in months) for name in ("calls", "parts", "size"))
    return text.let_go(calls, parts, size)


# --- The doctor ------------------------------------------------------------------------------------------------------


def _doctor() -> None:
    st.header(labels.DOCTOR_HEAD, anchor=False)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="stfc_doctor"):
        st.markdown(f":gray[{labels.DOCTOR_HINT}]", width="stretch")
        pressed = st.button(labels.DOCTOR_RUN, icon=":material/stethoscope:", key="doctor_run")
    if pressed:
        with st.spinner(labels.DOCTOR_RUNNING):
            st.session_state[_DIAGNOSIS] = session.application().doctor.examine()
    if (found := st.session_state.get(_DIAGNOSIS)) is not None:
        _findings(found)


def _findings(found: Diagnosis) -> None:
    if found.ok:
        st.markdown(f":green[:material/check_circle: {labels.DOCTOR_OK}]")
    seen = [("failed", one) for one in found.findings] + [("note", one) for one in found.notes]
    rows = [
        {
            "kind": kind,
            "check": text.CHECKS[one.check],
            "words": f"{text.observation(one)} ({one.code})",
            "repair": text.DOCTOR_REPAIRS[one.code],
        }
        for kind, one in seen
    ]
    if rows:
        tables.small(rows, _SEEN, alt=labels.DOCTOR_HEAD)
    if found.actions:
        words = labels.DOCTOR_REPAIR.format(repairs=fmt.counted(len(found.actions), *labels.DOCTOR_REPAIR_NOUN))
        st.button(words, key="doctor_repair", icon=":material/build:", on_click=_repair)


def _repair() -> None:
    found: Diagnosis = st.session_state[_DIAGNOSIS]
    doctor = session.application().doctor
    for done in doctor.repair(found, session.actor()):
        words = text.error(done.error) if done.error else text.fill(text.REPAIRED[done.action], {"count": done.count})
        states.toast(fmt.plain(words), ":material/error:" if done.error else ":material/check_circle:")
    st.session_state[_DIAGNOSIS] = doctor.examine()
