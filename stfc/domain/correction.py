"""How a corrected file differs from the one that was charged, and how that is settled (PRODUCT 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stfc.domain.money import Micros


class Remedy(StrEnum):
    """How a manager settles a corrected file."""

    CHARGE_AGAIN = "charge-again"
    COMPLEMENT = "complement"
    REFUND = "refund"
    DISMISS = "dismiss"


class Change(StrEnum):
    """What became of a call."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"


@dataclass(frozen=True)
class FiledCall:
    """A call as a file has it: ``amount`` is the platform's, in micros, ``duration`` in seconds."""

    call_id: str
    line: str
    called: str
    started_at: datetime
    duration: int
    call_class: str
    amount: Micros

    @property
    def event(self) -> tuple[str, str, datetime]:
        """What the call is known by where the file gave it another id."""
        return self.line, self.called, self.started_at


@dataclass(frozen=True)
class CallChange:
    """A call that one of the files lacks (None), or that both have but not the same."""

    before: FiledCall | None
    after: FiledCall | None

    @property
    def change(self) -> Change:
        """New, gone or changed."""
        if self.before is None:
            return Change.NEW
        return Change.GONE if self.after is None else Change.CHANGED

    @property
    def call(self) -> FiledCall:
        """The call as it is now, or as it was last."""
        found = self.after or self.before
        assert found is not None, "one of the files has it"
        return found


@dataclass(frozen=True)
class ClassChange:
    """The calls of one class and their amounts (micros) in both files."""

    call_class: str
    calls_before: int
    calls_after: int
    before: Micros
    after: Micros


@dataclass(frozen=True)
class FileDifference:
    """Two versions of a file: every class that either has, and the calls that differ, by start."""

    classes: tuple[ClassChange, ...]
    calls: tuple[CallChange, ...]


def difference(before: Sequence[FiledCall], after: Sequence[FiledCall]) -> FileDifference:
    """What ``after`` has otherwise than ``before``. Calls are paired by their id, then by line, number and start."""
    pairs = _paired(before, after)
    changed = [pair for pair in pairs if pair.before is None or pair.after is None or _differ(pair.before, pair.after)]
    classes = sorted({call.call_class for call in (*before, *after)})
    return FileDifference(
        classes=tuple(_of_class(name, before, after) for name in classes),
        calls=tuple(sorted(changed, key=lambda one: (one.call.started_at, one.call.call_id))),
    )


def _paired(before: Sequence[FiledCall], after: Sequence[FiledCall]) -> list[CallChange]:
    by_id = {call.call_id: call for call in before}
    pairs = [CallChange(by_id.pop(call.call_id), call) for call in after if call.call_id in by_id]
    taken = {pair.call.call_id for pair in pairs}
    by_event = {call.event: call for call in by_id.values()}
    pairs += [CallChange(by_event.pop(call.event, None), call) for call in after if call.call_id not in taken]
    kept = {pair.before.call_id for pair in pairs if pair.before}
    return pairs + [CallChange(call, None) for call in before if call.call_id not in kept]


def _differ(one: FiledCall, other: FiledCall) -> bool:
    return (one.event, one.duration, one.call_class, one.amount) != (
        other.event,
        other.duration,
        other.call_class,
        other.amount,
    )


def _of_class(name: str, before: Sequence[FiledCall], after: Sequence[FiledCall]) -> ClassChange:
    was, now = ([call.amount for call in calls if call.call_class == name] for calls in (before, after))
    return ClassChange(name, len(was), len(now), Micros(sum(was)), Micros(sum(now)))
