"""Columns say of every call what ``stfc.domain.numbers`` says of one."""

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stfc.adapters.calls.classification import derive
from stfc.domain.area_codes import utc_offset_hours
from stfc.domain.numbers import area_of, normalise

NOON = datetime(2026, 10, 5, 15, tzinfo=UTC)

areas = st.sampled_from(["11", "19", "21", "55", "65", "68", "92", "10", "20", "00", "90"])
subscribers = st.from_regex(r"\A([1-9][0-9]{6,8}|[34]00[0-9]{5})\Z")
prefixes = st.sampled_from(
    [
        "",
        "0",
        "015",
        "005",
        "0015",
        "0005",
        "90",
        "9015",
        "9005",
        "9090",
        "55",
        "+55",
        "001555",
        "+",
        "00211",
        "0800",
        "0303",
    ]
)
lines = st.builds(str.__add__, areas, st.from_regex(r"\A[1-9][0-9]{6,9}\Z")) | st.sampled_from(["", "1", "9" * 20])
built = st.builds("".join, st.tuples(prefixes, st.sampled_from(["", "11", "19", "20", "68"]), subscribers))
abroad = st.builds("".join, st.tuples(st.sampled_from(["0015", "+", "0000"]), st.from_regex(r"\A[0-9]{5,17}\Z")))
services = st.from_regex(r"\A(0800|0300|0303|0500|0900|0301)[0-9]{4,9}\Z")
anything = st.from_regex(r"\A[0-9*#+]{1,24}\Z") | st.from_regex(r"\A[0-9]{1,22}\Z")


def calls(*pairs: tuple[str, str], started_at: datetime = NOON) -> pl.DataFrame:
    """Calls of (line, called)."""
    rows = [(line, called, started_at) for line, called in pairs]
    schema = {"line": pl.String(), "called": pl.String(), "started_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=schema, orient="row")


@settings(max_examples=300)
@given(st.lists(st.tuples(lines, built | abroad | services | anything), max_size=40))
def test_class_and_destination_are_those_of_the_domain(pairs: list[tuple[str, str]]) -> None:
    found = derive(calls(*pairs)).select("class", "destination").rows()
    expected = [normalise(called, line) for line, called in pairs]
    assert found == [(one.call_class.value, one.key) for one in expected]


@given(lines, st.integers(0, 3_000_000_000))
def test_local_day_hour_and_weekday_are_those_of_the_area_of_the_line(line: str, seconds: int) -> None:
    started_at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    local = started_at.astimezone(timezone(timedelta(hours=utc_offset_hours(area_of(line)))))
    found = derive(calls((line, "190"), started_at=started_at)).select("local_day", "hour", "weekday").row(0)
    assert found == (local.date(), local.hour, local.weekday())


@pytest.mark.parametrize(
    ("line", "local"),
    [
        ("1133224455", (date(2026, 10, 5), 0, 0)),
        ("9232224455", (date(2026, 10, 4), 23, 6)),
        ("6832224455", (date(2026, 10, 4), 22, 6)),
    ],
)
def test_midnight_in_sao_paulo_is_still_the_day_before_further_west(line: str, local: tuple[date, int, int]) -> None:
    midnight = datetime(2026, 10, 5, 3, tzinfo=UTC)
    found = derive(calls((line, "190"), started_at=midnight))
    assert found.select("local_day", "hour", "weekday").row(0) == local
