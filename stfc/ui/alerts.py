"""What stops billing now, said on every screen: the platform, its credential, the disk, or no worker (picture 14)."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Final

import streamlit as st

from stfc.domain import text
from stfc.domain.competence import local_day
from stfc.domain.outcome import PLATFORM_DOWN, STORAGE_REFUSES
from stfc.domain.role import Role
from stfc.errors import StfcError
from stfc.services.ports import BatchSummary, PlatformState
from stfc.services.status import SystemStatus
from stfc.ui import labels, session, states, tracking, tracking_acts, url
from stfc.ui.format import clock, counted, moment, plain

_ACTIVE_EVERY: Final = 5.0
_IDLE_EVERY: Final = 20.0


def show() -> None:
    """Cards below the head of a screen, if anything stops billing; they come and go without a rerun of the page."""
    st.fragment(_draw, run_every=_ACTIVE_EVERY if session.status().active else _IDLE_EVERY)()


def _draw() -> None:
    try:
        status = session.status()
    except StfcError:
        # The page and the foot say it; this part runs by itself every few seconds.
        return
    if status.disk and not any(batch.pause_code == STORAGE_REFUSES for batch in status.active):
        words = labels.DISK_REFUSES.format(since=_since(status.disk.since, status.now))
        hint = labels.DISK_HINT.format(
            place=plain(status.disk.place), cause=labels.DISK_CAUSES.get(status.disk.cause, plain(status.disk.cause))
        )
        states.error(words, hint, key="disk", icon=":material/hard_drive:")
    paused = sorted((batch for batch in status.active if batch.pause_code), key=lambda one: one.pause_code or "")
    for code, batches in groupby(paused, key=lambda one: one.pause_code or ""):
        _draw_pause(code, list(batches), status)
    waiting = [batch for batch in status.active if batch.status in tracking.LIVE]
    if waiting:
        _draw_slowed(waiting[0].batch, status)
    # On a disk that is full no worker can say that it is alive.
    if waiting and not status.workers and not status.disk:
        words = labels.NO_WORKER.format(batches=counted(len(waiting), *labels.BATCH_NOUN))
        states.error(words, labels.NO_WORKER_HINT, key="worker", icon=":material/pause_circle:")


def _draw_pause(code: str, batches: Sequence[BatchSummary], status: SystemStatus) -> None:
    sentence, detail = paused_words(batches, status.platform, status.now)
    numbers = [batch.batch for batch in batches]
    steps = _see(numbers[0])
    if tracking_acts.may_act():
        again = states.Step(labels.TRY_NOW, tracking_acts.resume, (numbers,), icon=":material/refresh:")
        steps = [again, *steps]
    else:
        detail += labels.TRY_NOW_REFUSED.format(needed=labels.ROLES[Role.OPERATOR])
    icon = ":material/key_off:" if code == "SUM-401" else ":material/cloud_off:"
    states.error(sentence, detail, *steps, key=f"paused_{code.lower()}", icon=icon)


def _draw_slowed(batch: int, status: SystemStatus) -> None:
    until = status.platform.not_before if status.platform else None
    if until and until > status.now:
        hint = labels.SLOWED_HINT.format(span=tracking.countdown(until, status.now))
        words, icon = labels.SLOWED.format(clock=clock(until, seconds=True)), ":material/speed:"
        states.error(words, hint, *_see(batch), key="slowed", icon=icon, tone="orange")


def _see(batch: int) -> list[states.Step]:
    """The way to the batch, where it is not open already."""
    if url.get("lote") == str(batch):
        return []
    act = partial(tracking_acts.open_page, labels.TRACKING, lote=str(batch))
    return [states.Step(labels.SEE_BATCH.format(batch=batch), act, may_be_primary=False)]


def paused_words(batches: Sequence[BatchSummary], platform: PlatformState | None, now: datetime) -> tuple[str, str]:
    """Sentence and detail of batches that one code pauses: since when, what it means, what to do, what comes next."""
    code = batches[0].pause_code or ""
    is_down = platform is not None and not platform.up and code in PLATFORM_DOWN
    begun = [batch.paused_at for batch in batches if batch.paused_at]
    since = platform.since if platform is not None and is_down else min(begun, default=None)
    next_check = platform.next_check_at if platform is not None and is_down else None
    if platform is not None and code == "SUM-429":
        next_check = platform.not_before
    check = labels.NEXT_CHECK.format(span=tracking.countdown(next_check, now)) if next_check else ""
    cause = text.CODES.get(code, code)
    sentence, detail = labels.PAUSES.get(code, (labels.PLATFORM_SILENT, labels.PLATFORM_AGAIN))
    return (
        sentence.format(since=_since(since, now), batches=_named(batches)),
        detail.format(code=code, cause=cause[:1].lower() + cause[1:], check=check),
    )


def _since(instant: datetime | None, now: datetime) -> str:
    if instant is None:
        return ""
    is_today = local_day(instant) == local_day(now)
    return labels.PAUSED_SINCE.format(when=clock(instant) if is_today else moment(instant))


def _named(batches: Sequence[BatchSummary]) -> str:
    first = batches[0].batch
    if len(batches) == 1:
        return labels.PAUSED_ONE.format(batch=first)
    return labels.PAUSED_MANY.format(batch=first, count=len(batches) - 1)
