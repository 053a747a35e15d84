"""Selection by id: positions mean something only on the rows they were made on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.ui import selection

NUMBERS = st.integers(10_000, 10_400).map(str)
PAGES = st.lists(NUMBERS, max_size=100, unique=True)


def test_marking_rows_leaves_other_pages_as_they_were() -> None:
    assert selection.merge(frozenset({"1", "9"}), ["1", "2", "3"], [1, 2]) == {"2", "3", "9"}


def test_positions_outside_the_page_are_ignored() -> None:
    assert selection.merge(frozenset(), ["1"], [-1, 0, 5]) == {"1"}


def test_an_empty_page_changes_nothing() -> None:
    assert selection.merge(frozenset({"1"}), [], [0]) == {"1"}


@given(st.frozensets(NUMBERS), PAGES)
def test_what_a_grid_shows_marked_merges_into_the_same_selection(selected: frozenset[str], page: list[str]) -> None:
    assert selection.merge(selected, page, selection.rows_of(selected, page)) == selected


@given(st.frozensets(NUMBERS), PAGES, st.sets(st.integers(0, 99)))
def test_merging_decides_the_page_and_nothing_else(selected: frozenset[str], page: list[str], rows: set[int]) -> None:
    merged = selection.merge(selected, page, rows)
    assert merged - set(page) == selected - set(page)
    assert selection.rows_of(merged, page) == sorted(row for row in rows if row < len(page))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ()),
        ("  \n\t ", ()),
        ("10022", ("10022",)),
        ("1, 2;3|4\t5\n6\r\n7", ("1", "2", "3", "4", "5", "6", "7")),
        ("10024\n10022\n10024", ("10024", "10022")),
        ('"10022";\'10024\';""', ("10022", "10024")),
        ("CT-0001/A", ("CT-0001/A",)),
    ],
)
def test_a_pasted_list_is_parted_as_people_write_it(text: str, ids: tuple[str, ...]) -> None:
    assert selection.pasted(text) == ids


@given(st.lists(NUMBERS, unique=True), st.sampled_from([" ", ",", ";", "\n", "\t", "\r\n", ", "]))
def test_any_list_comes_back_in_its_order(ids: list[str], separator: str) -> None:
    assert selection.pasted(separator.join(ids)) == tuple(ids)


def test_known_and_unknown_are_told_apart() -> None:
    assert selection.split(["3", "x", "1", "y"], ["1", "2", "3"]) == (frozenset({"1", "3"}), ("x", "y"))
