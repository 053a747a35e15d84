"""All calls of a competence for an export, some at a time, and their sums by class (ports.CallExport)."""

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa

from stfc.adapters.calls.compaction import ranges
from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.calls.store import ParquetCallStore
from stfc.domain.competence import Competence
from stfc.domain.masking import mask_number
from stfc.errors import StorageError
from stfc.services.ports import LiveCalls

_SLICE = 200_000
"""Calls that are held in memory at a time; a contract that has more comes alone."""
_AMOUNT = pa.decimal128(18, 6)
_ORDER = ["contract", "started_at", "call_id", "claim"]
_INTERNAL = ("claim",)
_MONEY = ("amount", "our_price")

RECORDS = pa.schema(
    [
        ("competence", pa.string()),
        *(
            pa.field(field.name, _AMOUNT if field.name in _MONEY else field.type)
            for field in PART_SCHEMA
            if field.name not in _INTERNAL
        ),
    ]
)
"""A call as stored, ``amount`` and ``our_price`` in reais; without the claim, which says nothing outside of
the ledger."""


class ParquetCallExport:
    """``ports.CallExport`` over the parts."""

    def __init__(self, store: ParquetCallStore) -> None:
        self._store = store

    @property
    def schema(self) -> pa.Schema:
        """The columns of ``records``."""
        return RECORDS

    def records(
        self, competence: Competence, live: LiveCalls, weights: Sequence[tuple[str, int]]
    ) -> Iterator[pa.Table]:
        """The calls in memory by ranges of contracts, so that neither their number nor their parts matter.

        Raises:
            StorageError: a listed part is missing or cannot be read.
        """
        for first, last in ranges(weights, _SLICE):
            near = tuple(part for part in live.parts if part.contract_first <= last and part.contract_last >= first)
            calls = self._store.scan(LiveCalls(live.revision, near, live.excluded))
            wanted = calls.filter(pl.col("contract").is_between(pl.lit(first), pl.lit(last)))
            yield _shown(self._collected(wanted).sort(_ORDER), competence)

    def by_class(self, live: LiveCalls) -> pa.Table:
        """Sums of live calls, ordered by contract, claim and class.

        Raises:
            StorageError: a listed part is missing or cannot be read.
        """
        sums = (
            self._store.scan(live)
            .group_by("contract", "claim", "class")
            .agg(
                calls=pl.len().cast(pl.Int64),
                seconds=pl.col("duration").cast(pl.Int64).sum(),
                micros=pl.col("amount").cast(pl.Decimal(38, 0)).sum(),
                ours=pl.col("our_price").cast(pl.Decimal(38, 0)).sum(),
            )
        )
        return self._collected(sums).sort("contract", "claim", "class").to_arrow()

    def _collected(self, query: pl.LazyFrame) -> pl.DataFrame:
        try:
            return query.collect(engine="streaming")
        except (OSError, pl.exceptions.ComputeError) as cause:
            raise StorageError(place=str(self._store.root), cause=str(cause).splitlines()[0]) from cause


def _shown(calls: pl.DataFrame, competence: Competence) -> pa.Table:
    numbers = calls["called"].unique()
    masked = pl.DataFrame({"called": numbers, "masked": [mask_number(one) for one in numbers]})
    shown = (
        calls.join(masked, on="called", how="left", maintain_order="left")
        .with_columns(
            called="masked",
            competence=pl.lit(str(competence)),
            **{name: pl.col(name).cast(pl.Decimal(38, 6)) / 1_000_000 for name in _MONEY},
        )
        .select(RECORDS.names)
    )
    return shown.to_arrow().cast(RECORDS)
