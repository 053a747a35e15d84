"""What the files of a chunk come to: repeats, classes, lines, totals and the amount to charge (PRODUCT 5-7)."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import structlog

from stfc.adapters.billing_files import ParsedFiles, parse_files
from stfc.adapters.calls.anomalies import Anomalies
from stfc.adapters.calls.classification import derive
from stfc.adapters.calls.lines import NO_CONTRACT, OTHER_CONTRACT, LineDirectory, issues, line_directory
from stfc.adapters.calls.rating import ratings
from stfc.adapters.calls.repeats import is_repeat
from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.calls.store import ParquetCallStore
from stfc.domain.billing_file import Descriptor, Totals
from stfc.domain.masking import mask_number
from stfc.domain.money import MICROS_PER_REAL, Centavos, Micros, cut
from stfc.domain.outcome import Charged, Failed, Finding, Held, Outcome, Zero
from stfc.domain.rating.charging import Charging, OurRating, charging
from stfc.errors import FileFormatError, StfcError
from stfc.services.ports import Arrived, Assessment, ChunkSpec, ClaimedItem, Clock, LogLine

_log = structlog.get_logger("stfc.worker")

_EXAMPLES = 3
# About 100,000 records: the size that columns like best, and a bound on memory however large a chunk's files are.
_SLICE_BYTES = 10_000_000
_EPOCH = date(1970, 1, 1)
_DAY_US = 86_400_000_000
# A file's period, like a competence, counts the days of America/Sao_Paulo, whatever zone a line or a record is in.
_MIDNIGHT_US = 3 * 3_600_000_000
_NOTHING = Totals(0, 0, Micros(0))
_RATING_EVENTS = {"TAR-DIF": "rating_differs", "TAR-SEM": "tariff_missing"}


class ColumnarAssessor:
    """Implements ``ports.CallAssessor``: all files of a chunk at once, in columns."""

    def __init__(self, store: ParquetCallStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def assess(self, spec: ChunkSpec, arrived: Mapping[int, Arrived]) -> Assessment:
        """Charged, Zero, Held or Failed with ARQ-FMT for every arrived item, its log, and the calls of the good ones.

        A file that a defect of ours cannot get over fails alone, with STF-000, and is tried again.

        Raises:
            StorageError: an earlier part or the snapshot cannot be read.
        """
        # In contract order, so that the part is sorted as it falls.
        items = sorted((item for item in spec.items if item.item in arrived), key=lambda item: item.contract)
        outcomes: dict[int, Outcome] = {}
        log: dict[int, Sequence[LogLine]] = {}
        plans: dict[int, frozenset[str]] = {}
        periods: dict[int, tuple[date, date]] = {}
        tables = [PART_SCHEMA.empty_table()]
        slices = _slices(items, arrived)
        for found in chain.from_iterable(self._assessed(spec, some, arrived) for some in slices):
            outcomes.update(found.outcomes)
            log.update(found.log)
            plans.update(found.plans)
            periods.update(found.periods)
            tables.append(found.calls)
        return Assessment(outcomes, log, pa.concat_tables(tables), plans, periods)

    def _assessed(
        self, spec: ChunkSpec, items: list[ClaimedItem], arrived: Mapping[int, Arrived]
    ) -> Iterator[Assessment]:
        """What the items come to. Where a defect ends it they are halved until the file that it is about stands alone;
        nothing is fetched again for it."""
        try:
            yield self._assess(spec, items, arrived)
        except StfcError:
            raise
        except Exception as defect:
            if len(items) == 1:
                _log.error("file_defect", code=StfcError.code, batch=spec.batch, item=items[0].item, exc_info=defect)
                failed = Failed(StfcError.code, {"cause": type(defect).__name__}, is_transient=True)
                yield Assessment({items[0].item: failed}, {}, PART_SCHEMA.empty_table())
            else:
                middle = len(items) // 2
                yield from self._assessed(spec, items[:middle], arrived)
                yield from self._assessed(spec, items[middle:], arrived)

    def _assess(self, spec: ChunkSpec, items: list[ClaimedItem], arrived: Mapping[int, Arrived]) -> Assessment:
        files = [(item.contract, arrived[item.item].body) for item in items]
        parsed = parse_files(files, spec.competence)
        calls = _with_contract(parsed, items)
        found = _totals(calls)
        repeats = is_repeat(calls, self._store.earlier_keys([item.contract for item in items], spec.calls))
        kept = _derived(calls.filter(~repeats), parsed, line_directory(spec.snapshot_folder))
        periods = {index: (head.header.period_from, head.header.period_until) for index, head in parsed.heads.items()}
        rated = ratings(kept, periods, [item.contract for item in items], spec.plans, spec.snapshot_folder)
        figures = _figures(kept)
        since = {index: first for index, (first, _) in periods.items()}
        odd = Anomalies(kept, since, items, spec, self._store)
        cases = {
            item.item: _Case(
                arrived[item.item],
                found.get(index, _NOTHING),
                figures.get(index, _Figures()),
                rated.files.get(index),
                partial(odd.of, index),
                self._clock,
            )
            for index, item in enumerate(items)
        }
        outcomes = {item: case.judge(parsed, index) for index, (item, case) in enumerate(cases.items())}
        log = {item: case.log for item, case in cases.items()}
        plans = {items[index].item: keys for index, keys in rated.plans.items()}
        days = {items[index].item: period for index, period in periods.items()}
        return Assessment(outcomes, log, _part(kept.hstack(rated.calls)), plans, days)


@dataclass(frozen=True)
class _Figures:
    """The kept calls of one file. ``foreign``: by code, how many calls, and examples of lines (masked) or contracts."""

    kept: Totals = _NOTHING
    late: int = 0
    foreign: Mapping[str, tuple[int, list[str]]] = field(default_factory=dict)


class _Case:
    """One file: its outcome and the log that says how it came to it."""

    def __init__(
        self,
        arrived: Arrived,
        found: Totals,
        figures: _Figures,
        rating: OurRating | None,
        odd: Callable[[Centavos], Sequence[Finding]],
        clock: Clock,
    ) -> None:
        self._descriptor = arrived.descriptor
        self._sha256 = arrived.descriptor.sha256 or hashlib.sha256(arrived.body).hexdigest()
        self._found = found
        self._figures = figures
        self._rating = rating
        self._odd = odd
        self._clock = clock
        self.log: list[LogLine] = []

    def judge(self, parsed: ParsedFiles, index: int) -> Outcome:
        """The outcome of file ``index``."""
        self._checksum()
        failure = parsed.failures.get(index)
        return self._unreadable(failure) if failure else self._assessed(parsed.heads[index].declared)

    def _unreadable(self, error: FileFormatError) -> Outcome:
        self._say("error", "parse", "unreadable", **error.facts)
        return Failed(error.code, dict(error.facts), error.is_transient)

    def _assessed(self, declared: Totals) -> Outcome:
        kept = self._figures.kept
        self._say("ok", "parse", "parsed", **_facts(self._found))
        findings = [*self._differences(declared), *self._foreign_lines()]
        dropped = self._found.records - kept.records
        if dropped:
            self._say("warning", "check", "repeats", dropped=dropped)
        if self._figures.late:
            self._say("warning", "check", "late", calls=self._figures.late)
        platform = cut(kept.amount)
        self._say("ok", "check", "amount", calls=kept.records, amount_micros=kept.amount, amount_centavos=platform)
        charge = self._rated(platform)
        amount = charge.amount
        findings += [*charge.findings, *self._anomalies(amount)]
        # What differs is held whatever its amount: nobody knows yet what the right one is.
        if findings:
            return Held(amount, kept.records, dropped, self._sha256, tuple(findings))
        if amount == 0:
            return Zero(kept.records, dropped, self._sha256)
        return Charged(amount, kept.records, dropped, self._sha256)

    def _rated(self, platform: Centavos) -> Charging:
        rating = self._rating
        found = charging(platform, rating)
        if rating:
            amounts = {"ours": rating.amount, "platform": rating.platform}
            self._say("ok", "rating", "rated", plan=rating.version.key, mode=rating.version.mode.value, **amounts)
        for level, some in (("error", found.findings), ("warning", found.warnings)):
            for one in some:
                self._say(level, "rating", _RATING_EVENTS[one.code], **one.facts)
        return found

    def _anomalies(self, amount: Centavos) -> Sequence[Finding]:
        found = self._odd(amount)
        for one in found:
            self._say("error", "check", "anomaly", **one.facts)
        return found

    def _checksum(self) -> None:
        self._say("ok", "integrity", "sha256_agrees" if self._descriptor.sha256 else "sha256", sha256=self._sha256)

    def _differences(self, declared: Totals) -> list[Finding]:
        findings = []
        for source, announced in (("trailer", _facts(declared)), ("descriptor", _announced(self._descriptor))):
            found = _facts(self._found)
            wrong = {name: value for name, value in announced.items() if value is not None and value != found[name]}
            if wrong:
                facts = {"source": source, "declared": wrong, "found": {name: found[name] for name in wrong}}
                findings.append(Finding("ARQ-TOT", facts))
                self._say("error", "check", "totals_differ", **facts)
        if not findings:
            self._say("ok", "check", "totals_agree")
        return findings

    def _foreign_lines(self) -> list[Finding]:
        findings = []
        for code, (calls, examples) in sorted(self._figures.foreign.items()):
            facts = {"calls": calls, "lines" if code == NO_CONTRACT else "contracts": examples}
            findings.append(Finding(code, facts))
            self._say("error", "check", "no_contract" if code == NO_CONTRACT else "other_contract", **facts)
        return findings

    def _say(self, level: str, step: str, event: str, **facts: Any) -> None:
        self.log.append(LogLine(self._clock(), level, step, event, facts))


def _slices(items: list[ClaimedItem], arrived: Mapping[int, Arrived]) -> Iterator[list[ClaimedItem]]:
    """The items in runs whose files have ``_SLICE_BYTES`` together, a larger file one of its own."""
    run: list[ClaimedItem] = []
    size = 0
    for item in items:
        body = len(arrived[item.item].body)
        if run and size + body > _SLICE_BYTES:
            yield run
            run, size = [], 0
        run.append(item)
        size += body
    if run:
        yield run


def _with_contract(parsed: ParsedFiles, items: list[ClaimedItem]) -> pl.DataFrame:
    files = parsed.records["file"]
    return parsed.records.with_columns(
        contract=pl.Series([item.contract for item in items], dtype=pl.String).gather(files),
        claim=pl.Series([item.claim for item in items], dtype=pl.Int64).gather(files),
    )


def _derived(calls: pl.DataFrame, parsed: ParsedFiles, lines: LineDirectory) -> pl.DataFrame:
    """The kept calls with all derived columns, by file and start."""
    derived = derive(calls)
    owners = lines.owners(derived)
    full = derived.with_columns(owner=owners, issue=issues(owners, derived["contract"]), late=_is_late(derived, parsed))
    return full if _is_sorted(full) else full.sort("file", "started_at", maintain_order=True)


def _is_late(calls: pl.DataFrame, parsed: ParsedFiles) -> pl.Series:
    """Which calls started before the period of their file."""
    first_days = np.zeros(max(parsed.heads, default=0) + 1, dtype=np.int64)
    for index, head in parsed.heads.items():
        first_days[index] = (head.header.period_from - _EPOCH).days
    starts = calls["started_at"].to_physical().to_numpy()
    return pl.Series("late", starts < (first_days * _DAY_US + _MIDNIGHT_US)[calls["file"].to_numpy()])


def _is_sorted(calls: pl.DataFrame) -> bool:
    files = calls["file"].to_numpy().astype(np.int64)
    starts = calls["started_at"].to_physical().to_numpy()
    return bool(np.all((np.diff(starts) >= 0) | (np.diff(files) > 0)))


def _totals(calls: pl.DataFrame) -> dict[int, Totals]:
    """Totals by file. Reais and rest are summed apart: no sum of amounts, however wild, leaves an int64."""
    grouped = calls.group_by("file").agg(
        records=pl.len(),
        seconds=pl.col("duration").cast(pl.Int64).sum(),
        reais=(pl.col("amount") // MICROS_PER_REAL).sum(),
        rest=(pl.col("amount") % MICROS_PER_REAL).sum(),
    )
    return {
        file: Totals(records, seconds, Micros(reais * MICROS_PER_REAL + rest))
        for file, records, seconds, reais, rest in grouped.iter_rows()
    }


def _figures(kept: pl.DataFrame) -> dict[int, _Figures]:
    late = dict(kept.filter(pl.col("late")).group_by("file").len().iter_rows())
    foreign: dict[int, dict[str, tuple[int, list[str]]]] = {}
    wrong = kept.filter(pl.col("issue").is_not_null()).group_by("file", "issue", maintain_order=True)
    examples = wrong.agg(
        pl.len(), pl.col("line").unique(maintain_order=True), pl.col("owner").unique(maintain_order=True)
    )
    for file, code, calls, lines, owners in examples.iter_rows():
        shown = owners if code == OTHER_CONTRACT else [mask_number(line) for line in lines]
        foreign.setdefault(file, {})[code] = (calls, shown[:_EXAMPLES])
    return {file: _Figures(totals, late.get(file, 0), foreign.get(file, {})) for file, totals in _totals(kept).items()}


def _part(kept: pl.DataFrame) -> pa.Table:
    return kept.select(PART_SCHEMA.names).to_arrow().cast(PART_SCHEMA)


def _facts(totals: Totals) -> dict[str, int]:
    return {"records": totals.records, "seconds": totals.seconds, "amount_micros": totals.amount}


def _announced(descriptor: Descriptor) -> dict[str, int | None]:
    return {
        "records": descriptor.records,
        "seconds": descriptor.billed_seconds,
        "amount_micros": descriptor.amount,
    }
