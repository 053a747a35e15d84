"""What stops batches: the platform is silent, refuses the credential, or no worker is alive (design, picture 14)."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from stfc.domain import text
from stfc.domain.role import Role
from stfc.services.ports import BatchSummary, PlatformState
from stfc.services.status import SystemStatus
from stfc.ui import labels, states, tracking, tracking_acts
from stfc.ui.format import clock, counted


def show(status: SystemStatus) -> None:
    """The card of what stops batches now, if anything does."""
    paused = [batch for batch in status.active if batch.status == "paused"]
    if paused:
        _paused(paused, status)
    waiting = [batch for batch in status.active if batch.status in tracking.LIVE]
    if waiting and not status.workers:
        words = labels.NO_WORKER.format(batches=counted(len(waiting), *labels.BATCH_NOUN))
        states.error(words, labels.NO_WORKER_HINT, key="worker", icon=":material/pause_circle:")


def unknown(batch: int) -> None:
    """The address names a batch that there is not."""
    states.error(labels.UNKNOWN_BATCH.format(batch=batch), labels.UNKNOWN_BATCH_HINT, key="batch")


def _paused(batches: Sequence[BatchSummary], status: SystemStatus) -> None:
    sentence, detail = paused_words(batches, status.platform, status.now)
    if tracking_acts.may_act():
        numbers = [batch.batch for batch in batches]
        step = states.Step(labels.TRY_NOW, partial(tracking_acts.resume, numbers), icon=":material/refresh:")
        states.error(sentence, detail, step, key="paused", icon=":material/cloud_off:")
        return
    detail += labels.TRY_NOW_REFUSED.format(needed=labels.ROLES[Role.OPERATOR])
    states.error(sentence, detail, key="paused", icon=":material/cloud_off:")


def paused_words(batches: Sequence[BatchSummary], platform: PlatformState | None, now: datetime) -> tuple[str, str]:
    """Sentence and detail of paused batches, newest first: since when, the code, and what happens next."""
    code = batches[0].pause_code or ""
    named = _named(batches)
    is_down = platform is not None and not platform.up
    since = platform.since if platform is not None and is_down else batches[0].paused_at
    when = labels.PLATFORM_SINCE.format(clock=clock(since)) if since else ""
    if code == "SUM-401":
        return labels.CREDENTIALS_REFUSED.format(batches=named, since=when), labels.CREDENTIALS_AGAIN
    next_check = platform.next_check_at if platform is not None and is_down else None
    check = labels.NEXT_CHECK.format(seconds=max(0, int((next_check - now).total_seconds()))) if next_check else ""
    cause = text.CODES.get(code, code)
    detail = labels.PLATFORM_AGAIN.format(code=code, cause=cause[:1].lower() + cause[1:], check=check)
    return labels.PLATFORM_SILENT.format(since=when, batches=named), detail


def _named(batches: Sequence[BatchSummary]) -> str:
    first = batches[0].batch
    if len(batches) == 1:
        return labels.PAUSED_ONE.format(batch=first)
    return labels.PAUSED_MANY.format(batch=first, count=len(batches) - 1)
