"""Columns drop the repeats that ``stfc.domain.billing_file.deduplicate`` drops, contract by contract."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stfc.adapters.calls.repeats import is_repeat
from stfc.domain.billing_file import deduplicate
from stfc.domain.call import CallIdentity, CallRecord
from stfc.domain.money import Micros

START = datetime(2026, 10, 1, tzinfo=UTC)
SCHEMA = {
    "contract": pl.String(),
    "call_id": pl.String(),
    "line": pl.String(),
    "called": pl.String(),
    "started_at": pl.Datetime("us", "UTC"),
    "duration": pl.Int32(),
}

identities = st.builds(
    CallIdentity,
    st.sampled_from("abcd"),
    st.sampled_from(["1", "2"]),
    st.sampled_from(["190", "191"]),
    st.sampled_from([START, START + timedelta(seconds=1)]),
    st.sampled_from([0, 1]),
)
listed = st.lists(st.tuples(st.sampled_from(["10", "11"]), identities), max_size=12)


def table(rows: list[tuple[str, CallIdentity]]) -> pl.DataFrame:
    plain = [(contract, one.call_id, one.line, one.called, one.started_at, one.duration) for contract, one in rows]
    return pl.DataFrame(plain, schema=SCHEMA, orient="row")


def record(one: CallIdentity) -> CallRecord:
    return CallRecord(one.call_id, one.line, one.line, one.called, one.started_at, one.duration, "", "", "", Micros(0))


@settings(max_examples=250)
@given(listed, listed)
def test_repeats_are_those_of_the_reference(
    rows: list[tuple[str, CallIdentity]], earlier: list[tuple[str, CallIdentity]]
) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    known: pa.Table = table(earlier).to_arrow()
    frame = table(rows)
    kept = [one for contract in ("10", "11") for one in kept_of(contract, rows, earlier)]
    found = frame.filter(~is_repeat(frame, known))
    assert found.rows() == table(kept).rows()


def kept_of(
    contract: str, rows: list[tuple[str, CallIdentity]], earlier: list[tuple[str, CallIdentity]]
) -> list[tuple[str, CallIdentity]]:
    own = [record(one) for owner, one in rows if owner == contract]
    kept, _ = deduplicate(own, [one for owner, one in earlier if owner == contract])
    return [(contract, one.identity) for one in kept]
