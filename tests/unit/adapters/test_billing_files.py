"""The columnar path gives the reference parser's verdict and rows, file by file, whatever is done to the files."""

from collections.abc import Sequence

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from stfc.adapters.billing_files import RECORDS, FileHead, ParsedFiles, parse_files
from stfc.domain.billing_file import BillingFile, Header, parse
from stfc.domain.competence import Competence
from stfc.errors import FileFormatError
from tests.billing_files import HEADER, a_file, a_record

OCTOBER = Competence(2026, 10)


def plainly(contract: str, body: bytes) -> BillingFile | FileFormatError:
    try:
        return parse(body, contract, OCTOBER)
    except FileFormatError as error:
        return error


def rows(index: int, file: BillingFile) -> list[tuple[object, ...]]:
    """What the columns have to hold, said here once more."""
    return [
        (
            index,
            one.call_id,
            one.line,
            one.caller,
            one.called,
            one.started_at,
            (one.started_at.utcoffset() or 0) and int(one.started_at.utcoffset().total_seconds()) // 60,  # type: ignore[union-attr]
            one.duration,
            one.platform_class,
            one.carrier,
            one.csp,
            one.amount,
        )
        for one in file.records
    ]


def assert_agrees(parsed: ParsedFiles, files: Sequence[tuple[str, bytes]]) -> None:
    expected = [plainly(contract, body) for contract, body in files]
    good = {index: file for index, file in enumerate(expected) if isinstance(file, BillingFile)}
    bad = {index: error.facts for index, error in enumerate(expected) if isinstance(error, FileFormatError)}
    assert {index: error.facts for index, error in parsed.failures.items()} == bad
    assert parsed.heads == {
        index: FileHead(Header(file.period_from, file.period_until, file.generated_at), file.declared)
        for index, file in good.items()
    }
    wanted = [row for index, file in good.items() for row in rows(index, file)]
    assert_frame_equal(parsed.records, pl.DataFrame(wanted, schema=RECORDS, orient="row"))


GOOD = a_file(
    a_record("c-1"),
    a_record("c-2", called="002112125550123", duration="0", amount="4,9", carrier="", csp=""),
    a_record("c-3", carrier="Telefônica", started_at="2026-10-01T00:00:00+05:30", amount="999999.999999"),
)
TOKENS = [
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b" ",
    b"\x00",
    b"\t",
    b"\x81",
    b"\xe9",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"\xd9\xa1",
]
TOKENS += [
    b"\nT;3;67;0.11\n",
    *b"; \" ' D T H D; T; 0 9 - + . , : Z * # 60 24 -03:00 +15:00 1e3 T;0;0;0 2026-02-30".split(),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good file with one to three changes: bytes replaced, taken out, doubled or put in."""
    body = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(body)))
        length = draw(st.sampled_from([0, 0, 1, 1, 2, 5, 30]))
        old = bytes(body[start : start + length])
        new = draw(st.sampled_from(TOKENS) | st.just(b"") | st.just(old + old) | st.binary(max_size=2))
        body[start : start + length] = new
    return bytes(body)


@settings(max_examples=250)
@given(st.lists(mutated(), min_size=1, max_size=8), st.integers(0, 7))
def test_mutated_files_get_the_reference_verdict_and_rows(bodies: list[bytes], place: int) -> None:
    # A good file among them must come through whatever its neighbours are like.
    files = [("4711", body) for body in bodies]
    files.insert(place, ("4711", GOOD))
    assert_agrees(parse_files(files, OCTOBER), files)


fields = st.fixed_dictionaries(
    {
        "call_id": st.sampled_from(["", "c-1", "c" * 255, "c" * 256, "é" * 200, '"', " "]),
        "line": st.sampled_from(["1133224455", "", "1", "1" * 20, "1" * 21, "+55", "11 3", "١"]),
        "caller": st.sampled_from(["1133224455", "*", "", "x", "1" * 41]),
        "called": st.sampled_from(["190", "+351", "*144#", "", "1-1", "9" * 40]),
        "started_at": st.sampled_from(
            [
                "2026-09-21T08:03:11-03:00",
                "2026-09-21T08:03:11+14:59",
                "2026-09-21T08:03:11-00:30",
                "2026-09-21T08:03:11Z",
                "2026-09-21T08:03:11.25-03:00",
                "2026-09-21T08:03:60-03:00",
                "2026-09-21T24:00:00-03:00",
                "2026-02-29T08:03:11-03:00",
                "2024-02-29T08:03:11-03:00",
                "2026-13-01T08:03:11-03:00",
                "2026-09-21T08:60:11-03:00",
                "2100-01-01T00:00:00-03:00",
                "2026-09-21T8:03:11-03:00",
                "2026-09-21T08:03:11-0300",
            ]
        ),
        "duration": st.sampled_from(["0", "67", "007", "999999999", "9999999999", "", "+1", "-1", "1.0", "1_0", " 1"]),
        "platform_class": st.sampled_from(["", "VC1", "x" * 256]),
        "carrier": st.sampled_from(["", "VIVO", "Olá", "\N{NEXT LINE}", "\N{LINE SEPARATOR}"]),
        "csp": st.sampled_from(["", "15", "abc"]),
        "amount": st.sampled_from(
            [
                "0",
                "0.11",
                "0,11",
                "1.234567",
                "999999999.999999",
                "0.0000001",
                "",
                ".5",
                "5.",
                "1,2.3",
                "-1",
                "+1",
                "1e3",
                "9" * 36,
            ]
        ),
    }
)


@settings(max_examples=250)
@given(st.lists(fields, min_size=1, max_size=6))
def test_fields_at_their_bounds_get_the_reference_verdict_and_rows(changes: list[dict[str, str]]) -> None:
    files = [("4711", a_file(a_record(), a_record(**one), trailer="T;2;0;0")) for one in changes]
    assert_agrees(parse_files(files, OCTOBER), files)


def test_files_keep_their_order_when_some_are_read_plainly() -> None:
    plain, slow, bad = (
        a_file(a_record("plain")),
        a_file(a_record("slow", started_at="2026-09-21T08:03:11Z")),
        a_file(a_record(), trailer="T;x;0;0"),
    )
    files = [("4711", one) for one in (plain, slow, bad, plain)]
    parsed = parse_files(files, OCTOBER)
    assert parsed.records["call_id"].to_list() == ["plain", "slow", "plain"]
    assert parsed.doubtful == {1, 2}
    assert_agrees(parsed, files)


def test_ragged_rows_that_make_up_for_each_other_are_noticed() -> None:
    records = a_record().removesuffix(";0.11"), a_record() + ";"
    files = [("4711", a_file(*records, trailer="T;2;0;0")), ("4711", GOOD)]
    assert_agrees(parse_files(files, OCTOBER), files)


def test_ordinary_files_need_no_plain_reading() -> None:
    bodies = [
        GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("cp1252"),
        a_file(),
        GOOD.removesuffix(b"\n"),
    ]
    parsed = parse_files([("4711", body) for body in bodies], OCTOBER)
    assert (parsed.failures, parsed.doubtful) == ({}, frozenset())


def test_each_file_is_of_its_own_contract() -> None:
    files = [("4711", GOOD), ("4712", GOOD.replace(b"4711", b"4712")), ("4713", GOOD)]
    parsed = parse_files(files, OCTOBER)
    assert parsed.failures[2].facts["cause"] == "other_contract"
    assert_agrees(parsed, files)


def test_no_files_give_no_rows() -> None:
    assert_agrees(parse_files([], OCTOBER), [])
    assert_agrees(parse_files([("4711", a_file(header=HEADER))], OCTOBER), [("4711", a_file())])
