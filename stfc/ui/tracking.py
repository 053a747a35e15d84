"""*Gerar Cobrança - Acompanhamento*: where a batch stands, in words and figures, and which batches a filter shows.

The address of the screen, for links from elsewhere (``url.open_page(labels.TRACKING, lote="47")``):

* ``lote``: the batch whose *Logs de processamento* are open; its page of the list is found by itself.
* ``contrato``: the contract of that batch whose log is read.
* ``resultado`` (repeated; ``todos``), ``causa``, ``busca``, ``parte``: what the open batch's list shows.
* ``aba=contratos``: the second tab. ``q``, ``situacao`` (``execucao``, ``pendencias``, ``concluidos``; repeated),
  ``mes=1`` (only the competence of the header), ``quem``, ``de``, ``ate``, ``pagina``: the filter and the page.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence, local_day
from stfc.services.ports import BatchSummary, ItemRow, RecentWork
from stfc.services.queries import ContractQuery
from stfc.services.status import SystemStatus
from stfc.ui import competence, figures, labels, session
from stfc.ui.filters import Chosen
from stfc.ui.format import clock, count, counted, duration, moment, span

RUNNING: Final = "execucao"
PENDING: Final = "pendencias"
DONE: Final = "concluidos"
OUTCOMES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    RUNNING: ("waiting", "running"),
    PENDING: ("waiting_file", "failed", "held"),
    DONE: ("charged", "zero"),
}
"""What each pill means for one contract."""
LIVE: Final = frozenset({"waiting", "running"})
"""Statuses in which a batch changes by itself."""
PROBLEMS: Final = ("held", "waiting_file", "failed", "refused")
"""Outcomes that someone has to look at: an opened batch shows these first."""
REVERSIBLE: Final = frozenset({"charged", "zero", "held"})
RETRIABLE: Final = frozenset({"failed", "waiting_file"})

_BATCH_WORDS: Final = re.compile(r"(?:lote\s*|#\s*)(\d{1,9})", re.IGNORECASE | re.ASCII)
_LIVE_EVERY: Final = 1.5
_PAUSED_EVERY: Final = 5.0
_RECENT: Final = timedelta(minutes=2)
"""The end is foretold from the pace of this last stretch: an old start, or an old pace, says little."""


# --- One batch -------------------------------------------------------------------------------------------------------


def pending(batch: BatchSummary) -> int:
    """How many contracts of the batch wait for someone: no file yet, failed, or held."""
    return sum(batch.live[outcome] for outcome in OUTCOMES_OF[PENDING])


def kind(batch: BatchSummary) -> str:
    """Which pill the batch falls under; a cancelled one under none."""
    if batch.status in ("waiting", "running", "paused"):
        return RUNNING
    if batch.status == "done":
        return PENDING if pending(batch) else DONE
    return batch.status


def state(batch: BatchSummary) -> tuple[str, str]:
    """The batch's state as a key of ``states.TONES``, and the words of its badge."""
    if batch.status == "paused":
        return "paused", labels.PAUSED.format(code=batch.pause_code)
    shown = "pending" if kind(batch) == PENDING else batch.status
    return shown, labels.BATCH_STATES[shown]


def done(batch: BatchSummary) -> int:
    """How many contracts neither wait nor run any more."""
    return batch.items - batch.open_items


def percent_done(batch: BatchSummary) -> int:
    """Whole percent, cut: 100 only when nothing is open."""
    return 100 * done(batch) // batch.items if batch.items else 100


def within_reach(*, decides: bool) -> frozenset[str]:
    """The outcomes that a reversal reaches; who may not decide leaves the held ones (PRODUCT 7)."""
    return REVERSIBLE if decides else REVERSIBLE - {"held"}


def reversible(batch: BatchSummary, *, decides: bool = True) -> int:
    """How many charges of the batch a reversal would reach."""
    return sum(batch.live[outcome] for outcome in within_reach(decides=decides))


def cancellable(batch: BatchSummary) -> int:
    """How many contracts have not started: in the queue, or waiting for their file."""
    return batch.outcomes["waiting"] + batch.outcomes["waiting_file"]


def cancel_words(batch: BatchSummary) -> str:
    """*Cancelar 146 na fila*: says what would be cancelled."""
    queued, without_file = batch.outcomes["waiting"], batch.outcomes["waiting_file"]
    if queued and without_file:
        return labels.CANCEL_BOTH.format(count=count(queued + without_file))
    return (labels.CANCEL_QUEUED if queued else labels.CANCEL_WAITING_FILE).format(count=count(queued or without_file))


def seconds_spent(batch: BatchSummary, now: datetime) -> float | None:
    """How long the batch has been worked on, in seconds; until its pause or end. None before it starts."""
    if batch.started_at is None:
        return None
    return batch.spent(now).total_seconds()


@dataclass(frozen=True)
class Pulse:
    """What is read of a running batch beside its counts: recent work, and when the next contract is tried again."""

    recent: RecentWork | None = None
    next_try_at: datetime | None = None


NO_PULSE: Final = Pulse()


def seconds_left(batch: BatchSummary, now: datetime, pulse: Pulse) -> float | None:
    """How long the rest may take, in seconds, at the pace of the last minutes.

    None when nothing ended in them, or when nobody works on the batch at this moment.
    """
    if batch.status != "running" or not batch.outcomes["running"] or pulse.recent is None:
        return None
    seconds = (now - max(pulse.recent.begun, now - _RECENT)).total_seconds()
    return batch.open_items * seconds / pulse.recent.ended if seconds > 0 else None


def countdown(until: datetime, now: datetime) -> str:
    """``12 s``, ``3 min 05 s``: how long until then, whole seconds begun; ``0 s`` when it has come."""
    return duration(math.ceil(max(0.0, (until - now).total_seconds())))


def counts_down(batch: BatchSummary, now: datetime, pulse: Pulse) -> bool:
    """Whether nothing is done for the batch until a next try."""
    return pulse.next_try_at is not None and pulse.next_try_at > now and not batch.outcomes["running"]


def outlook(batch: BatchSummary, now: datetime, pulse: Pulse) -> str:
    """``faltam cerca de 6 min``, or ``próxima tentativa em 12 s`` where nothing is done until then; else nothing."""
    if counts_down(batch, now, pulse):
        return next_try(pulse.next_try_at, now)
    left = seconds_left(batch, now, pulse)
    if left is None:
        return ""
    return labels.ABOUT_LEFT.format(span=span(left)) if left >= 60 else labels.LESS_LEFT


def progress(batch: BatchSummary, now: datetime, pulse: Pulse = NO_PULSE) -> list[str]:
    """``de 486``, ``69%``, ``10 min 42 s``, ``faltam cerca de 6 min``, ``3 estornados``: what follows the count."""
    parts = [labels.PROGRESS_OF.format(total=count(batch.items)), f"{percent_done(batch)}%"]
    spent = seconds_spent(batch, now)
    if spent is not None:
        # A countdown takes its place, for which there would be no room.
        parts += [] if counts_down(batch, now, pulse) else [duration(spent)]
    elif batch.status == "waiting":
        parts.append(labels.QUEUED_FOR.format(span=span((now - batch.created_at).total_seconds())))
    if ahead := outlook(batch, now, pulse):
        parts.append(ahead)
    if batch.reversed:
        parts.append(counted(batch.reversed, *labels.REVERSED_NOUN))
    return parts


# --- The causes in a batch -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cause:
    """Contracts of a batch that carry one code with one outcome, and what to do about it.

    ``due`` is when the next of them is tried, or their files looked for, by itself, where that is settled.
    """

    code: str
    outcome: str
    contracts: int
    due: datetime | None = None

    @property
    def words(self) -> str:
        """What the code means."""
        return text.CODES.get(self.code, self.code)

    @property
    def can_retry(self) -> bool:
        """Whether a retry takes these contracts up at all."""
        return self.outcome in RETRIABLE

    @property
    def can_succeed(self) -> bool:
        """Whether a retry now, without any other act, can turn them into charges."""
        return self.chance == "now"

    @property
    def chance(self) -> str:
        """Whether a retry can succeed, a key of ``labels.CHANCES``."""
        if self.outcome in LIVE:
            return "itself"
        if not self.can_retry:
            return "never"
        if self.outcome == "waiting_file":
            return "file"
        return "now" if self.code in text.CAN_SUCCEED else "fixed"

    def remedy(self, now: datetime) -> str:
        """What to do; what goes on by itself needs nobody, and says when it does."""
        if self.outcome == "waiting_file" and self.due:
            return labels.RETRIES_ITSELF.format(next_try=next_look(self.due, now))
        if self.outcome not in LIVE:
            return text.REMEDIES.get(self.code, "")
        return labels.RETRIES_ITSELF.format(next_try=next_try(self.due, now) or labels.RETRIES_SOON)


def next_try(due: datetime | None, now: datetime) -> str:
    """``próxima tentativa em 12 s``; nothing where none is settled."""
    if due is None:
        return ""
    return labels.NEXT_TRY_IN.format(span=countdown(due, now)) if due > now else labels.NEXT_TRY_NOW


def next_look(due: datetime, now: datetime) -> str:
    """``nova consulta à Summit às 16:00``, with the day if it is another; it stays true where nothing refreshes."""
    if local_day(due) == local_day(now):
        return labels.NEXT_LOOK.format(when=clock(due))
    return labels.NEXT_LOOK_DAY.format(when=moment(due))


def causes_of(
    rows: Iterable[tuple[str, str, int]], outcomes: Collection[str], due: Mapping[str, datetime] | None = None
) -> list[Cause]:
    """The causes among ``outcomes`` (all when empty), most contracts first; ``due`` says by code when what waits goes
    on by itself. What is being tried at this moment has none."""
    tried = due or {}
    found = [
        Cause(code, outcome, number, tried.get(code) if outcome in (*LIVE, "waiting_file") else None)
        for code, outcome, number in rows
        if outcome != "running" and (not outcomes or outcome in outcomes)
    ]
    return sorted(found, key=lambda cause: (-cause.contracts, cause.code, cause.outcome))


def shown_outcomes(batch: BatchSummary, asked: Sequence[str]) -> tuple[str, ...]:
    """Which outcomes the open batch's list shows: those asked for, else what needs a person; empty for all."""
    if labels.ALL_OUTCOMES in asked:
        return ()
    chosen = tuple(name for name in figures.OUTCOME_ORDER if name in asked and batch.standing.get(name))
    return chosen or tuple(name for name in PROBLEMS if batch.live[name])


def can_retry(item: ItemRow) -> bool:
    """Whether a retry takes the contract up."""
    return item.outcome in RETRIABLE and not item.reversed


def can_reverse(item: ItemRow) -> bool:
    """Whether the contract's charge stands and can be reversed."""
    return item.outcome in REVERSIBLE and not item.reversed


# --- Which batches a filter shows ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Match:
    """What the search text stands for: a batch by its number, contracts by number or customer; None for anything."""

    batch: int | None = None
    contracts: tuple[str, ...] | None = None


def batch_in(search: str) -> int | None:
    """The batch that ``search`` names in words (*lote 47*, *#47*)."""
    found = _BATCH_WORDS.fullmatch(search.strip())
    return int(found[1]) if found else None


def matched(search: str) -> Match:
    """What ``search`` stands for; contracts are looked up in the competence shown, deleted ones too."""
    if not search:
        return Match()
    named = batch_in(search)
    if named is not None:
        return Match(batch=named)
    view = session.application().views.view(competence.current())
    ids = tuple(view.contract_ids(ContractQuery(search=search, include_deleted=True)))
    plain_number = search.isascii() and search.isdigit() and len(search) < 10
    return Match(int(search) if plain_number else None, ids)


def holders(match: Match) -> set[int] | None:
    """The batches that ``match`` finds; None for all."""
    if match == Match():
        return None
    found = session.application().batches.holding(match.contracts) if match.contracts else set()
    return found | ({match.batch} if match.batch is not None else set())


def found(fitting: Sequence[BatchSummary], chosen: Chosen, match: Match) -> list[BatchSummary]:
    """Those of ``fitting`` that search and pills leave."""
    holding = holders(match)
    return [
        batch
        for batch in fitting
        if (not chosen.situation or kind(batch) in chosen.situation) and (holding is None or batch.batch in holding)
    ]


def narrows(chosen: Chosen) -> bool:
    """Whether fields that speak of the batch itself are filtered."""
    return bool(chosen.only_month or chosen.who or chosen.since or chosen.until)


def fits(batch: BatchSummary, chosen: Chosen, month: Competence) -> bool:
    """Whether the batch itself passes the filter: competence, who and when, not search and pills."""
    opened: date = local_day(batch.created_at)
    return (
        (not chosen.only_month or batch.competence == month)
        and (not chosen.who or batch.created_by == chosen.who)
        and (chosen.since is None or opened >= chosen.since)
        and (chosen.until is None or opened <= chosen.until)
    )


def outcomes_chosen(chosen: Chosen) -> tuple[str, ...]:
    """The contracts' outcomes that the pills stand for; empty for all."""
    return tuple(outcome for pill in chosen.situation for outcome in OUTCOMES_OF[pill])


# --- What is read ----------------------------------------------------------------------------------------------------


def refresh_every(status: SystemStatus) -> float | None:
    """How often to look again, in seconds: often while a batch runs, seldom while one is paused, else never."""
    if any(batch.status in LIVE for batch in status.active):
        return _LIVE_EVERY
    return _PAUSED_EVERY if status.active else None


def tab_numbers(key: object, batches: int, contracts: int) -> tuple[int, int]:
    """The counts that the tabs show: while the screen refreshes itself, those it had when ``key`` was new.

    Streamlit knows tabs by their words: other counts would be other tabs, drawn from nothing at every look.
    """
    shown: tuple[object, tuple[int, int]] | None = st.session_state.get("tracking_counts")
    if key is None or shown is None or shown[0] != key:
        shown = st.session_state["tracking_counts"] = (key, (batches, contracts))
    return shown[1]


def people() -> dict[str, str]:
    """Who opened batches, for a filter."""
    names = sorted({batch.created_by for batch in batches()})
    return {name: name for name in names}


def batches() -> list[BatchSummary]:
    """Every batch, newest first; what a month's batches come to is remembered below until something changes in it."""
    return session.application().batches.newest()


def names(contracts: Collection[str]) -> dict[str, str]:
    """The customers of ``contracts``; those that the ERP does not know any more are absent."""
    if not contracts:
        return {}
    view = session.application().views.view(competence.current())
    query = ContractQuery(contracts=tuple(sorted(set(contracts))), include_deleted=True, limit=None)
    table = view.contracts(query).table
    return dict(zip(table.column("contract").to_pylist(), table.column("customer").to_pylist(), strict=True))


def contracts_words(number: int) -> str:
    """``1 contrato``, ``486 contratos``."""
    return counted(number, *labels.CONTRACT_NOUN)


def pulse_of(batch: BatchSummary, now: datetime) -> Pulse:
    """What moves in a batch now; nothing in one that does not run."""
    if batch.status != "running":
        return NO_PULSE
    ledger = session.application().batches
    # While a worker is at it, something else ends first.
    tries = {} if batch.outcomes["running"] else ledger.next_tries(batch.batch)
    return Pulse(ledger.recent(batch.batch, now - _RECENT), min(tries.values(), default=None))
