"""Reading a CSV of the ERP: what is taken is what the format says, and what cannot be taken is named."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stfc.adapters.erp.problems import Problems
from stfc.adapters.erp.reading import read
from stfc.adapters.erp.tables import TABLES

LINES = TABLES["lines"]
HEADER = "number,service,since,until\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("erp") / "lines.csv"


def expected(body: str) -> list[tuple[int, list[str | None]]]:
    """What Python's own reader makes of the body: the line that each record starts on, and its cells."""
    reader = csv.reader(io.StringIO(body.replace("\r\n", "\n"), newline=""), strict=True)
    rows, before = [], 0
    for cells in reader:
        if cells:
            rows.append((before + 1, [cell if cell.strip() else None for cell in cells]))
        before = reader.line_num
    return rows[1:]


@settings(max_examples=600)
@given(
    rows=st.lists(st.lists(st.text(st.sampled_from('",\n\r a;é'), max_size=6), min_size=3, max_size=5), max_size=6),
    end=st.sampled_from(["", "\n", "\r\n", "\n\n"]),
)
@example(rows=[['"a"', "", "", ""]], end="")
@example(rows=[['"a\nb"', '"', "", ""], ["x", "", "", ""]], end="\n")
@example(rows=[["", "", "", '"']], end="\n")
def test_a_body_without_a_named_problem_reads_as_the_format_says(path: Path, rows: list[list[str]], end: str) -> None:
    body = HEADER + "\n".join(",".join(cells) for cells in rows) + end
    path.write_bytes(body.encode())
    problems = Problems()
    raw = read(LINES, path, problems)
    if problems:
        assert all(problem.line >= 1 and problem.cause for problem in problems.listed())
        return
    assert raw is not None
    assert [(line, list(cells)) for line, *cells in raw.frame.iter_rows()] == expected(body)


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"))), min_size=4, max_size=4), max_size=8
    ),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_whatever_a_csv_writer_writes_is_read_without_a_problem(
    path: Path, rows: list[list[str]], quoting: int
) -> None:
    body = io.StringIO(newline="")
    csv.writer(body, quoting=quoting, lineterminator="\r\n").writerows([HEADER.strip().split(","), *rows])
    path.write_bytes(body.getvalue().encode())
    problems = Problems()
    raw = read(LINES, path, problems)
    assert not problems
    assert raw is not None
    cells = [[cell if cell.strip() else None for cell in row] for row in rows]
    assert [list(row) for row in raw.frame.drop("line").iter_rows()] == cells


def test_rows_that_can_be_read_are_still_given_beside_those_that_cannot(path: Path) -> None:
    path.write_bytes(HEADER.encode() + b"1,S1,2026-01-01,\n2,S1\n\n3,S\xff,,\n4,S1,2026-01-01,\n")
    problems = Problems()
    raw = read(LINES, path, problems)
    assert [problem.line for problem in problems.listed()] == [3, 5]
    assert raw is not None
    assert raw.frame["line"].to_list() == [2, 6]
