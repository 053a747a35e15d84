"""Which files hold the live calls of some months, as SQL: the records, and sums from rollups wherever they reach."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from stfc.adapters.calls import rollups
from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.read_model.engine import parquet, text
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
    """The live calls of ``images`` below ``root``. Its SQL names two tables: ``excluded`` and ``excluded_since``.

    Who looks for some calls only may say which contracts they can be of, and much is not even opened: ``contracts``
    (all when it is empty) and, of the parts that a rollup stands for, ``sought`` (None for all); ``between`` are the
    first and last of a range.
    """

    root: Path
    images: Sequence[MonthImage]
    contracts: Sequence[str] = ()
    sought: Sequence[str] | None = None
    between: tuple[str, str] | None = None

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

    def records(self, *, excluded: bool = False) -> str:
        """The source of competence and every column of a part, without the calls of excluded claims or with them."""
        return self._records([part for image in self.images for part in image.parts], excluded=excluded)

    def numbers(self) -> str | None:
        """The source of key and contract of the numbers in the parts that a rollup stands for; None without any."""
        files = [self._file(image, rollups.NUMBERS) for image in self._summed]
        return parquet(files) if files else None

    def sums(
        self, rollup: str | None, by: Sequence[str], condition: str, fixed: Collection[str] = ()
    ) -> tuple[str, bool]:
        """A query of ``by``, calls, seconds and micros, whose sums by ``by`` are those of the calls that match; and
        whether it gives every combination of ``by`` once, so that nothing is left to sum up. ``fixed`` are columns of
        which the condition leaves one value.

        From ``rollup`` where a month has it: calls of parts that came later are added, and those of claims that were
        excluded later are subtracted. From the calls themselves where there is none.
        """
        summed = self._summed if rollup else []
        names = [f'"{name}"' for name in by]
        grouped = f"WHERE {condition} {'GROUP BY ' + ', '.join(names) if names else ''}"
        queries = []
        if rollup and summed:
            files = parquet((self._file(image, rollup) for image in summed), _HIVE)
            columns = ", ".join([*names, "calls", "seconds", "micros"])
            queries.append(f"SELECT {columns} FROM {files} WHERE {condition}")
        if corrected := self._near([part for image in summed for part in _corrected(image)]):
            calls = f"{self._parts(corrected)} SEMI JOIN excluded_since USING (claim)"
            queries.append(f"SELECT {', '.join([*names, _LESS])} FROM {calls} {grouped}")
        added = [part for image in self.images for part in (_added(image) if image in summed else image.parts)]
        if added or not queries:
            columns = ", ".join([*names, rollups.SUMS])
            queries.append(f"SELECT {columns} FROM {self._records(added)} {grouped}")
        is_summed = not summed or (set(rollups.SUMMED[rollup or ""]) <= {*by, *fixed} and len(summed) == 1)
        return " UNION ALL ".join(queries), len(queries) == 1 and is_summed

    @cached_property
    def _summed(self) -> list[MonthImage]:
        return [image for image in self.images if self._is_summed(image)]

    def _is_summed(self, image: MonthImage) -> bool:
        """Whether the month's rollup can be used; one whose files are lost is made again by ``stfc compact``."""
        if image.rollup is None or not image.rollup.parts <= {part.path for part in image.parts}:
            return False
        return all(self._file(image, name).is_file() for name in rollups.FILES)

    def _file(self, image: MonthImage, name: str) -> Path:
        assert image.rollup is not None
        return rollups.file(self.root / image.rollup.path, name)

    def _records(self, parts: Sequence[Part], *, excluded: bool = False) -> str:
        near = self._near(parts)
        indexed = {path for image in self._summed if image.rollup for path in image.rollup.parts}
        if self.sought is None:
            indexed = set()
        sources = [self._parts([part for part in near if part.path not in indexed])]
        found = [part for part in near if part.path in indexed and _may_hold(part, sorted(self.sought or ()))]
        if found:
            named = ", ".join(map(text, self.sought or ()))
            sources.append(f"(FROM {self._parts(found)} WHERE contract IN ({named}))")
        calls = " UNION ALL ".join(f"FROM {source}" for source in sources if source)
        if not calls:
            cells = ", ".join(f'NULL::{_SQL_TYPES.get(str(f.type), "VARCHAR")} AS "{f.name}"' for f in PART_SCHEMA)
            return f"(SELECT NULL::VARCHAR AS competence, {cells} WHERE false)"
        is_whole = excluded or self.excluded.is_empty()
        return f"({calls})" if is_whole else f"(FROM ({calls}) ANTI JOIN excluded USING (claim))"

    def _near(self, parts: Sequence[Part]) -> Sequence[Part]:
        """The parts that may hold calls of ``contracts``, and of the range ``between``."""
        wanted = sorted(self.contracts)
        if self.between:
            first, last = self.between
            parts = [part for part in parts if part.contract_first <= last and part.contract_last >= first]
        return [part for part in parts if _may_hold(part, wanted)] if wanted else parts

    def _parts(self, parts: Sequence[Part]) -> str:
        return parquet((self.root / part.path for part in parts), _HIVE) if parts else ""


def _may_hold(part: Part, contracts: Sequence[str]) -> bool:
    """Whether the part may hold calls of any of ``contracts``, in order: the ledger knows its first and last one."""
    at = bisect_left(contracts, part.contract_first)
    return at < len(contracts) and contracts[at] <= part.contract_last


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
