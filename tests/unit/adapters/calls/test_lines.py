"""Which contract a line belongs to on a day (PRODUCT 10, CTR-LIN and CTR-DIV)."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from stfc.adapters.calls.lines import LineDirectory, issues, line_directory
from stfc.errors import StorageError

LINES = pl.DataFrame(
    [
        ("1133224455", "s-1", date(2025, 1, 1), date(2026, 10, 10)),
        ("1133224455", "s-2", date(2026, 10, 10), None),
        ("1133224456", "s-1", date(2025, 1, 1), date(2026, 10, 10)),
        ("1133224457", "s-deleted", date(2025, 1, 1), None),
        ("1133224458", "s-internet", date(2025, 1, 1), None),
    ],
    schema={"number": pl.String(), "service": pl.String(), "since": pl.Date(), "until": pl.Date()},
    orient="row",
)
SERVICES = pl.DataFrame(
    [
        ("s-1", "4711", "summit", "telephony", False),
        ("s-2", "4712", "summit", "telephony", False),
        ("s-deleted", "4711", "summit", "telephony", True),
        ("s-internet", "4711", "summit", "internet", False),
    ],
    schema=["service", "contract", "integrator", "kind", "deleted"],
    orient="row",
)


def owners(*calls: tuple[str, date]) -> list[str | None]:
    frame = pl.DataFrame(calls, schema={"line": pl.String(), "local_day": pl.Date()}, orient="row")
    return LineDirectory(LINES, SERVICES).owners(frame).to_list()


@pytest.mark.parametrize(
    ("line", "day", "owner"),
    [
        ("1133224455", date(2024, 12, 31), None),
        ("1133224455", date(2025, 1, 1), "4711"),
        ("1133224455", date(2026, 10, 9), "4711"),
        ("1133224455", date(2026, 10, 10), "4712"),
        ("1133224455", date(2036, 10, 10), "4712"),
        ("1133224456", date(2026, 10, 9), "4711"),
        ("1133224456", date(2026, 10, 10), None),
        ("1133224457", date(2026, 10, 10), "4711"),
        ("1133224458", date(2026, 10, 10), None),
        ("1133224459", date(2026, 10, 10), None),
    ],
    ids=[
        "before its first day",
        "its first day",
        "the last day of the old contract",
        "the first of the new one",
        "an open end",
        "the last day",
        "the first day no longer",
        "a deleted service's line",
        "no telephony of Summit",
        "no line at all",
    ],
)
def test_line_belongs_to_the_contract_of_the_day(line: str, day: date, owner: str | None) -> None:
    assert owners((line, day)) == [owner]


def test_owners_come_in_the_order_of_the_calls() -> None:
    early, late = date(2026, 10, 9), date(2026, 10, 10)
    assert owners(("1133224455", late), ("x", late), ("1133224455", early), ("1133224455", late)) == [
        "4712",
        None,
        "4711",
        "4712",
    ]


def test_no_calls_have_no_owners() -> None:
    assert owners() == []


def test_issue_says_nobodys_or_anothers_line() -> None:
    found = issues(pl.Series(["4711", None, "4712"]), pl.Series(["4711"] * 3))
    assert found.to_list() == [None, "CTR-LIN", "CTR-DIV"]


def test_directory_is_read_from_a_snapshot(tmp_path: Path) -> None:
    LINES.write_parquet(tmp_path / "lines.parquet")
    SERVICES.write_parquet(tmp_path / "services.parquet")
    calls = pl.DataFrame({"line": ["1133224455"], "local_day": [date(2026, 10, 10)]})
    assert line_directory(tmp_path).owners(calls).to_list() == ["4712"]


def test_unreadable_snapshot_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        line_directory(tmp_path)
