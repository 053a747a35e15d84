"""The reference parser, clause by clause of SUMMIT_API, and the repeats it drops."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain import text
from stfc.domain.billing_file import BillingFile, Totals, deduplicate, parse, totals
from stfc.domain.call import CallRecord
from stfc.domain.competence import Competence
from stfc.domain.money import Micros
from stfc.errors import FileFormatError
from tests.billing_files import HEADER, a_file, a_record

OCTOBER = Competence(2026, 10)
SAO_PAULO = timezone(timedelta(hours=-3))
EXAMPLE = b"""H;1;4711;2026-10;2026-09-21;2026-10-20;2026-10-20T03:00:00-03:00
D;c-000001;1133224455;1133224455;11987654321;2026-09-21T08:03:11-03:00;67;VC1;VIVO;15;0.11
D;c-000002;1133224455;1133224455;002112125550123;2026-09-21T22:40:00-03:00;301;LDI;;21;4.90
T;2;368;5.01
"""


def read(body: bytes) -> BillingFile:
    return parse(body, "4711", OCTOBER)


def refusal(body: bytes) -> dict[str, object]:
    with pytest.raises(FileFormatError) as caught:
        read(body)
    return caught.value.facts


def test_example_of_the_specification_is_read_field_by_field() -> None:
    file = read(EXAMPLE)
    assert (file.contract, file.competence) == ("4711", OCTOBER)
    assert (file.period_from, file.period_until) == (date(2026, 9, 21), date(2026, 10, 20))
    assert file.generated_at == datetime(2026, 10, 20, 3, tzinfo=SAO_PAULO)
    assert file.declared == Totals(2, 368, Micros(5_010_000)) == totals(file.records)
    assert file.records[1] == CallRecord(
        call_id="c-000002",
        line="1133224455",
        caller="1133224455",
        called="002112125550123",
        started_at=datetime(2026, 9, 21, 22, 40, tzinfo=SAO_PAULO),
        duration=301,
        platform_class="LDI",
        carrier="",
        csp="21",
        amount=Micros(4_900_000),
    )


def test_file_without_calls_is_good() -> None:
    assert read(a_file()).records == ()


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + EXAMPLE,
        EXAMPLE.replace(b"\n", b"\r\n"),
        EXAMPLE.removesuffix(b"\n"),
        EXAMPLE.replace(b"\n", b"\r\n").removesuffix(b"\r\n"),
        EXAMPLE.replace(b"0.11", b"0,110000"),
    ],
    ids=["BOM", "CRLF", "no last line feed", "CRLF without the last", "comma and six decimals"],
)
def test_tolerated_forms_read_the_same(body: bytes) -> None:
    assert read(body) == read(EXAMPLE)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_accents_are_read_in_both_encodings(encoding: str) -> None:
    body = a_file(a_record(carrier="Telefônica")).decode().encode(encoding)
    assert read(body).records[0].carrier == "Telefônica"


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-09-21T08:03:11-03:00", datetime(2026, 9, 21, 11, 3, 11, tzinfo=UTC)),
        ("2026-09-21T08:03:11+05:30", datetime(2026, 9, 21, 2, 33, 11, tzinfo=UTC)),
        ("2026-09-21T08:03:11Z", datetime(2026, 9, 21, 8, 3, 11, tzinfo=UTC)),
        ("2026-09-21T08:03:11.5-03:00", datetime(2026, 9, 21, 11, 3, 11, 500_000, tzinfo=UTC)),
        ("2024-02-29T23:59:59-03:00", datetime(2024, 3, 1, 2, 59, 59, tzinfo=UTC)),
    ],
)
def test_start_is_an_instant_with_its_own_offset(written: str, instant: datetime) -> None:
    assert read(a_file(a_record(started_at=written))).records[0].started_at == instant


@pytest.mark.parametrize(
    ("body", "line", "cause"),
    [
        (b"", 1, "empty_file"),
        (b"\xef\xbb\xbf", 1, "empty_file"),
        (b"\n", 1, "header_missing"),
        (b"<!DOCTYPE html><html></html>", 1, "header_missing"),
        (EXAMPLE.split(b"\n", 1)[1], 1, "header_missing"),
        (b"\n" + EXAMPLE, 1, "header_missing"),
        (a_file(header=HEADER + ";"), 1, "fields"),
        (a_file(header=HEADER.replace("H;1", "H;2")), 1, "version"),
        (a_file(header=HEADER.replace("4711", "4712")), 1, "other_contract"),
        (a_file(header=HEADER.replace("2026-10;", "2026-11;", 1)), 1, "other_competence"),
        (a_file(header=HEADER.replace("2026-10;", "out/26;", 1)), 1, "competence"),
        (a_file(header=HEADER.replace("2026-09-21", "2026-09-31")), 1, "date"),
        (a_file(header=HEADER.replace("2026-09-21", "2026-10-21")), 1, "period"),
        (a_file(header=HEADER.replace("-03:00", "")), 1, "instant"),
        (a_file(a_record(), HEADER, trailer="T;1;67;0.11"), 3, "line_kind"),
        (a_file(a_record(), "", trailer="T;1;67;0.11"), 3, "line_kind"),
        (a_file(a_record(), "d" + a_record()[1:], trailer="T;1;67;0.11"), 3, "line_kind"),
        (a_file(a_record() + ";", trailer="T;1;67;0.11"), 2, "fields"),
        (a_file(a_record().removesuffix(";0.11"), trailer="T;1;67;0.11"), 2, "fields"),
        (b"".join(EXAMPLE.splitlines(keepends=True)[:3]), 3, "trailer_missing"),
        (EXAMPLE.splitlines(keepends=True)[0], 1, "trailer_missing"),
        (EXAMPLE + EXAMPLE.splitlines(keepends=True)[1], 5, "after_trailer"),
        (EXAMPLE + b"\n", 5, "after_trailer"),
        (EXAMPLE + b"T;2;368;5.01\n", 5, "after_trailer"),
        (a_file(trailer="T;0;0"), 2, "fields"),
        (a_file(trailer="T;-1;0;0.00"), 2, "count"),
        (a_file(trailer="T;0;zero;0.00"), 2, "count"),
        (a_file(trailer="T;0;0;-0.01"), 2, "amount"),
        (EXAMPLE.replace(b"VIVO", b"VI\rVO"), 2, "control"),
        (EXAMPLE.replace(b"VIVO;15;0.11\n", b"VIVO;15;0.11\r"), 2, "control"),
        (EXAMPLE.replace(b"VIVO", b"VI\x00VO"), 2, "control"),
        (EXAMPLE.replace(b"VIVO", b"OI\x81"), 2, "encoding"),
    ],
)
def test_breach_of_the_form_is_refused_with_line_and_cause(body: bytes, line: int, cause: str) -> None:
    facts = refusal(body)
    assert (facts["line"], facts["cause"]) == (line, cause)


@pytest.mark.parametrize(
    ("changed", "cause", "field"),
    [
        ({"call_id": ""}, "empty", "call_id"),
        ({"line": ""}, "empty", "line"),
        ({"caller": ""}, "empty", "caller"),
        ({"called": ""}, "empty", "called"),
        ({"call_id": "c" * 256}, "too_long", "call_id"),
        ({"carrier": "v" * 256}, "too_long", "carrier"),
        ({"line": "11 3322"}, "number", "line"),
        ({"line": "+551133224455"}, "number", "line"),
        ({"caller": "anônimo"}, "number", "caller"),
        ({"called": "11-98765"}, "number", "called"),
        ({"called": "١٩٠"}, "number", "called"),
        ({"duration": "abc"}, "duration", "duration"),
        ({"duration": ""}, "duration", "duration"),
        ({"duration": "-1"}, "duration", "duration"),
        ({"duration": "1.5"}, "duration", "duration"),
        ({"duration": "1234567890"}, "duration", "duration"),
        ({"started_at": "2026-09-21T08:03:11"}, "instant", "started_at"),
        ({"started_at": "2026-09-21 08:03:11-03:00"}, "instant", "started_at"),
        ({"started_at": "2026-02-30T08:03:11-03:00"}, "instant", "started_at"),
        ({"started_at": "2026-09-21T24:00:00-03:00"}, "instant", "started_at"),
        ({"started_at": "2026-09-21T08:03:60-03:00"}, "instant", "started_at"),
        ({"started_at": "2026-09-21T08:03:11-15:00"}, "instant", "started_at"),
        ({"started_at": "1926-09-21T08:03:11-03:00"}, "instant", "started_at"),
        ({"amount": ""}, "amount", "amount"),
        ({"amount": "-0.11"}, "amount", "amount"),
        ({"amount": "+0.11"}, "amount", "amount"),
        ({"amount": "0.1234567"}, "amount", "amount"),
        ({"amount": ".11"}, "amount", "amount"),
        ({"amount": "1."}, "amount", "amount"),
        ({"amount": "1.234,56"}, "amount", "amount"),
        ({"amount": "1e3"}, "amount", "amount"),
        ({"amount": " 1"}, "amount", "amount"),
    ],
)
def test_bad_field_is_named(changed: dict[str, str], cause: str, field: str) -> None:
    facts = refusal(a_file(a_record(), a_record(**{"call_id": "c-2", **changed}), trailer="T;2;67;0.11"))
    assert (facts["line"], facts["cause"], facts["field"]) == (3, cause, field)


def test_bounds_of_the_fields_are_accepted() -> None:
    record = a_record("c" * 255, line="1", called="*" * 40, duration="999999999", amount="999999999.999999", csp="")
    read_back = read(a_file(record)).records[0]
    assert (read_back.duration, read_back.amount) == (999_999_999, 999_999_999_999_999)


def test_facts_never_hold_a_whole_phone_number() -> None:
    facts = refusal(a_file(a_record(amount="11987654321"), trailer="T;1;67;0.11"))
    assert facts["value"] == "(11) 9****-4321"


def test_every_cause_has_a_sentence() -> None:
    for cause in text.FILE_CAUSES:
        said = text.file_cause({"line": 87, "cause": cause, "field": "duration", "value": "abc"})
        assert said.startswith("Linha 87: ")
        assert "—" not in said
        assert "{" not in said


def test_sentence_names_line_field_and_value() -> None:
    facts = refusal(a_file(a_record(duration="abc"), trailer="T;1;67;0.11"))
    assert text.file_cause(facts) == "Linha 2: duração “abc” não é número"


# --- Repeats --------------------------------------------------------------------------------------------------------


def records(*lines: str) -> tuple[CallRecord, ...]:
    return read(a_file(*lines)).records


def test_same_id_is_a_repeat_whatever_else_differs() -> None:
    first, second = records(a_record("a"), a_record("a", called="11912345678"))
    assert deduplicate([first, second]) == ([first], [second])


def test_same_line_called_start_and_duration_is_a_repeat_whatever_the_id() -> None:
    first, second = records(
        a_record("a", started_at="2026-09-21T08:00:00-03:00"), a_record("b", started_at="2026-09-21T11:00:00+00:00")
    )
    assert deduplicate([first, second]) == ([first], [second])


@pytest.mark.parametrize(
    "changed",
    [
        {"line": "1133224456"},
        {"called": "11987654322"},
        {"duration": "68"},
        {"started_at": "2026-09-21T08:03:12-03:00"},
    ],
)
def test_call_that_differs_in_one_of_the_four_is_another_call(changed: dict[str, str]) -> None:
    both = records(a_record("a"), a_record("b", **changed))
    assert deduplicate(both) == (list(both), [])


def test_dropped_record_counts_as_seen() -> None:
    # The second repeats the first by id; the third repeats the second by its call, though not the first.
    first, second, third = records(a_record("a"), a_record("a", duration="1"), a_record("b", duration="1"))
    assert deduplicate([first, second, third]) == ([first], [second, third])


def test_records_of_earlier_files_count_as_seen() -> None:
    known, by_id, by_call, new = records(
        a_record("a"), a_record("a", duration="1"), a_record("b"), a_record("c", duration="2")
    )
    assert deduplicate([by_id, by_call, new], [known.identity]) == ([new], [by_id, by_call])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123")), max_size=8))
def test_keeping_is_stable(pairs: list[tuple[str, str]]) -> None:
    everything = records(*(a_record(call_id, duration=duration) for call_id, duration in pairs))
    kept, dropped = deduplicate(everything)
    assert len(kept) + len(dropped) == len(everything)
    assert deduplicate(kept) == (kept, [])
    assert deduplicate(everything, [one.identity for one in everything]) == ([], list(everything))
