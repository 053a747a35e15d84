"""Faults by option: parsed strictly, decided by a hash of seed, path and attempt."""

import pytest

from stfc.domain import text
from stfc.errors import InvalidInputError
from stfc.simulator.faults import KINDS, SCOPES, Faults, rule, spoilt

FILE = b"H;1;10001;2026-10;a;b;c\nD;1;2;3;4;5;67;VC1;;;0.11\nD;2;2;3;4;6;67;VC1;;;0.11\nT;2;134;0.22\n"


@pytest.mark.parametrize(
    "written", ["503", "503=", "503=x", "503=1.1", "503=-1", "503=nan", "what=0.5", "=1", "", "503=1@file2"]
)
def test_what_is_no_fault_is_refused_with_the_choices(written: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        rule(written)

    assert "503" in text.error(caught.value)


def test_a_fault_that_cannot_happen_there_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        rule("repeat-page=1@file")


def test_a_fault_may_be_kept_to_a_part_of_the_interface() -> None:
    faults = Faults.parse(["503=1@file"])

    assert [scope for scope in SCOPES if faults.answer(scope, "/") == "503"] == ["file"]


def test_the_same_seed_goes_wrong_in_the_same_places() -> None:
    first, second, other = (Faults.parse(["503=0.3", "cut=0.2"], seed) for seed in (1, 1, 2))
    path = [f"/v1/files/{n}" for n in range(300)]

    decisions = [[faults.answer("file", p) for p in path] for faults in (first, second, other)]

    assert decisions[0] == decisions[1] != decisions[2]
    assert set(decisions[0]) == {None, "503", "cut"}
    assert 60 < decisions[0].count("503") < 120


def test_the_next_attempt_on_a_path_may_fare_better_whatever_else_is_asked() -> None:
    alone, among = Faults.parse(["503=0.5"]), Faults.parse(["503=0.5"])

    one = [alone.answer("file", "/a") for _ in range(20)]
    mixed = [(among.answer("file", f"/b{n}"), among.answer("file", "/a"))[1] for n in range(20)]

    assert one == mixed
    assert set(one) == {None, "503"}


def test_a_spoilt_file_stays_spoilt() -> None:
    faults = Faults.parse(["bad-line=0.5"])

    assert [faults.content(f"/{n}") for n in range(50)] == [faults.content(f"/{n}") for n in range(50)]
    assert faults.answer("file", "/1") is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("wrong-contract", FILE.replace(b"10001", b"910001")),
        ("wrong-totals", FILE.replace(b"0.22", b"1.22")),
        ("corrected", FILE.replace(b";0.11\n", b";1.11\n", 1).replace(b"0.22", b"1.22")),
        ("bad-line", FILE.replace(b"D;1;2;3;4;5;67", b"D;1;2;3;4;5;abc")),
    ],
)
def test_a_file_is_spoilt_in_one_place(kind: str, expected: bytes) -> None:
    assert spoilt(FILE, kind) == expected


def test_a_file_without_calls_can_have_a_bad_line_too() -> None:
    assert spoilt(b"H;1;1;2026-10;a;b;c\nT;0;0;0.00\n", "bad-line") == b"H;1;1;2026-10;a;b;c\nD;abc\nT;0;0;0.00\n"


def test_every_kind_can_be_asked_for() -> None:
    assert [rule(f"{kind}=0.1").kind for kind in KINDS] == list(KINDS)
