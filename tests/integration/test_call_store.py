"""Parts of calls on a real disk: written whole or not at all, read exactly as listed (ARCHITECTURE, calls)."""

import os
import resource
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.calls.store import ParquetCallStore
from stfc.domain.competence import Competence
from stfc.errors import StorageError
from stfc.services.ports import LiveCalls, Part

OCTOBER = Competence(2026, 10)
START = datetime(2026, 10, 5, 11, 3, 11, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=1)


def a_call(**changed: Any) -> dict[str, Any]:
    """A row of a part."""
    row = {
        "contract": "4711",
        "claim": 17,
        "call_id": "c-1",
        "line": "1133224455",
        "caller": "1133224455",
        "called": "11987654321",
        "started_at": START,
        "offset_minutes": -180,
        "duration": 67,
        "platform_class": "VC1",
        "carrier": "VIVO",
        "csp": "15",
        "amount": 110_000,
        "class": "VC1",
        "destination": "11",
        "local_day": date(2026, 10, 5),
        "hour": 8,
        "weekday": 0,
        "late": False,
        "issue": None,
        "our_price": 110_000,
        "band": "normal",
        "billed_seconds": 72,
        "allowance_seconds": 6,
        "plan_version": "empresarial-500@2026-01-01",
    }
    return row | changed


def a_table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=PART_SCHEMA)


def live(parts: Sequence[Part], *excluded: int) -> LiveCalls:
    return LiveCalls(revision=1, parts=tuple(parts), excluded=frozenset(excluded))


@pytest.fixture
def store(tmp_path: Path) -> ParquetCallStore:
    return ParquetCallStore(tmp_path / "calls")


@pytest.fixture
def files_end_at() -> Iterator[Callable[[int], None]]:
    """Make the system refuse to write beyond so many bytes of a file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def files(store: ParquetCallStore) -> list[str]:
    return sorted(path.name for path in store.root.rglob("*") if path.is_file())


def test_part_gives_back_every_field(store: ParquetCallStore) -> None:
    rows = [a_call(), a_call(call_id="c-2", issue="CTR-LIN", late=True, amount=999_999_999_999_999, carrier="")]
    part = store.write(OCTOBER, a_table(*rows))
    found = store.scan(live([part])).collect()
    assert found.to_dicts() == [row | {"competence": "2026-10"} for row in rows]


def test_part_says_what_the_ledger_lists(store: ParquetCallStore) -> None:
    part = store.write(OCTOBER, a_table(a_call(contract="10"), a_call(contract="9")))
    assert part.path.startswith("competence=2026-10/part-")
    assert (part.competence, part.rows, part.contract_first, part.contract_last) == (OCTOBER, 2, "10", "9")
    assert part.size == store.path(part).stat().st_size
    assert len(part.sha256) == 64


def test_file_itself_holds_the_schema_and_no_competence(store: ParquetCallStore) -> None:
    part = store.write(OCTOBER, a_table(a_call()))
    assert pq.read_table(store.path(part), partitioning=None).schema.equals(PART_SCHEMA, check_metadata=False)


def test_duckdb_reads_a_part_as_it_is(store: ParquetCallStore) -> None:
    part = store.write(OCTOBER, a_table(a_call(), a_call(call_id="c-2")))
    query = duckdb.execute(
        'select competence, class, sum(amount), count(*) from read_parquet(?) group by competence, "class"',
        [store.paths([part])],
    )
    assert query.fetchall() == [("2026-10", "VC1", 220_000, 2)]


def test_nothing_but_the_listed_parts_is_read(store: ParquetCallStore) -> None:
    listed = store.write(OCTOBER, a_table(a_call(call_id="listed")))
    store.write(OCTOBER, a_table(a_call(call_id="orphan")))
    assert store.scan(live([listed])).collect()["call_id"].to_list() == ["listed"]


def test_excluded_claims_are_not_read(store: ParquetCallStore) -> None:
    part = store.write(OCTOBER, a_table(a_call(claim=1, call_id="a"), a_call(claim=2, call_id="b")))
    assert store.scan(live([part], 1)).collect()["call_id"].to_list() == ["b"]


def test_exclusions_are_a_table_for_an_anti_join(store: ParquetCallStore) -> None:
    assert store.exclusions(live([], 7, 3)).to_pydict() == {"claim": [3, 7]}


def test_no_parts_scan_to_no_rows_of_the_same_form(store: ParquetCallStore) -> None:
    part = store.write(OCTOBER, a_table(a_call()))
    empty, full = store.scan(live([])).collect(), store.scan(live([part])).collect()
    assert empty.height == 0
    assert empty.schema == full.schema


def test_parts_of_several_months_know_their_month(store: ParquetCallStore) -> None:
    parts = [store.write(month, a_table(a_call())) for month in (OCTOBER, OCTOBER.plus(1))]
    assert store.scan(live(parts)).collect()["competence"].to_list() == ["2026-10", "2026-11"]


def test_earlier_keys_are_those_of_the_contracts_asked_for(store: ParquetCallStore) -> None:
    parts = [
        store.write(OCTOBER, a_table(a_call(contract="10", call_id="a"), a_call(contract="11", call_id="b"))),
        store.write(OCTOBER.plus(-1), a_table(a_call(contract="12", call_id="c", claim=3))),
        store.write(OCTOBER.plus(-2), a_table(a_call(contract="12", call_id="d", claim=4))),
        store.write(OCTOBER.plus(-3), a_table(a_call(contract="99", call_id="e"))),
    ]
    keys = store.earlier_keys(["12", "10"], live(parts, 4))
    assert sorted(keys["call_id"].to_pylist()) == ["a", "c"]
    assert keys.column_names == ["contract", "call_id", "line", "called", "started_at", "duration"]


def test_parts_out_of_range_are_not_even_opened(store: ParquetCallStore) -> None:
    part = store.write(OCTOBER, a_table(a_call(contract="10")))
    store.path(part).unlink()
    assert store.earlier_keys(["11"], live([part])).num_rows == 0


def test_missing_part_is_a_storage_error(store: ParquetCallStore) -> None:
    part = store.write(OCTOBER, a_table(a_call()))
    store.path(part).unlink()
    with pytest.raises(StorageError):
        store.earlier_keys(["4711"], live([part]))


def test_broken_part_is_a_storage_error(store: ParquetCallStore) -> None:
    part = store.write(OCTOBER, a_table(a_call()))
    store.path(part).write_bytes(b"PAR1 no more")
    with pytest.raises(StorageError):
        store.earlier_keys(["4711"], live([part]))


def test_disk_that_takes_no_more_is_a_storage_error_and_leaves_nothing(
    store: ParquetCallStore, files_end_at: Callable[[int], None]
) -> None:
    files_end_at(1_000)
    with pytest.raises(StorageError) as caught:
        store.write(OCTOBER, a_table(a_call()))
    assert caught.value.facts["cause"]
    assert files(store) == []


def test_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "calls").write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        ParquetCallStore(tmp_path / "calls").write(OCTOBER, a_table(a_call()))


def test_orphans_are_old_files_that_nobody_lists(store: ParquetCallStore) -> None:
    listed, orphan = (store.write(OCTOBER, a_table(a_call())) for _ in range(2))
    half = store.root / "competence=2026-10" / "part-x.parquet.tmp"
    half.write_bytes(b"half")
    young = store.write(OCTOBER, a_table(a_call()))
    os.utime(store.path(young), (LATER.timestamp(), LATER.timestamp()))
    found = store.orphans([listed.path], older_than=LATER)
    assert found == sorted([orphan.path, "competence=2026-10/part-x.parquet.tmp"])
    store.remove(found)
    store.remove(found)
    assert store.orphans([listed.path], older_than=LATER) == []
    assert store.path(listed).exists()
    assert store.path(young).exists()


def test_store_without_a_folder_yet_has_no_orphans(store: ParquetCallStore) -> None:
    assert store.orphans([], older_than=LATER) == []


def test_row_groups_let_a_reader_skip(store: ParquetCallStore) -> None:
    part = store.write(OCTOBER, pa.concat_tables([a_table(a_call())] * 120_000))
    metadata = pq.ParquetFile(store.path(part)).metadata
    assert metadata.num_row_groups == 5
    assert metadata.row_group(0).column(0).statistics.has_min_max
