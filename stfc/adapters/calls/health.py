"""The parts of calls held against what the ledger says of them (ports.CallDoctor)."""

import hashlib
from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa

from stfc.adapters.calls.store import ParquetCallStore
from stfc.domain.money import MICROS_PER_CENTAVO
from stfc.services.ports import LiveCalls, Observation, Part

_EXAMPLES = 5


class ParquetCallDoctor:
    """``ports.CallDoctor`` over the parts on disk."""

    def __init__(self, store: ParquetCallStore) -> None:
        self._store = store

    def examine(
        self, parts: Sequence[Part], hashed: Sequence[Part], live: LiveCalls, claims: pa.Table
    ) -> list[Observation]:
        """``parts`` by name and size, ``hashed`` by sha256, then the calls and amount of every claim in ``claims``.

        The sums are skipped where a part is missing or damaged: they could not agree.
        """
        damaged = [found for part in parts if (found := self._look(part))]
        known = {found.facts["path"] for found in damaged}
        damaged += [found for part in hashed if part.path not in known and (found := self._hash(part))]
        return damaged or list(self._differences(live, claims))

    def _look(self, part: Part) -> Observation | None:
        try:
            size = self._store.path(part).stat().st_size
        except OSError as cause:
            return _unreadable(part, cause)
        if size != part.size:
            return Observation("parts", "DOC-TAM", {"path": part.path, "size": size, "expected": part.size})
        return None

    def _hash(self, part: Part) -> Observation | None:
        try:
            with self._store.path(part).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as cause:
            return _unreadable(part, cause)
        return None if digest == part.sha256 else Observation("parts", "DOC-SHA", {"path": part.path})

    def _differences(self, live: LiveCalls, claims: pa.Table) -> Iterator[Observation]:
        try:
            found = _sums(self._store.scan(live))
        except (OSError, pl.exceptions.PolarsError) as cause:
            yield Observation("parts", "DOC-PRT", {"path": str(self._store.root), "cause": str(cause).splitlines()[0]})
            return
        expected = pl.DataFrame(claims)
        both = expected.join(found, on="claim", how="full", suffix="_found", coalesce=True)
        yield from _observed(both.filter(~pl.col("calls").eq_missing(pl.col("calls_found"))), "DOC-LIG")
        agree = both.filter(pl.col("calls").eq_missing(pl.col("calls_found")))
        yield from _observed(agree.filter(pl.col("amount") != pl.col("centavos")), "DOC-SOM")


def _unreadable(part: Part, cause: OSError) -> Observation:
    return Observation("parts", "DOC-PRT", {"path": part.path, "cause": cause.strerror or str(cause)})


def _sums(calls: pl.LazyFrame) -> pl.DataFrame:
    grouped = calls.group_by("claim").agg(
        calls=pl.len().cast(pl.Int64),
        contract=pl.col("contract").first(),
        competence=pl.col("competence").first(),
        micros=pl.col("amount").cast(pl.Int128).sum(),
    )
    # What the platform says of a contract is cut once, at its total (PRODUCT 6).
    centavos = (pl.col("micros") // MICROS_PER_CENTAVO).cast(pl.Int64)
    return grouped.with_columns(centavos=centavos).drop("micros").collect(engine="streaming")


def _observed(rows: pl.DataFrame, code: str) -> Iterator[Observation]:
    if rows.is_empty():
        return
    named = rows.select(
        pl.coalesce("competence", "competence_found").alias("competence"),
        pl.coalesce("contract", "contract_found").alias("contract"),
    ).sort("competence", "contract")
    examples = [f"{contract} ({competence})" for competence, contract in named.head(_EXAMPLES).iter_rows()]
    yield Observation("calls", code, {"count": rows.height, "contracts": examples})
