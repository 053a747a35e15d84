"""The pure parts of *Visão geral*: what a filter leaves of the calls, what cards, charts and rankings say."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.call import CallClass
from stfc.domain.competence import Competence
from stfc.services.queries import CallFilter, ContractQuery, Coverage, CoverageCounts, View
from stfc.ui import charts, labels, overview, overview_body, overview_cards, overview_charts, overview_tables
from stfc.ui.filters import Chosen
from stfc.ui.overview import Narrowing

OCTOBER = Competence(2026, 10)


def chosen(**values: Any) -> Chosen:
    empty: dict[str, Any] = {"search": "", "contract": ""}
    empty |= dict.fromkeys(("groups", "states", "plans", "destinations", "weekdays", "hours"), ())
    return Chosen(tuple((empty | values).items()), ())


class KnownContracts:
    """A view that knows three contracts and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[ContractQuery] = []

    def contract_ids(self, query: ContractQuery) -> list[str]:
        self.asked.append(query)
        return ["1", "2", "3"] if query.search == "padaria" else []


def a_month(competence: str, call_class: str, micros: int, seconds: int = 60) -> dict[str, Any]:
    return {"competence": competence, "class": call_class, "calls": 1, "seconds": seconds, "micros": micros}


# --- The filter ----------------------------------------------------------------------------------------------------


def test_every_class_is_in_exactly_one_group_that_has_a_name() -> None:
    assert sorted(one for members in overview.GROUPS.values() for one in members) == sorted(CallClass)
    assert list(overview.GROUPS) == list(labels.CLASS_GROUPS)
    assert all(call_class in overview.GROUPS[overview.group_of(call_class)] for call_class in CallClass)


def test_no_filter_leaves_all_calls() -> None:
    assert Narrowing(chosen(), None).calls() == CallFilter()


EVERYTHING = chosen(groups=("VC1", "VC2-VC3"), contract="2", destinations=("+351",), weekdays=("1",), hours=("9",))


def test_all_parts_of_a_filter_hold_together() -> None:
    assert Narrowing(EVERYTHING, None).calls() == CallFilter(
        classes=("VC1", "VC2", "VC3"), contracts=("2",), destinations=("+351",), weekdays=(1,), hours=(9,)
    )


@pytest.mark.parametrize(
    ("but", "left_out"),
    [
        ("classes", {"classes"}),
        ("cell", {"weekdays", "hours"}),
        ("contract", {"contracts"}),
        ("destinations", {"destinations"}),
    ],
)
def test_a_chart_keeps_what_was_not_clicked_in_it(but: overview.Part, left_out: set[str]) -> None:
    whole, left = vars(Narrowing(EVERYTHING, None).calls()), vars(Narrowing(EVERYTHING, None).calls(but=but))
    assert {name for name in whole if left[name] != whole[name]} == left_out
    assert all(left[name] == () for name in left_out)


def test_a_search_leaves_its_contracts_and_a_contract_among_them_itself() -> None:
    view = cast(View, KnownContracts())
    assert overview.narrowing(view, chosen(search="padaria")).calls().contracts == ("1", "2", "3")
    both = overview.narrowing(view, chosen(search="padaria", contract="2"))
    assert both.calls().contracts == ("2",)
    assert both.calls(but="contract").contracts == ("1", "2", "3")


@pytest.mark.parametrize("words", [{"search": "nobody"}, {"search": "padaria", "contract": "9"}])
def test_who_is_not_found_has_no_call(words: dict[str, str]) -> None:
    # An empty tuple would not restrict; no contract has the empty number.
    assert overview.narrowing(cast(View, KnownContracts()), chosen(**words)).calls().contracts == ("",)


def test_contracts_without_a_plan_and_deleted_ones_are_asked_for() -> None:
    view = KnownContracts()
    overview.narrowing(cast(View, view), chosen(plans=("-", "FIXO"), states=("SP",)))
    assert view.asked == [ContractQuery(plans=("", "FIXO"), states=("SP",), include_deleted=True)]


# --- Cards and coverage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "difference", "relative"),
    [
        ([100, 106], "+6", "+6,0%"),
        ([1200, 1100], "−100", "−8,3%"),
        ([5, 5], "0", "0,0%"),
        ([0, 7], "+7", None),
        ([7], None, None),
    ],
)
def test_a_change_has_its_sign_and_needs_a_month_before(
    values: list[int], difference: str | None, relative: str | None
) -> None:
    assert overview_cards.difference(values) == difference
    assert overview_cards.relative(values) == relative


@pytest.mark.parametrize(
    ("values", "drawn"), [([0, 0, 3, 0, 5], [3, 0, 5]), ([0, 0, 5], []), ([0, 0], []), ([], []), ([1, 2], [1, 2])]
)
def test_the_past_begins_with_the_first_month_that_has_any(values: list[int], drawn: list[int]) -> None:
    assert overview_cards.since_first(values) == drawn


def test_an_empty_month_says_who_waits_and_for_what() -> None:
    parts = dict.fromkeys((part.value for part in Coverage), 0) | {"to_bill": 1300, "queued": 21, "charged": 4}
    said = overview_body.waiting(CoverageCounts(parts, {}))
    assert said == "1.321 contratos sem arquivo: a cobrar 1.300, na fila 21"
    assert overview_body.waiting(CoverageCounts(dict.fromkeys(parts, 0), {})) == labels.NOBODY_WAITS


# --- Charts ----------------------------------------------------------------------------------------------------------


def months(*rows: dict[str, Any], is_revenue: bool = True) -> overview_charts.Months:
    return overview_charts.months_of(rows, OCTOBER, is_revenue=is_revenue)


def test_months_run_from_the_first_with_calls_to_the_one_shown_without_a_hole() -> None:
    made = months(a_month("2026-07", "VC1", 1_000_000), a_month("2026-09", "VC3", 1))
    assert made.months == [Competence(2026, month) for month in (7, 8, 9, 10)]
    assert made.groups == ["VC1", "VC2-VC3"]


@given(
    st.lists(
        st.builds(
            a_month, st.sampled_from(["2026-08", "2026-10"]), st.sampled_from(list(CallClass)), st.integers(0, 10**9)
        )
    )
)
def test_the_groups_add_up_to_all_that_was_given(rows: list[dict[str, Any]]) -> None:
    made = overview_charts.months_of(rows, OCTOBER, is_revenue=True)
    assert sum(map(made.total, made.months)) == sum(row["micros"] for row in rows)


def test_the_axis_counts_in_thousands_where_figures_are_large_and_a_table_never_does() -> None:
    small, large = (months(a_month("2026-10", "VC1", reais * 10**6)) for reais in (9_999, 10_000))
    assert small.title() == "Receita por mês e classe, R$"
    assert large.title() == "Receita por mês e classe, R$ mil"
    assert large.title(as_table=True) == "Receita por mês e classe, R$"
    assert (small.series(())[0].values, large.series(())[0].values) == ([9999], [10])
    assert large.series(())[0].tips == ["R$\xa010.000,00"]


def test_minutes_are_whole_and_say_so() -> None:
    made = months(a_month("2026-10", "LDI", 5, seconds=119), is_revenue=False)
    assert made.series(())[0].tips == ["1 min"]
    assert made.rows() == [{"month": "out/26", "LDI": "1", "total": "1"}]
    assert [column.label for column in made.columns()] == ["Mês", "LDI", "Total"]


def test_classes_that_are_not_chosen_fade() -> None:
    made = months(a_month("2026-10", "VC1", 1), a_month("2026-10", "LDI", 1))
    assert [one.faded for one in made.series(("LDI",))] == [True, False]
    assert not any(one.faded for one in made.series(()))


def test_cells_that_the_filter_leaves_are_framed() -> None:
    assert overview_charts.framed_cells((), ()) == []
    assert overview_charts.framed_cells(("1",), ("9", "10")) == [(1, 9), (1, 10)]
    assert len(overview_charts.framed_cells(("6",), ())) == 24


def test_every_cell_of_the_heat_map_can_be_clicked() -> None:
    cells = overview_charts.cells_of([{"weekday": 1, "hour": 9, "calls": 1204}])
    heat, marks = charts.by_weekday_and_hour(cells, chosen=[(1, 9)]).data
    assert heat.z[1][9] == 1204
    assert sum(map(sum, heat.z)) == 1204
    assert {tuple(mark[:2]) for mark in marks.customdata} == {(day, hour) for day in range(7) for hour in range(24)}
    assert marks.customdata[1 * 24 + 9][2] == "1.204 chamadas"


# --- Rankings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "before", "said"), [(127, 100, "+27,0%"), (90, 100, "−10,0%"), (5, 0, "—"), (5, None, "—")]
)
def test_a_contract_without_a_month_before_has_no_change(now: int, before: int | None, said: str) -> None:
    assert overview_tables.change(now, before) == said


def test_a_share_of_nothing_is_none() -> None:
    assert overview_tables.share(1, 3) == 33.3
    assert overview_tables.share(0, 0) == 0


def test_the_filtered_row_is_marked() -> None:
    def marked(ids: Sequence[str], one: str) -> list[str]:
        return overview_tables._marked([f"n{number}" for number in ids], ids, one)

    assert marked(["1", "2"], "2") == ["n1", "✓ n2"]
    assert marked(["1", "2"], "") == ["n1", "n2"]
