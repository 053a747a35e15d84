"""Counts for detectors: the columns against one call after the other."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from stfc.adapters.calls.traffic import Peaks, first_days, is_overdue, peaks
from stfc.domain.detectors import DEFAULT

START = datetime(2026, 9, 21, 3, tzinfo=UTC)
DAY = timedelta(days=1)

calls = st.fixed_dictionaries(
    {
        "file": st.integers(0, 3),
        "class": st.sampled_from(["LDI", "VC1"]),
        "destination": st.sampled_from(["+1", "+351"]),
        "started_at": st.integers(0, 40 * 86_400).map(lambda second: START + timedelta(seconds=second)),
        "duration": st.sampled_from([0, 1, 60, 3_600, 90_000]),
    }
)


def framed(rows: list[dict[str, Any]]) -> pl.DataFrame:
    local = [row["started_at"] - timedelta(hours=3) for row in rows]
    return pl.DataFrame(
        {
            **{
                name: [row[name] for row in rows] for name in ("file", "class", "destination", "started_at", "duration")
            },
            "local_day": [at.date() for at in local],
            "hour": [at.hour for at in local],
            "weekday": [at.weekday() for at in local],
        }
    )


def counted(rows: list[dict[str, Any]]) -> Peaks:
    """The definition, call by call, of one file."""
    abroad = [row for row in rows if row["class"] == "LDI"]
    local = [row["started_at"] - timedelta(hours=3) for row in rows]
    ends = [
        (row["started_at"], row["started_at"] + timedelta(seconds=row["duration"])) for row in rows if row["duration"]
    ]
    nights = Counter(at.date() for at in local if at.hour < 6)
    weekends = Counter(at.date() - (at.weekday() - 5) * DAY for at in local if at.weekday() >= 5)
    return Peaks(
        parallel=max((sum(since <= at < until for since, until in ends) for at, _ in ends), default=0),
        abroad=max(
            (
                sum(row["started_at"] - DAY < other["started_at"] <= row["started_at"] for other in abroad)
                for row in abroad
            ),
            default=0,
        ),
        night=max(nights.values(), default=0),
        weekend=max(weekends.values(), default=0),
        countries=dict(Counter(row["destination"] for row in abroad)),
        calls=len(rows),
    )


@given(st.lists(calls, max_size=60))
def test_columns_count_what_a_look_at_every_call_counts(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    expected = {file: counted([row for row in rows if row["file"] == file]) for file in {row["file"] for row in rows}}
    assert peaks(framed(rows)) == expected


def test_a_call_that_ends_as_another_starts_is_over() -> None:
    one = {"file": 0, "class": "VC1", "destination": "11", "started_at": START, "duration": 60}
    assert peaks(framed([one, one | {"started_at": START + timedelta(seconds=60)}]))[0].parallel == 1
    assert peaks(framed([one, one | {"started_at": START + timedelta(seconds=59)}]))[0].parallel == 2


def test_a_call_is_overdue_from_the_day_after_its_limit() -> None:
    period = date(2026, 9, 21)
    ages = [("VC1", 90), ("VC1", 91), ("LDI", 150), ("LDI", 151)]
    frame = pl.DataFrame(
        {"file": [1] * 4, "class": [kind for kind, _ in ages], "local_day": [period - age * DAY for _, age in ages]}
    )
    days = first_days(frame["file"], {1: period})
    assert frame.select(is_overdue(days, DEFAULT).alias("is"))["is"].to_list() == [False, True, False, True]
