"""Requests for a second person: asked for, approved with their act, denied or run out (ports.ApprovalLedger)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import audit, dump, load
from stfc.errors import NotFoundError, NotPossibleError
from stfc.services.ports import Actor, Approval

approvals = schema.approvals


class SqlApprovalLedger:
    """``ports.ApprovalLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(
        self,
        action: str,
        subject: Mapping[str, Any],
        shown: Mapping[str, Any],
        *,
        reason: str,
        actor: Actor,
        now: datetime,
        expires_at: datetime,
    ) -> Approval:
        """Ask, audited, in one transaction; what the same person still waits for is not asked for twice."""
        with self._database.write() as connection:
            waiting = sa.select(approvals).where(
                approvals.c.status == "pending",
                approvals.c.expires_at > now,
                approvals.c.action == action,
                approvals.c.requested_by == actor.name,
            )
            for row in connection.execute(waiting.order_by(approvals.c.approval)):
                if load(row.facts)["subject"] == dict(subject):
                    return _approval(row, now)
            values = {
                "action": action,
                "facts": dump({"subject": subject, "shown": shown}),
                "reason": reason,
                "status": "pending",
                "requested_at": now,
                "requested_by": actor.name,
                "expires_at": expires_at,
            }
            row = connection.execute(sa.insert(approvals).values(**values).returning(approvals)).one()
            facts = {"action": action, **subject, **shown}
            audit(connection, actor, now, "approval.request", f"approval {row.approval}", reason=reason, facts=facts)
            bump(connection)
            return _approval(row, now)

    def show(self, approval: int, *, now: datetime) -> Approval:
        """One request."""
        with self._database.read() as connection:
            return _approval(_row(connection, approval), now)

    def newest(self, *, now: datetime, limit: int, pending: bool = False) -> list[Approval]:
        """Requests, newest first."""
        query = sa.select(approvals).order_by(approvals.c.approval.desc()).limit(limit)
        if pending:
            query = query.where(approvals.c.status == "pending", approvals.c.expires_at > now)
        with self._database.read() as connection:
            return [_approval(row, now) for row in connection.execute(query)]

    def deny(self, approval: int, *, reason: str, actor: Actor, now: datetime) -> Approval:
        """End it without the act, in one transaction."""
        with self._database.write() as connection:
            row = _decide(connection, approval, "denied", reason, actor, now)
            bump(connection)
            return _approval(row, now)


def spend(
    connection: Connection, approval: int, action: str, subject: Mapping[str, Any], actor: Actor, now: datetime
) -> None:
    """Approve a request by doing, in the caller's transaction, what it asks for: once.

    Raises:
        NotFoundError: there is none of that number for this very act.
        NotPossibleError: it does not wait any more, has run out, or is the actor's own.
    """
    row = _row(connection, approval)
    if row.action != action or load(row.facts)["subject"] != dict(subject):
        raise NotFoundError(kind="approval", key=str(approval))
    _decide(connection, approval, "approved", None, actor, now)


def _decide(
    connection: Connection, approval: int, status: str, reason: str | None, actor: Actor, now: datetime
) -> sa.Row[Any]:
    row = _row(connection, approval)
    standing = _approval(row, now).status
    if standing != "pending":
        raise NotPossibleError(cause="approval_over", approval=approval, status=standing)
    if row.requested_by == actor.name:
        raise NotPossibleError(cause="approval_own", approval=approval)
    values = {"status": status, "decided_at": now, "decided_by": actor.name, "decision_reason": reason}
    done = sa.update(approvals).where(approvals.c.approval == approval).values(**values).returning(approvals)
    verb = "approval.approve" if status == "approved" else "approval.deny"
    facts = {"action": row.action, "requested_by": row.requested_by, **load(row.facts)["subject"]}
    audit(connection, actor, now, verb, f"approval {approval}", reason=reason or row.reason, facts=facts)
    return connection.execute(done).one()


def _row(connection: Connection, approval: int) -> sa.Row[Any]:
    row = connection.execute(sa.select(approvals).where(approvals.c.approval == approval)).first()
    if row is None:
        raise NotFoundError(kind="approval", key=str(approval))
    return row


def _approval(row: sa.Row[Any], now: datetime) -> Approval:
    facts = load(row.facts)
    is_over = row.status == "pending" and row.expires_at <= now
    return Approval(
        approval=row.approval,
        action=row.action,
        subject=facts["subject"],
        shown=facts["shown"],
        reason=row.reason,
        status="expired" if is_over else row.status,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision_reason=row.decision_reason,
    )
