"""The subscribers that the platform knows: columns over the ERP's contracts, services and lines."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stfc.domain.area_codes import AREA_CODES, utc_offset_hours
from stfc.domain.contract import SUMMIT_INTEGRATOR, TELEPHONY_KIND
from stfc.errors import InvalidInputError
from stfc.simulator import chance
from stfc.simulator.chance import Ints, Words

AREAS: tuple[str, ...] = tuple(AREA_CODES)
"""The 67 CNs; columns name one by its place here."""

OPEN_END = 3_000_000
"""The ordinal that stands for a line's open end."""

STRAY_PER_AREA = 64
_COMPANY_DOCUMENT_LENGTH = 14
_NEEDED = {
    "contracts": ("contract", "customer", "document", "cut_day", "plan"),
    "services": ("service", "contract", "integrator", "kind"),
    "lines": ("number", "service", "since", "until"),
}


class Profile(IntEnum):
    """What a subscriber's traffic looks like."""

    RESIDENTIAL = 0
    SMALL_BUSINESS = 1
    PBX = 2
    CALL_CENTRE = 3


_COMPANY_KINDS = chance.wheel({Profile.SMALL_BUSINESS: 82, Profile.PBX: 16, Profile.CALL_CENTRE: 2})


def profiles(keys: Words, is_company: NDArray[np.bool_]) -> Ints:
    """The ``Profile`` of each contract: people are residential, companies one of the others by their key."""
    return np.where(is_company, chance.spin(chance.draw(keys, 7), _COMPANY_KINDS), int(Profile.RESIDENTIAL))


@dataclass(frozen=True)
class Universe:
    """The contracts with a Summit service, a row each in the ERP's order, and their lines grouped by contract.

    Args:
        contracts: the contracts' numbers.
        documents: CPF or CNPJ of each, digits and letters only.
        keys: 64 bits per contract that all its traffic derives from.
        profile: ``Profile`` per contract.
        cut_day: 1..31 per contract.
        plans: the plan codes that the platform takes.
        numbers: the lines' numbers; those of row ``r`` are ``line_starts[r]:line_starts[r + 1]``.
        since: first valid day per line, as an ordinal.
        until: first day no longer valid per line, as an ordinal; ``OPEN_END`` when open.
    """

    contracts: list[str]
    documents: list[str]
    keys: Words
    profile: Ints
    cut_day: Ints
    plans: frozenset[str]
    numbers: list[str]
    line_starts: Ints
    since: Ints
    until: Ints

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each contract."""
        return {contract: row for row, contract in enumerate(self.contracts)}

    @cached_property
    def line_area(self) -> Ints:
        """The CN of each line as its place in ``AREAS``; of an odd number, that of São Paulo."""
        places = {code: place for place, code in enumerate(AREAS)}
        return np.array([places.get(number[:2], 0) for number in self.numbers], dtype=np.int64)

    @cached_property
    def owners(self) -> dict[str, set[str]]:
        """The contracts that hold, held or will hold each number."""
        rows = np.repeat(np.arange(len(self.contracts)), np.diff(self.line_starts))
        owners: dict[str, set[str]] = {}
        for number, row in zip(self.numbers, rows.tolist(), strict=True):
            owners.setdefault(number, set()).add(self.contracts[row])
        return owners


def offset_hours() -> Ints:
    """Hours from UTC per place in ``AREAS``."""
    return np.array([utc_offset_hours(code) for code in AREAS], dtype=np.int64)


def stray_numbers() -> list[str]:
    """Numbers that no ERP has, ``STRAY_PER_AREA`` per CN in the order of ``AREAS``: lines that nobody knows."""
    return [f"{code}59{place * 9_973 + 100_003:06d}" for code in AREAS for place in range(STRAY_PER_AREA)]


def from_frames(contracts: pl.DataFrame, services: pl.DataFrame, lines: pl.DataFrame, seed: int) -> Universe:
    """The universe of an ERP's tables as ERP_IMPORT has them; dates may be text, ``2026-10-01``."""
    summit = services.filter((pl.col("integrator") == SUMMIT_INTEGRATOR) & (pl.col("kind") == TELEPHONY_KIND)).select(
        "service", "contract"
    )
    known = contracts.join(summit, on="contract", how="semi", maintain_order="left").with_row_index("row")
    held = (
        lines.join(summit, on="service")
        .join(known.select("contract", "row"), on="contract")
        .with_columns(_ordinal("since"), _ordinal("until").fill_null(OPEN_END))
        .sort("row", "since", "number")
    )
    keys = chance.keys_of(known["contract"].to_list(), seed)
    counts = np.bincount(held["row"].to_numpy(), minlength=known.height)
    is_company = (known["document"].str.len_bytes() == _COMPANY_DOCUMENT_LENGTH).to_numpy()
    return Universe(
        contracts=known["contract"].to_list(),
        documents=known["document"].to_list(),
        keys=keys,
        profile=profiles(keys, is_company),
        cut_day=known["cut_day"].cast(pl.Int64).to_numpy(),
        plans=frozenset(known["plan"].drop_nulls().unique().to_list()),
        numbers=held["number"].to_list(),
        line_starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        since=held["since"].to_numpy(),
        until=held["until"].to_numpy(),
    )


def from_folder(folder: Path, seed: int) -> Universe:
    """The universe of a dump's folder, CSV or Parquet.

    Raises:
        InvalidInputError: a table or column that the platform needs is missing or cannot be read.
    """
    tables = {name: _read(folder, name) for name in _NEEDED}
    try:
        return from_frames(tables["contracts"], tables["services"], tables["lines"], seed)
    except pl.exceptions.PolarsError as cause:
        raise InvalidInputError(field="erp", value=str(folder), cause="dump_content") from cause


def _read(folder: Path, name: str) -> pl.DataFrame:
    parquet, csv = folder / f"{name}.parquet", folder / f"{name}.csv"
    columns = list(_NEEDED[name])
    try:
        if parquet.exists():
            return pl.read_parquet(parquet, columns=columns).with_columns(pl.all().cast(pl.String))
        return pl.read_csv(csv, columns=columns, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as cause:
        raise InvalidInputError(field="erp", value=str(folder / name), cause="dump_table") from cause


_EPOCH = date(1970, 1, 1).toordinal()


def _ordinal(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.to_date("%Y-%m-%d").to_physical().cast(pl.Int64).add(_EPOCH).alias(column)
