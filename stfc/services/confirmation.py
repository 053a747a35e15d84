"""Asking for another manager's confirmation of an act (PRODUCT 9)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

from stfc.errors import ApprovalRequestedError
from stfc.services.ports import Actor, ApprovalLedger


def ask(
    ledger: ApprovalLedger,
    action: str,
    subject: Mapping[str, Any],
    shown: Mapping[str, Any],
    actor: Actor,
    *,
    reason: str,
    now: datetime,
    hours: int,
) -> NoReturn:
    """Note the request, which waits for ``hours``, and raise ``ApprovalRequestedError``: nothing is done yet."""
    expires_at = now + timedelta(hours=hours)
    asked = ledger.request(action, subject, shown, reason=reason, actor=actor, now=now, expires_at=expires_at)
    raise ApprovalRequestedError(
        approval=asked.approval, action=action, expires_at=asked.expires_at.isoformat(), **asked.shown
    )
