"""The life of a competence: listed, closed with its report, reopened (PRODUCT 11)."""

from dataclasses import dataclass

from stfc.domain.competence import Competence
from stfc.domain.month import MonthState, month_state
from stfc.domain.role import Role
from stfc.errors import NotPossibleError
from stfc.services import access
from stfc.services.ports import Actor, Clock, MonthLedger, MonthRow
from stfc.services.queries import ReadModel


@dataclass(frozen=True)
class Month:
    """A competence and its state; ``eligible`` contracts are still in its list."""

    row: MonthRow
    state: MonthState
    eligible: int


class Months:
    """List for every role; close and reopen, the acts of a manager."""

    def __init__(self, ledger: MonthLedger, read_model: ReadModel, clock: Clock) -> None:
        self._ledger = ledger
        self._read_model = read_model
        self._clock = clock

    def all(self) -> list[Month]:
        """Every competence that anything was billed in, newest first."""
        return [self._month(row) for row in self._ledger.rows()]

    def close(self, competence: Competence, actor: Actor) -> Month:
        """Freeze the charges, calls and files of ``competence`` with a checksum, and make its report.

        From then on nothing in it changes: opening a batch, retrying, cancelling, reversing, deciding holds and
        compacting are refused by the ledger until a manager reopens it.

        Raises:
            NotAllowedError: the actor is no manager.
            NotPossibleError: it is closed, was never billed, or something in it waits, runs or is held.
        """
        access.require(actor, Role.MANAGER, "close_month")
        figures = self._read_model.view(competence).indicators()
        by_rule = {rule: count for rule, count in figures["not_invoiced_by_rule"].items() if count}
        coverage = {
            "not_invoiced": figures["not_invoiced"],
            "eligible": figures["eligible"],
            "kept_out_by_rule": by_rule,
        }
        return self._month(self._ledger.close(competence, coverage=coverage, actor=actor, now=self._clock()))

    def reopen(self, competence: Competence, actor: Actor, *, reason: str) -> Month:
        """Let a closed competence change again.

        Raises:
            NotAllowedError: the actor is no manager.
            NotPossibleError: without a reason, or it is not closed.
        """
        access.require(actor, Role.MANAGER, "reopen_month")
        if not reason.strip():
            raise NotPossibleError(cause="reopen_reason_missing")
        return self._month(self._ledger.reopen(competence, reason=reason.strip(), actor=actor, now=self._clock()))

    def _month(self, row: MonthRow) -> Month:
        if row.closing:
            return Month(row, MonthState.CLOSED, row.closing.report["coverage"]["eligible"])
        eligible = self._read_model.view(row.competence).indicators()["eligible"]
        return Month(row, month_state(is_closed=False, standing=row.standing, eligible=eligible), eligible)
