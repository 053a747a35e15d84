"""The pure parts of *Registros de ligações*: what is typed, what is searched for, how rows are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.ui import calls, calls_list, calls_record
from stfc.ui import format as fmt
from stfc.ui.calls import Meaning
from stfc.ui.tables import exported
from tests.builders import a_call, calls_table


def table(*rows: dict[str, Any]) -> Any:
    made = calls_table(rows)
    return made.append_column("competence", [["2026-10"] * len(made)])


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("90", 90), ("1:30", 90), ("1:02:10", 3730), ("1 min 30 s", 90), ("2min", 120), ("", None), ("x", None)],
)
def test_a_duration_is_read_as_people_type_it(typed: str, seconds: int | None) -> None:
    assert calls.seconds(typed) == seconds


@given(st.integers(0, 10**7))
def test_a_duration_that_the_screen_writes_is_read_back(number: int) -> None:
    assert calls.seconds(fmt.duration(number)) == number


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("(11) 98765-4321", "11987654321"),
        ("+55 11 3322-4455", "1133224455"),
        ("0800 123 4567", "08001234567"),
        ("190", "190"),
        ("529.982.247-25", ""),
        ("12345678000195", ""),
        ("Padaria 24", ""),
    ],
)
def test_a_number_is_told_from_documents_and_names(typed: str, number: str) -> None:
    assert calls.number_of(typed) == number


def test_a_row_is_masked_and_begins_by_the_clock_of_its_line() -> None:
    manaus = a_call("a", hour=9, caller="11912345678", late=True, issue="CTR-DIV")
    row = calls_list.shown(table(manaus)).to_pylist()[0]
    assert row["called"] == "(19) 9****-4321"
    assert row["caller"] == "(11) 9****-5678"
    assert calls_record.local(row[calls_list._START]) == "12/10/2026 09:00:00"
    assert row["marks"] == ["late", "CTR-DIV"]
    assert row[calls_record.ID] == "2026-10~4711~a"


@given(st.integers(0, 10**8), st.integers(2, 5))
def test_the_local_start_is_the_instant_whole_hours_ago(elapsed: int, hours: int) -> None:
    instant = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=elapsed)
    local = instant.replace(tzinfo=None) - timedelta(hours=hours)
    made = table(a_call("a", started_at=instant, local_day=local.date(), hour=local.hour))
    assert calls_list.local_starts(made).to_pylist() == [local]
    assert calls_record.local_start(made.to_pylist()[0]) == local


def test_a_download_has_every_field_in_words_and_no_whole_number() -> None:
    row = exported(calls_list.exported(table(a_call("a", issue="CTR-LIN"))), calls_list.GRID.columns).to_pylist()[0]
    assert row["Classe"] == row["Classe da Summit"] == "VC1"
    assert row["Divergência da linha"] == "Linha sem contrato"
    assert row["Anterior ao período"] == "Não"
    assert row["Duração (s)"] == 60
    assert "19987654321" not in map(str, row.values())


def test_a_download_in_full_differs_from_the_masked_one_in_its_numbers_alone() -> None:
    made = table(a_call("a", caller="11912345678"))
    told = [
        exported(calls_list.exported(made, is_masked=masks), calls_list.GRID.columns).to_pylist()[0]
        for masks in (True, False)
    ]
    differ = {name: (told[0][name], told[1][name]) for name in told[0] if told[0][name] != told[1][name]}
    assert differ == {
        "Número chamado": ("(19) 9****-4321", "19987654321"),
        "Chamador": ("(11) 9****-5678", "11912345678"),
    }


def test_the_totals_tell_part_and_mean() -> None:
    said = calls_list.totals({"calls": 2, "seconds": 181, "micros": 3_990_000}, "de 10")
    assert "2 ligações" in said
    assert "3 minutos" in said
    assert "R$\xa03,99" in said
    assert "1 min 30 s por ligação" in said


@pytest.mark.parametrize(
    ("sought", "said"),
    [
        (Meaning(number="1133224455"), "Pesquisa por linha ou número chamado: **\\(11\\) 3322\\-4455**"),
        (Meaning(("10487",), customer="Ana & Cia"), "Pesquisa pelo contrato **10487**, Ana & Cia"),
        (Meaning(("1", "2")), "Pesquisa por **2 contratos** que atendem a essas palavras"),
    ],
)
def test_the_screen_says_what_was_searched_for(sought: Meaning, said: str) -> None:
    assert calls_list.taken_for(sought) == said
