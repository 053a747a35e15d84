"""The parts of calls held against what the ledger says of them (ports.CallDoctor)."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import polars as pl
import pyarrow as pa

from stfc.adapters.calls.compaction import ParquetCallCompactor
from stfc.adapters.calls.store import ParquetCallStore
from stfc.domain.competence import Competence
from stfc.domain.money import MICROS_PER_CENTAVO
from stfc.services.ports import LiveCalls, Observation, Part, Rollup

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

    def examine_rollups(self, live: LiveCalls, rollups: Mapping[Competence, Rollup]) -> list[Observation]:
        """Each rollup by the totals of its sums: no figure on a screen may be another than that of the calls."""
        states = {competence: self._state(live, rollup) for competence, rollup in sorted(rollups.items())}
        return [
            Observation("calls", code, {"competences": found})
            for code in ("DOC-ROL", "DOC-ROS")
            if (found := [str(competence) for competence, state in states.items() if state == code])
        ]

    def _state(self, live: LiveCalls, rollup: Rollup) -> str | None:
        if not ParquetCallCompactor(self._store).holds(rollup):
            return "DOC-ROL"
        parts = tuple(part for part in live.parts if part.path in rollup.parts)
        total = _total(self._store.scan(LiveCalls(live.revision, parts, rollup.excluded)), pl.len(), "amount")
        files = (self._store.root / rollup.path).glob("*.parquet")
        try:
            sums = [pl.scan_parquet(file, hive_partitioning=False) for file in files]
            are_right = all(
                _total(one, pl.col("calls").sum(), "micros") == total
                for one in sums
                if "micros" in one.collect_schema().names()
            )
        except (OSError, pl.exceptions.PolarsError):
            return "DOC-ROS"
        return None if are_right else "DOC-ROS"

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
            with self._store.path(part).open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
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
        # A plan may charge our own rating instead of Summit's amount.
        is_sum = (pl.col("amount") == pl.col("centavos")) | (pl.col("amount") == pl.col("ours"))
        yield from _observed(agree.filter(~is_sum), "DOC-SOM")


def _total(rows: pl.LazyFrame, calls: pl.Expr, amount: str) -> tuple[int, int]:
    """How many calls there are and what they come to."""
    micros = pl.col(amount).cast(pl.Int128).sum()
    found = rows.select(calls.cast(pl.Int64).alias("calls"), micros.alias("micros")).collect(engine="streaming")
    return found.item(0, "calls"), int(found.item(0, "micros"))


def _unreadable(part: Part, cause: OSError) -> Observation:
    return Observation("parts", "DOC-PRT", {"path": part.path, "cause": cause.strerror or str(cause)})


def _sums(calls: pl.LazyFrame) -> pl.DataFrame:
    grouped = calls.group_by("claim").agg(
        calls=pl.len().cast(pl.Int64),
        contract=pl.col("contract").first(),
        competence=pl.col("competence").first(),
        micros=pl.col("amount").cast(pl.Int128).sum(),
        ours=(pl.col("our_price") // MICROS_PER_CENTAVO).sum(),
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
