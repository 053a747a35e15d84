"""The ERP dump that matches the simulated platform: the six tables of ERP_IMPORT, deterministic from a seed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stfc.domain.area_codes import AREA_CODES
from stfc.domain.competence import Competence, last_months
from stfc.domain.contract import ContractStage, ContractStatus, Integration, InvoiceStatus, ValueKind
from stfc.errors import StorageError
from stfc.simulator import chance, people
from stfc.simulator.chance import Ints, Words
from stfc.simulator.universe import AREAS, Profile, profiles

FIRST_CONTRACT = 10_001
PLANS = ("residencial-100", "residencial-300", "empresarial-500", "empresarial-2000", "corporativo")
"""The plan codes that contracts name; ``empresarial-500`` is the sample of PLANS."""

Flags = NDArray[np.bool_]
Days = NDArray[np.int64]

_LINE_SPACE = 39_000_000
"""Lines are 20000000..58999999 behind the CN; the 59 millions are left for lines that nobody knows."""

_LINE_STEP = 7_368_787
_EPOCH = date(1970, 1, 1).toordinal()
_STAGES = chance.wheel({2: 9720, 0: 90, 1: 70, 3: 40, 4: 50, 5: 30}, 10_000)
_STATUSES = chance.wheel({0: 9580, 1: 20, 2: 30, 3: 70, 4: 90, 5: 110, 6: 40, 7: 60}, 10_000)
_CUT_DAYS = chance.wheel({1: 8, 5: 16, 8: 4, 10: 18, 12: 4, 15: 16, 18: 3, 20: 14, 25: 10, 28: 4, 30: 2, 31: 1})
_LINES = np.stack(
    [
        chance.ladder([(0, 1), (1, 1)]),
        chance.ladder([(0, 1), (0.7, 2), (1, 4)]),
        chance.ladder([(0, 4), (0.6, 8), (0.95, 20), (1, 31)]),
        chance.ladder([(0, 20), (0.6, 40), (1, 100)]),
    ]
)
_FEES = np.array(
    [
        (3990, 4990, 5990, 6990),
        (8990, 9990, 12990, 14990),
        (24990, 39990, 59990, 89990),
        (149990, 199990, 299990, 499990),
    ]
)
_AGES = chance.ladder([(0, 8), (0.16, 365), (0.5, 1100), (1, 2600)])
_ERRORS = (
    "Linha já vinculada a outro assinante (line_taken)",
    "Documento recusado pela plataforma (invalid_document)",
    "Plano não cadastrado na plataforma (plan_unknown)",
    "Tempo esgotado ao falar com a plataforma",
)
_REASONS = ("Instalação de linha", "Visita técnica", "Desconto por indisponibilidade", "Aparelho", "Acordo comercial")
_INVOICE_STATUSES = tuple(InvoiceStatus)


def dump(
    folder: Path, contracts: int, seed: int, months: int = 12, until: Competence | None = None, clean: bool = False
) -> dict[str, int]:
    """Write the six tables as CSV into ``folder`` (made if need be) and give their numbers of rows.

    Args:
        folder: existing tables in it are replaced.
        contracts: how many, numbered from 10001; a smaller number gives the first ones of a larger.
        seed: the universe, the one that the simulator is given.
        months: how many months of history, the last one included.
        until: the last month, which is fresh; the current one when None.
        clean: every contract eligible in every one of the months: nothing deleted, blocked, invoiced or out of window.

    Raises:
        StorageError: the folder cannot be made or written.
    """
    found = tables(contracts, seed, months=months, until=until or current_month(), clean=clean)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in found.items():
            table.write_csv(folder / f"{name}.csv")
    except OSError as cause:
        raise StorageError(place=str(folder), cause=cause.strerror or str(cause)) from cause
    return {name: table.height for name, table in found.items()}


def tables(
    contracts: int, seed: int, *, months: int = 12, until: Competence, clean: bool = False
) -> dict[str, pl.DataFrame]:
    """The six tables as ``dump`` writes them: dates as dates, booleans as 0 and 1, amounts as text."""
    made = _Dump(contracts, seed, months, until, clean)
    return {
        "contracts": made.contracts(),
        "services": made.services(),
        "lines": made.lines(),
        "invoices": made.invoices(),
        "eventual_values": made.values(),
        "events": made.events(),
    }


def current_month() -> Competence:
    """The month of today in Brasília's time."""
    return Competence.of((datetime.now(UTC) - timedelta(hours=3)).date())


@dataclass(frozen=True)
class _Dump:
    """The columns that the tables share, each made once."""

    count: int
    seed: int
    months: int
    until: Competence
    clean: bool

    # --- What every table leans on ------------------------------------------------------------------------------

    @cached_property
    def names(self) -> list[str]:
        return [str(FIRST_CONTRACT + place) for place in range(self.count)]

    @cached_property
    def keys(self) -> Words:
        return chance.keys_of(self.names, self.seed)

    @cached_property
    def is_company(self) -> Flags:
        return chance.happens(self._draw(100), 0.25)

    @cached_property
    def profile(self) -> Ints:
        return profiles(self.keys, self.is_company)

    @cached_property
    def area(self) -> Ints:
        return chance.spin(self._draw(98), people.AREA_WHEEL)

    @cached_property
    def approved_on(self) -> Days:
        """Ordinals; a few lie after the last month, in a clean dump all lie before the first."""
        end = self.until.end_day.toordinal()
        if self.clean:
            return self.until.plus(-self.months - 1).first_day.toordinal() - chance.climb(self._draw(160), _AGES)
        future = self._flag(161, 0.006)
        return end - np.where(future, -chance.below(self._draw(162), 40), chance.climb(self._draw(160), _AGES))

    @cached_property
    def has_summit(self) -> Flags:
        return ~self._flag(170, 0.015)

    @cached_property
    def has_second(self) -> Flags:
        return self.has_summit & (self.profile > 0) & chance.happens(self._draw(171), 0.12)

    @cached_property
    def summit_key(self) -> list[str]:
        return [f"{name}01" for name in self.names]

    def _draw(self, field: int) -> Words:
        return chance.draw(self.keys, field)

    def _flag(self, field: int, rate: float) -> Flags:
        """Something odd about a contract; never in a clean dump."""
        return chance.happens(self._draw(field), 0.0 if self.clean else rate)

    # --- The tables ---------------------------------------------------------------------------------------------

    def contracts(self) -> pl.DataFrame:
        city, state = self._places()
        cut_day = chance.spin(self._draw(163), _CUT_DAYS)
        bill_from = self.approved_on + chance.below(self._draw(164), 15)
        ends = self._flag(165, 0.008)
        past = self.until.first_day.toordinal() - 1 - chance.below(self._draw(166), 200)
        later = self.until.end_day.toordinal() + 30 + chance.below(self._draw(167), 900)
        open_ended = ~ends & ~chance.happens(self._draw(168), 0.1)
        bill_until = np.where(ends, np.maximum(past, bill_from + 30), later)
        stage = np.where(self.clean, 2, chance.spin(self._draw(172), _STAGES))
        status = np.where(self.clean, 0, chance.spin(self._draw(173), _STATUSES))
        return pl.DataFrame(
            {
                "contract": self.names,
                "customer": self._customers(),
                "document": self._documents(),
                "city": city,
                "state": state,
                "stage": _words(tuple(ContractStage), stage),
                "status": _words(tuple(ContractStatus), status),
                "deleted": _bit(self._flag(174, 0.007)),
                "bill_from": _dates(bill_from),
                "bill_until": _dates(bill_until, ~open_ended),
                "cut_day": cut_day,
                "due_day": (cut_day + 9) % 28 + 1,
                "plan": self._plans(),
                "approved_on": _dates(self.approved_on, stage >= 2),
            }
        )

    def services(self) -> pl.DataFrame:
        main = self._summit_services(np.flatnonzero(self.has_summit), "01", 180)
        second = self._summit_services(np.flatnonzero(self.has_second), "02", 190)
        old = self._deleted_services(np.flatnonzero(self.has_summit & self._flag(200, 0.03)))
        internet = self._other_services(np.flatnonzero(~self.has_summit | chance.happens(self._draw(201), 0.08)))
        return pl.concat([main, second, old, internet]).sort("service")

    def lines(self) -> pl.DataFrame:
        counts = chance.ladder_rows(self._draw(210), _LINES, self.profile)
        counts = np.where(self.has_summit & ~self._flag(211, 0.005), counts, 0)
        owner = np.repeat(np.arange(self.count), counts)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        key = chance.spread(self.keys[owner], place)
        number = self._numbers(owner)
        since = self._line_starts(owner, place, key)
        ended = chance.happens(chance.draw(key, 212), 0.0 if self.clean else 0.02) & (counts[owner] > 1)
        until = since + 60 + chance.below(chance.draw(key, 213), 400)
        on_second = self.has_second[owner] & (place == counts[owner] - 1)
        service = [
            f"{self.names[row]}{'02' if second else '01'}"
            for row, second in zip(owner.tolist(), on_second.tolist(), strict=True)
        ]
        held = pl.DataFrame(
            {"number": number, "service": service, "since": _dates(since), "until": _dates(until, ended)}
        )
        return pl.concat([held, self._former_holders(owner, place, number, since)]).sort("service", "number", "since")

    def invoices(self) -> pl.DataFrame:
        months = last_months(self.until, self.months)
        regular = np.flatnonzero(self._flag(220, 0.07))
        row = np.repeat(regular, len(months) - 1)
        month = np.tile(np.arange(len(months) - 1), len(regular))
        fresh = np.flatnonzero(self._flag(221, 0.009))
        row = np.concatenate([row, fresh])
        month = np.concatenate([month, np.full(len(fresh), len(months) - 1)])
        kept = self.approved_on[row] < np.array([m.first_day.toordinal() for m in months])[month]
        row, month = row[kept], month[kept]
        key = chance.spread(self.keys[row], month)
        issued, due = self._invoice_days(row, month, months)
        return pl.DataFrame(
            {
                "invoice": [
                    f"F{self.names[r]}{months[m].year % 100:02d}{months[m].month:02d}" for r, m in _pairs(row, month)
                ],
                "contract": _words(tuple(self.names), row),
                "competence": _words(tuple(str(m) for m in months), month),
                "issued_on": _dates(issued),
                "due_on": _dates(due),
                "amount": _amounts(3_000 + chance.below(chance.draw(key, 222), 40_000)),
                "status": _words(
                    tuple(s.value for s in _INVOICE_STATUSES), self._invoice_status(key, month, len(months))
                ),
            }
        )

    def values(self) -> pl.DataFrame:
        row = np.flatnonzero(self._flag(230, 0.014) & self.has_summit)
        key = self.keys[row]
        month = self.months - 1 - np.minimum(chance.below(chance.draw(key, 231), 4), self.months - 1)
        months = tuple(str(m) for m in last_months(self.until, self.months))
        on_service = chance.happens(chance.draw(key, 232), 0.5)
        is_deleted = chance.happens(chance.draw(key, 234), 0.1)
        return pl.DataFrame(
            {
                "value_id": [f"VE{self.names[r]}" for r in row.tolist()],
                "contract": _words(tuple(self.names), row),
                "service": pl.Series(
                    [self.summit_key[r] if s else None for r, s in _pairs(row, on_service)], dtype=pl.String
                ),
                "competence": _words(months, month),
                "kind": _words((ValueKind.ADDITION, ValueKind.DISCOUNT), chance.below(chance.draw(key, 233), 2)),
                "amount": _amounts(500 + chance.below(chance.draw(key, 235), 15_000)),
                "invoiced": _bit((month < self.months - 1) & ~is_deleted),
                "deleted": _bit(is_deleted),
                "reason": _words(_REASONS, chance.below(chance.draw(key, 236), len(_REASONS))),
            }
        )

    def events(self) -> pl.DataFrame:
        row = np.flatnonzero(self._flag(240, 0.012))
        key = self.keys[row]
        month = self.months - 1 - np.minimum(chance.below(chance.draw(key, 241), 4), self.months - 1)
        months = last_months(self.until, self.months)
        names = tuple(str(m) for m in months)
        first = np.array([m.first_day.toordinal() for m in months], dtype=np.int64)[month]
        is_named = chance.happens(chance.draw(key, 242), 0.6)
        return pl.DataFrame(
            {
                "event": [f"EV{self.names[r]}" for r in row.tolist()],
                "contract": _words(tuple(self.names), row),
                "kind": _words(("zero_billing", "other"), chance.happens(chance.draw(key, 243), 0.25).astype(np.int64)),
                "competence": pl.Series([names[m] if n else None for m, n in _pairs(month, is_named)], dtype=pl.String),
                "at": _dates(first + chance.below(chance.draw(key, 244), 27)),
                "reversed": _bit(chance.happens(chance.draw(key, 245), 0.15)),
            }
        )

    # --- Parts of contracts -------------------------------------------------------------------------------------

    def _places(self) -> tuple[pl.Series, pl.Series]:
        names, starts, counts = people.cities({code: area.city for code, area in AREA_CODES.items()})
        city = starts[self.area] + chance.below(self._draw(99), counts[self.area])
        return _words(tuple(names), city), _words(tuple(AREA_CODES[code].state for code in AREAS), self.area)

    def _customers(self) -> list[str]:
        return self._merged(
            people.people(self.keys[~self.is_company]),
            people.companies(
                self.keys[self.is_company], is_centre=(self.profile == Profile.CALL_CENTRE)[self.is_company]
            ),
        )

    def _documents(self) -> list[str]:
        keys = self.keys[self.is_company]
        letters = chance.happens(chance.draw(keys, 139), 0.03)
        return self._merged(people.cpfs(self.keys[~self.is_company]), people.cnpjs(keys, has_letters=letters))

    def _merged(self, of_people: list[str], of_companies: list[str]) -> list[str]:
        person, company = iter(of_people), iter(of_companies)
        return [next(company) if is_company else next(person) for is_company in self.is_company.tolist()]

    def _plans(self) -> pl.Series:
        small = chance.below(self._draw(175), 2)
        plan = np.where(self.profile == Profile.RESIDENTIAL, small, 1 + self.profile)
        return _words((*PLANS, None), np.where(self._flag(176, 0.06), len(PLANS), plan))

    # --- Parts of services --------------------------------------------------------------------------------------

    def _summit_services(self, row: Ints, suffix: str, field: int) -> pl.DataFrame:
        key = self.keys[row]
        odd = 0.0 if self.clean else 1.0
        state = chance.spin(chance.draw(key, field), chance.wheel({0: 18, 1: 962, 2: 20} if odd else {1: 1}))
        is_integrated = state == 1
        inactive = chance.happens(chance.draw(key, field + 1), 0.008 * odd)
        deleted = chance.happens(chance.draw(key, field + 2), 0.006 * odd)
        fee = _FEES[self.profile[row], chance.below(chance.draw(key, field + 3), 4)]
        error = chance.below(chance.draw(key, field + 4), len(_ERRORS))
        integrated_on = self.approved_on[row] + 1 + chance.below(chance.draw(key, field + 5), 12)
        today = self.until.end_day.toordinal() - 1
        return self._service_frame(
            row,
            suffix,
            title=pl.Series(["Telefonia Fixa STFC"]).gather(np.zeros(len(row), dtype=np.int64)),
            integrator="summit",
            kind="telephony",
            active=~inactive & ~deleted,
            deleted=deleted,
            fee=fee,
            integration=_words(tuple(Integration), state),
            integrated_on=_dates(np.minimum(integrated_on, today), is_integrated),
            error=_words((*_ERRORS, None), np.where(state == 2, error, len(_ERRORS))),
        )

    def _deleted_services(self, row: Ints) -> pl.DataFrame:
        yes = np.ones(len(row), dtype=np.bool_)
        return self._service_frame(
            row,
            "03",
            title=pl.Series(["Telefonia Fixa STFC (plano anterior)"]).gather(np.zeros(len(row), dtype=np.int64)),
            integrator="summit",
            kind="telephony",
            active=~yes,
            deleted=yes,
            fee=_FEES[self.profile[row], 0],
            integration=_words(tuple(Integration), np.ones(len(row), dtype=np.int64)),
            integrated_on=_dates(self.approved_on[row] - 200, yes),
            error=_words((*_ERRORS, None), np.full(len(row), len(_ERRORS))),
        )

    def _other_services(self, row: Ints) -> pl.DataFrame:
        key = self.keys[row]
        speed = chance.below(chance.draw(key, 202), 4)
        yes = np.ones(len(row), dtype=np.bool_)
        titles = tuple(f"Internet Fibra {mega} Mega" for mega in (300, 500, 700, 1000))
        return self._service_frame(
            row,
            "09",
            title=_words(titles, speed),
            integrator="other",
            kind="internet",
            active=yes,
            deleted=~yes,
            fee=np.array([7990, 9990, 11990, 14990])[speed],
            integration=_words(tuple(Integration), np.ones(len(row), dtype=np.int64)),
            integrated_on=_dates(self.approved_on[row], yes),
            error=_words((*_ERRORS, None), np.full(len(row), len(_ERRORS))),
        )

    def _service_frame(
        self,
        row: Ints,
        suffix: str,
        *,
        title: pl.Series,
        integrator: str,
        kind: str,
        active: Flags,
        deleted: Flags,
        fee: Ints,
        integration: pl.Series,
        integrated_on: pl.Series,
        error: pl.Series,
    ) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "service": pl.Series([f"{self.names[r]}{suffix}" for r in row.tolist()], dtype=pl.String),
                "contract": _words(tuple(self.names), row),
                "title": title,
                "integrator": pl.Series([integrator]).gather(np.zeros(len(row), dtype=np.int64)),
                "kind": pl.Series([kind]).gather(np.zeros(len(row), dtype=np.int64)),
                "active": _bit(active),
                "deleted": _bit(deleted),
                "monthly_fee": _amounts(fee),
                "integration": integration,
                "integrated_on": integrated_on,
                "integration_error": error,
            }
        )

    # --- Parts of lines -----------------------------------------------------------------------------------------

    def _numbers(self, owner: Ints) -> list[str]:
        start = self.seed * 104_729 % _LINE_SPACE
        local = 20_000_000 + (np.arange(len(owner)) * _LINE_STEP + start) % _LINE_SPACE
        return [f"{AREAS[area]}{number}" for area, number in _pairs(self.area[owner], local)]

    def _line_starts(self, owner: Ints, place: Ints, key: Words) -> Days:
        """Mostly the day of approval; numbers that came from another contract and later additions start in between."""
        start = self.approved_on[owner]
        if self.clean:
            return start
        end = self.until.end_day.toordinal()
        moved = self._is_ported[owner] & (place == 0)
        added = (place > 0) & chance.happens(chance.draw(key, 214), 0.08)
        recent = end - 20 - chance.below(chance.draw(key, 215), max(1, self.months) * 30)
        return np.where(moved | added, np.maximum(start, recent), start)

    @cached_property
    def _is_ported(self) -> Flags:
        """Contracts whose first number was the contract's before them; that one must have a service to hold it."""
        before = np.concatenate([[False], self.has_summit[:-1]])
        ported: Flags = self.has_summit & before & self._flag(216, 0.015)
        return ported

    def _former_holders(self, owner: Ints, place: Ints, number: list[str], since: Days) -> pl.DataFrame:
        moved = np.flatnonzero(self._is_ported[owner] & (place == 0))
        holder = owner[moved] - 1
        length = 90 + chance.below(chance.draw(self.keys[owner[moved]], 217), 700)
        return pl.DataFrame(
            {
                "number": pl.Series([number[line] for line in moved.tolist()], dtype=pl.String),
                "service": pl.Series([self.summit_key[row] for row in holder.tolist()], dtype=pl.String),
                "since": _dates(since[moved] - length),
                "until": _dates(since[moved]),
            }
        )

    # --- Parts of invoices --------------------------------------------------------------------------------------

    def _invoice_days(self, row: Ints, month: Ints, months: list[Competence]) -> tuple[Days, Days]:
        cut_day = chance.spin(self._draw(163), _CUT_DAYS)[row]
        days = np.array([[m.day(day).toordinal() for day in range(1, 32)] for m in months], dtype=np.int64)
        issued = days[month, cut_day - 1]
        return issued, issued + 10

    def _invoice_status(self, key: Words, month: Ints, months: int) -> Ints:
        places = {status: place for place, status in enumerate(_INVOICE_STATUSES)}
        s = InvoiceStatus
        old = chance.wheel({places[s.PAID]: 92, places[s.CLOSED]: 5, places[s.CANCELLED]: 3})
        last = chance.wheel({places[s.PAID]: 40, places[s.CLOSED]: 50, places[s.OPEN]: 5, places[s.CANCELLED]: 5})
        fresh = chance.wheel(
            {places[s.AWAITING_NOTE]: 50, places[s.OPEN]: 25, places[s.CLOSED]: 15, places[s.CANCELLED]: 10}
        )
        words = chance.draw(key, 223)
        by_age = [chance.spin(words, wheel) for wheel in (fresh, last, old)]
        return np.where(month == months - 1, by_age[0], np.where(month == months - 2, by_age[1], by_age[2]))


def _words(names: tuple[str | None, ...], places: Ints) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(places)


def _bit(flags: Flags) -> pl.Series:
    return pl.Series(flags.astype(np.int8))


def _dates(ordinals: Days, present: Flags | None = None) -> pl.Series:
    days = pl.Series((ordinals - _EPOCH).astype(np.int32)).cast(pl.Date)
    return days if present is None else days.zip_with(pl.Series(present), pl.Series([None], dtype=pl.Date))


def _amounts(centavos: Ints) -> pl.Series:
    frame = pl.DataFrame({"whole": centavos // 100, "cents": centavos % 100})
    text = pl.concat_str(pl.col("whole").cast(pl.String), pl.lit("."), pl.col("cents").cast(pl.String).str.zfill(2))
    return frame.select(text).to_series()


def _pairs(first: NDArray[np.int64], second: Ints | Flags) -> list[tuple[int, int]]:
    return list(zip(first.tolist(), second.tolist(), strict=True))
