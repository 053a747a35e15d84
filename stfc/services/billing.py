"""*Gerar Cobrança*: what a run would bring, and opening its batch (PRODUCT 3, screen 5)."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.domain.forecast import Forecast
from stfc.domain.money import Centavos, cut
from stfc.domain.role import Role
from stfc.errors import NotFoundError, NotPossibleError, PlatformError, StaleSnapshotError
from stfc.services import access
from stfc.services.approvals import SecondPerson
from stfc.services.ports import (
    Actor,
    BatchLedger,
    Clock,
    Evaluation,
    OpenedBatch,
    SnapshotLedger,
    SummitGateway,
)
from stfc.services.queries import Expectation, ReadModel

_SURPRISES = 10
_LISTING_WORTH = 20


@dataclass(frozen=True)
class Surprise:
    """A contract that the platform announces far from what its own past foretells (centavos).

    ``usual`` is that forecast, ``is_outside`` whether ``expected`` lies outside its range.
    """

    contract: str
    customer: str
    expected: Centavos
    usual: Centavos
    is_outside: bool = False


@dataclass(frozen=True)
class Preview:
    """What billing the chosen contracts would bring. ``from_platform`` of them have a file announced, ``from_history``
    are foreseen from their past (``domain.forecast``); the rest have neither. ``platform_code`` says why the platform
    was not asked. ``forecasts`` are those of each contract, ``expected_amount`` is their sum."""

    competence: Competence
    contracts: int
    expected_calls: int
    expected_amount: Centavos
    from_platform: int
    from_history: int
    warnings: Mapping[str, int]
    surprises: tuple[Surprise, ...]
    platform_code: str | None
    forecasts: Mapping[str, Forecast] = field(default_factory=dict)

    @property
    def expected_low(self) -> Centavos:
        """Where the range of the run begins: every contract at the low end of its own."""
        return Centavos(sum(one.low for one in self.forecasts.values()))

    @property
    def expected_high(self) -> Centavos:
        """Where the range of the run ends: every contract at the high end of its own."""
        return Centavos(sum(one.high for one in self.forecasts.values()))


class Billing:
    """Preview, open, retry, cancel and reverse: the acts of an operator."""

    def __init__(
        self,
        *,
        read_model: ReadModel,
        batches: BatchLedger,
        snapshots: SnapshotLedger,
        gateway: Callable[[], SummitGateway],
        clock: Clock,
        second: SecondPerson | None = None,
    ) -> None:
        """``second`` asks for another manager's confirmation where a parameter wants it."""
        self._read_model = read_model
        self._batches = batches
        self._snapshots = snapshots
        self._gateway = gateway
        self._clock = clock
        self._second = second

    # --- Before the run

    def preview(self, competence: Competence, contracts: Sequence[str]) -> Preview:
        """What billing ``contracts`` would bring; opens nothing.

        The platform's descriptors count where it has them, else the contract's history.
        """
        expectations = self._read_model.expectations(competence, contracts)
        described, code = self._described(competence, [e.contract for e in expectations])
        calls = from_platform = 0
        forecasts: dict[str, Forecast] = {}
        warnings: dict[str, int] = {}
        surprises: list[Surprise] = []
        for usual in expectations:
            descriptor = described.get(usual.contract)
            if descriptor and descriptor.available and descriptor.amount is not None:
                from_platform += 1
                calls += descriptor.records or 0
                forecasts[usual.contract] = Forecast.announced(cut(descriptor.amount))
                if usual.forecast:
                    surprises.append(_surprise(usual, forecasts[usual.contract].value, usual.forecast))
            elif usual.forecast:
                calls += usual.calls or 0
                forecasts[usual.contract] = usual.forecast
            for caution in usual.cautions:
                warnings[caution] = warnings.get(caution, 0) + 1
        surprises.sort(key=lambda s: (-abs(s.expected - s.usual), s.contract))
        return Preview(
            competence=competence,
            contracts=len(expectations),
            expected_calls=calls,
            expected_amount=Centavos(sum(one.value for one in forecasts.values())),
            from_platform=from_platform,
            from_history=len(forecasts) - from_platform,
            warnings=dict(sorted(warnings.items())),
            surprises=tuple(surprises[:_SURPRISES]),
            platform_code=code,
            forecasts=forecasts,
        )

    def _described(
        self, competence: Competence, contracts: Sequence[str]
    ) -> tuple[Mapping[str, Descriptor], str | None]:
        try:
            return asyncio.run(self._ask(competence, contracts)), None
        except PlatformError as error:
            return {}, error.code

    async def _ask(self, competence: Competence, contracts: Sequence[str]) -> Mapping[str, Descriptor]:
        async with self._gateway() as gateway:
            if len(contracts) > _LISTING_WORTH:
                return await gateway.month(competence)
            found = await asyncio.gather(
                *(gateway.descriptor(c, competence) for c in contracts), return_exceptions=True
            )
        described = {}
        for contract, answer in zip(contracts, found, strict=True):
            if isinstance(answer, Descriptor):
                described[contract] = answer
            elif not isinstance(answer, PlatformError):
                raise answer
        return described

    # --- The run

    def open(
        self,
        competence: Competence,
        contracts: Iterable[str] | None,
        actor: Actor,
        *,
        request_key: str | None = None,
        preview: Preview | None = None,
    ) -> OpenedBatch:
        """Open a batch over ``contracts``, or over all in the list when None; returns at once.

        Each contract is checked again: those that are not in the list are refused with the rule. The same
        ``request_key`` gives the same batch, so that no double click, reload or second tab opens another. What is
        expected is kept with the batch: as ``preview`` said it where somebody saw one of this competence, else from
        history, for which the platform is not asked.

        Raises:
            NotAllowedError: the actor is no operator.
            NotFoundError: a contract that the ERP does not know; nothing is opened.
            NotPossibleError: nothing was imported yet.
        """
        access.require(actor, Role.OPERATOR, "bill")
        seen = preview.forecasts if preview and preview.competence == competence else None
        while True:
            snapshot = self._snapshots.current()
            if snapshot is None:
                raise NotPossibleError(cause="no_snapshot")
            chosen = self._read_model.eligible(competence) if contracts is None else sorted(set(contracts))
            evaluation = self._read_model.evaluate(snapshot, competence, chosen)
            unknown = [contract for contract in chosen if contract not in evaluation.failed]
            if unknown:
                raise NotFoundError(kind="contract", key=unknown[0])
            try:
                return self._open_checked(competence, chosen, evaluation, actor, request_key, seen)
            except StaleSnapshotError:
                continue

    def _open_checked(
        self,
        competence: Competence,
        chosen: Sequence[str],
        evaluation: Evaluation,
        actor: Actor,
        request_key: str | None,
        seen: Mapping[str, Forecast] | None,
    ) -> OpenedBatch:
        failed: dict[str, Rule] = {c: rule for c in chosen if (rule := evaluation.failed[c])}
        passed = [c for c in chosen if c not in failed]
        opened = self._batches.open(
            competence,
            passed,
            snapshot=evaluation.snapshot,
            actor=actor,
            now=self._clock(),
            request_key=request_key,
            forecasts=self._read_model.forecasts(competence, passed) if seen is None else seen,
        )
        refused = {c: rule.key for c, rule in failed.items()} | dict(opened.refused)
        return OpenedBatch(opened.batch, opened.items, dict(sorted(refused.items())))

    # --- After the run

    def retry(
        self,
        batch: int,
        actor: Actor,
        *,
        items: Sequence[int] | None = None,
        codes: Sequence[str] = (),
        contracts: Sequence[str] | None = None,
    ) -> int:
        """Try failed and ``waiting_file`` contracts of a batch again: all, or those that carry one of ``codes`` and are
        among ``items`` or ``contracts``; gives how many.

        Raises:
            NotFoundError: the batch has no such contract; nothing is tried then.
        """
        access.require(actor, Role.OPERATOR, "retry")
        if contracts is not None:
            found = {row.contract: row.item for row in self._batches.items(batch, contracts=contracts)[1]}
            for contract in contracts:
                if contract not in found:
                    raise NotFoundError(kind="batch_contract", key=contract)
            items = sorted(found.values())
        return self._batches.retry(batch, items=items, codes=codes, actor=actor, now=self._clock())

    def cancel(self, batch: int, actor: Actor) -> int:
        """Cancel what has not started; gives how many."""
        access.require(actor, Role.OPERATOR, "cancel")
        return self._batches.cancel(batch, actor=actor, now=self._clock())

    def reverse(
        self,
        batch: int,
        actor: Actor,
        *,
        reason: str,
        contracts: Sequence[str] | None = None,
        approval: int | None = None,
    ) -> int:
        """Reverse (estornar) a batch's charges, or those of ``contracts``, while their value is not invoiced.

        A held charge waits for a manager (PRODUCT 7), and to reverse it is to reject it: a manager's act too.

        Args:
            approval: the request that the actor, a manager then, approves by it, see ``Approvals.approve``.

        Raises:
            NotPossibleError: without a reason, where a value is invoiced by now, or where one is held and the actor is
                no manager; nothing is reversed then.
            ApprovalRequestedError: another manager must confirm it; nothing is reversed yet.
        """
        access.require(actor, Role.OPERATOR if approval is None else Role.MANAGER, "reverse")
        if not reason.strip():
            raise NotPossibleError(cause="reason_missing")
        if self._second and approval is None:
            self._second.before_reversal(batch, contracts, actor, reason=reason.strip())
        while True:
            # Taken before the values: an import in between is noticed, and no value that it invoices is reversed.
            snapshot = self._snapshots.current()
            try:
                return self._batches.reverse(
                    batch,
                    contracts=contracts,
                    invoiced=self._read_model.invoiced_values(),
                    reason=reason.strip(),
                    actor=actor,
                    now=self._clock(),
                    snapshot=snapshot,
                    approval=approval,
                    may_decide=Role(actor.role).covers(Role.MANAGER),
                )
            except StaleSnapshotError:
                continue


def _surprise(usual: Expectation, announced: Centavos, foreseen: Forecast) -> Surprise:
    return Surprise(usual.contract, usual.customer, announced, foreseen.value, not foreseen.holds(announced))
