"""Which files hold the live calls of some months, as SQL: the records, and sums from rollups wherever they reach."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from stfc.adapters.calls import rollups
from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.read_model.engine import parquet
from stfc.services.ports import MonthImage, Part

_HIVE = ", hive_partitioning = true, hive_types = {'competence': VARCHAR}"
_LESS = "-count(*) AS calls, -sum(duration)::BIGINT AS seconds, -sum(amount)::BIGINT AS micros"
_SQL_TYPES = {
    "int64": "BIGINT",
    "int32": "INTEGER",
    "int16": "SMALLINT",
    "int8": "TINYINT",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
}


@dataclass(frozen=True)
class CallSources:
    """The live calls of ``images`` below ``root``. Its SQL names two tables: ``excluded`` and ``excluded_since``."""

    root: Path
    images: Sequence[MonthImage]

    @cached_property
    def excluded(self) -> pl.DataFrame:
        """The claims that no reader may see: ``claim``."""
        return _claims(claim for image in self.images for claim in image.excluded)

    @cached_property
    def excluded_since(self) -> pl.DataFrame:
        """Those of ``excluded`` that the rollups still count, where their parts hold them: ``claim``."""
        return _claims(
            claim for image in self.images if image.rollup for claim in image.excluded - image.rollup.excluded
        )

    def records(self, contracts: Sequence[str]) -> str:
        """The source of competence and every column of a part; of ``contracts`` at least, all when it is empty."""
        return self._records([part for image in self.images for part in image.parts], contracts)

    def sums(self, rollup: str | None, by: Sequence[str], condition: str, contracts: Sequence[str]) -> str:
        """A query of ``by``, calls, seconds and micros, whose sums by ``by`` are those of the calls that match.

        From ``rollup`` where a month has it: calls of parts that came later are added, and those of claims that were
        excluded later are subtracted. From the calls themselves where there is none.
        """
        summed = [image for image in self.images if rollup and self._is_summed(image)]
        names = [f'"{name}"' for name in by]
        grouped = f"WHERE {condition} {'GROUP BY ' + ', '.join(names) if names else ''}"
        queries = []
        if rollup and summed:
            files = parquet((self._file(image, rollup) for image in summed), _HIVE)
            columns = ", ".join([*names, "calls", "seconds", "micros"])
            queries.append(f"SELECT {columns} FROM {files} WHERE {condition}")
        if reversed_ := self._near([part for image in summed for part in _corrected(image)], contracts):
            calls = f"{self._parts(reversed_)} SEMI JOIN excluded_since USING (claim)"
            queries.append(f"SELECT {', '.join([*names, _LESS])} FROM {calls} {grouped}")
        added = [part for image in self.images for part in (_added(image) if image in summed else image.parts)]
        if added or not queries:
            columns = ", ".join([*names, rollups.SUMS])
            queries.append(f"SELECT {columns} FROM {self._records(added, contracts)} {grouped}")
        return " UNION ALL ".join(queries)

    def _is_summed(self, image: MonthImage) -> bool:
        """Whether the month's rollup can be used; one whose files are lost is made again by ``stfc compact``."""
        if image.rollup is None or not image.rollup.parts <= {part.path for part in image.parts}:
            return False
        return all(self._file(image, name).is_file() for name in rollups.ROLLUPS)

    def _file(self, image: MonthImage, name: str) -> Path:
        assert image.rollup is not None
        return rollups.file(self.root / image.rollup.path, name)

    def _records(self, parts: Sequence[Part], contracts: Sequence[str]) -> str:
        near = self._near(parts, contracts)
        if not near:
            cells = ", ".join(f'NULL::{_SQL_TYPES.get(str(f.type), "VARCHAR")} AS "{f.name}"' for f in PART_SCHEMA)
            return f"(SELECT NULL::VARCHAR AS competence, {cells} WHERE false)"
        if self.excluded.is_empty():
            return self._parts(near)
        return f"{self._parts(near)} ANTI JOIN excluded USING (claim)"

    @staticmethod
    def _near(parts: Sequence[Part], contracts: Sequence[str]) -> Sequence[Part]:
        """The parts that may hold calls of ``contracts``: the ledger knows the first and last contract of each."""
        if not contracts:
            return parts
        first, last = min(contracts), max(contracts)
        return [part for part in parts if part.contract_first <= last and part.contract_last >= first]

    def _parts(self, parts: Sequence[Part]) -> str:
        return parquet((self.root / part.path for part in parts), _HIVE)


def _added(image: MonthImage) -> list[Part]:
    covered = image.rollup.parts if image.rollup else frozenset()
    return [part for part in image.parts if part.path not in covered]


def _corrected(image: MonthImage) -> list[Part]:
    """The parts whose calls the rollup counts, when claims were excluded since."""
    rollup = image.rollup
    if rollup is None or image.excluded <= rollup.excluded:
        return []
    return [part for part in image.parts if part.path in rollup.parts]


def _claims(claims: Iterable[int]) -> pl.DataFrame:
    return pl.DataFrame({"claim": sorted(set(claims))}, schema={"claim": pl.Int64})
