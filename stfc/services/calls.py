"""Call records for people: searched, masked, and revealed to those who may (PRODUCT 3, screen 3; PRODUCT 9)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stfc.domain.competence import Competence
from stfc.domain.masking import END, SHOWN, mask_number, start_of_subscriber
from stfc.domain.role import Role
from stfc.errors import NotPossibleError
from stfc.services import access
from stfc.services.ports import Actor, AuditLedger, Clock, Page
from stfc.services.queries import CallQuery, ReadModel, View

_NO_FILTER = frozenset({"sort", "descending", "offset", "limit"})
_NUMBERS = frozenset({"line", "called", "search"})
_NAMED = 50


@dataclass(frozen=True)
class RevealedCalls:
    """A whole selection in full: how many ``calls``, and their rows, some at a time (``View.call_stream``).

    ``stream`` may be called from any thread."""

    calls: int
    stream: Callable[[], Iterator[pa.Table]]


class CallSearch:
    """The use cases *search calls* and *reveal numbers*."""

    def __init__(self, views: ReadModel, audit: AuditLedger, clock: Clock) -> None:
        self._views = views
        self._audit = audit
        self._clock = clock

    def find(self, competence: Competence, query: CallQuery) -> Page:
        """The records that match, called numbers masked; for every role."""
        page = self._views.view(competence).calls(query)
        return Page(page.total, page.offset, masked(page.table), page.totals)

    def reveal(self, competence: Competence, query: CallQuery, actor: Actor, *, reason: str) -> Page:
        """The records that match, numbers in full. An audit line stands in the ledger before anything is shown.

        Raises:
            NotAllowedError: a supervisor, or an operator without exactly one contract.
            NotPossibleError: without a reason.
        """
        if len(query.contracts) == 1:
            access.require(actor, Role.OPERATOR, "reveal")
        else:
            access.require(actor, Role.MANAGER, "reveal_bulk")
        view, _ = self._audited("calls.reveal", competence, query, actor, reason)
        return view.calls(query)

    def reveal_all(self, competence: Competence, query: CallQuery, actor: Actor, *, reason: str) -> RevealedCalls:
        """All records that match, numbers in full, for a file; its page is not looked at. Audited as ``reveal``.

        Raises:
            NotAllowedError: the actor is no manager, even for one contract.
            NotPossibleError: without a reason.
        """
        access.require(actor, Role.MANAGER, "reveal_bulk")
        whole = replace(query, offset=0, limit=None)
        view, calls = self._audited("calls.reveal_all", competence, whole, actor, reason)
        return RevealedCalls(calls, partial(view.call_stream, whole))

    def _audited(
        self, action: str, competence: Competence, query: CallQuery, actor: Actor, reason: str
    ) -> tuple[View, int]:
        """The view to read from and how many records match, once the audit line stands in the ledger."""
        if not reason.strip():
            raise NotPossibleError(cause="reveal_reason_missing")
        view = self._views.view(competence)
        total = view.calls(replace(query, offset=0, limit=1)).total
        facts = {"calls": total, "limit": query.limit, "filter": _filter(query)}
        target = _target(competence, query.contracts)
        self._audit.append(actor, self._clock(), action, target, reason=reason.strip(), facts=facts)
        return view, total


def masked(calls: pa.Table) -> pa.Table:
    """``calls`` with the column ``called`` masked (PRODUCT 9)."""
    at = calls.schema.get_field_index("called")
    return calls.set_column(at, "called", masked_numbers(calls["called"].combine_chunks().cast(pa.string())))


def masked_numbers(numbers: pa.Array) -> pa.Array:
    """``mask_number`` of each of ``numbers``, a column at a time: most are told by their start, and starts are few."""
    ends = pc.utf8_slice_codeunits(numbers, -END)
    starts = pc.utf8_slice_codeunits(numbers, 0, -END).dictionary_encode()
    known = pa.array([start_of_subscriber(one) for one in starts.dictionary.to_pylist()], pa.string())
    start = known.take(starts.indices)
    is_whole = pc.and_(pc.equal(pc.utf8_length(ends), END), pc.ascii_is_decimal(ends))
    is_told = pc.fill_null(pc.and_(is_whole, pc.not_equal(start, "")), True)
    told = pc.binary_join_element_wise(start, pc.utf8_slice_codeunits(numbers, -SHOWN), "")
    others = numbers.filter(pc.invert(is_told)).dictionary_encode()
    shown = pa.array(map(mask_number, others.dictionary.to_pylist()), pa.string()).take(others.indices)
    return pc.replace_with_mask(told, pc.invert(is_told), shown)


def _filter(query: CallQuery) -> dict[str, Any]:
    """The filter as the audit trail keeps it: of what may hold a number only that it was set."""
    given = {
        one.name: getattr(query, one.name)
        for one in fields(query)
        if one.name not in _NO_FILTER and getattr(query, one.name) != one.default
    }
    return {name: True if name in _NUMBERS else _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    return [str(one) for one in value[:_NAMED]] if isinstance(value, tuple) else value


def _target(competence: Competence, contracts: Sequence[str]) -> str:
    chosen = f"contract {', '.join(contracts)}" if len(contracts) == 1 else f"{len(contracts) or 'all'} contracts"
    return f"calls {competence}, {chosen}"
