"""Numbers as dialled: vectors of every form, and the boundaries between them (PRODUCT 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.area_codes import AREA_CODES, utc_offset_hours
from stfc.domain.call import CallClass
from stfc.domain.numbers import Destination, area_of, call_class, country_codes, normalise

SAO_PAULO, CAMPINAS, ACRE = "1133224455", "1932324455", "6832224455"
NO_AREA = "08007771234"


@pytest.mark.parametrize(
    ("called", "found"),
    [
        ("11987654321", Destination(CallClass.VC1, "11987654321", "11")),
        ("19987654321", Destination(CallClass.VC2, "19987654321", "19")),
        ("21987654321", Destination(CallClass.VC3, "21987654321", "21")),
        ("1133334444", Destination(CallClass.LOCAL, "1133334444", "11")),
        ("1933334444", Destination(CallClass.LDN, "1933334444", "19")),
        ("33334444", Destination(CallClass.LOCAL, "1133334444", "11")),
        ("987654321", Destination(CallClass.VC1, "11987654321", "11")),
        ("015" + "21987654321", Destination(CallClass.VC3, "21987654321", "21")),
        ("015" + "1133334444", Destination(CallClass.LOCAL, "1133334444", "11")),
        ("002112125550123", Destination(CallClass.LDI, "+12125550123", country="1")),
        ("0015" + "351912345678", Destination(CallClass.LDI, "+351912345678", country="351")),
        ("+4930123456", Destination(CallClass.LDI, "+4930123456", country="49")),
        ("0015" + "5521987654321", Destination(CallClass.VC3, "21987654321", "21")),
        ("+5521987654321", Destination(CallClass.VC3, "21987654321", "21")),
        ("551133334444", Destination(CallClass.LOCAL, "1133334444", "11")),
        ("9090" + "33334444", Destination(CallClass.LOCAL, "1133334444", "11")),
        ("9090" + "987654321", Destination(CallClass.VC1, "11987654321", "11")),
        ("9015" + "2133334444", Destination(CallClass.LDN, "2133334444", "21")),
        ("9015" + "21987654321", Destination(CallClass.VC3, "21987654321", "21")),
        ("08007771234", Destination(CallClass.TOLL_FREE, "08007771234")),
        ("0800123456", Destination(CallClass.TOLL_FREE, "0800123456")),
        ("03001234567", Destination(CallClass.SHARED, "03001234567")),
        ("03031234567", Destination(CallClass.SHARED, "03031234567")),
        ("05001234567", Destination(CallClass.SHARED, "05001234567")),
        ("09001234567", Destination(CallClass.SHARED, "09001234567")),
        ("40041234", Destination(CallClass.LOCAL, "40041234", "11")),
        ("30031234", Destination(CallClass.LOCAL, "30031234", "11")),
        ("190", Destination(CallClass.PUBLIC_UTILITY, "190")),
    ],
)
def test_dialled_string_leads_to_its_destination(called: str, found: Destination) -> None:
    assert normalise(called, SAO_PAULO) == found


@pytest.mark.parametrize(
    "called",
    [
        "",
        "19",
        "1900",
        "080012345",  # 0800 and five digits
        "080012345678",  # 0800 and eight
        "03011234567",  # no such service
        "13334444",  # a fixed number begins with 2 to 5
        "63334444",
        "887654321",  # a mobile one with 9
        "2033334444",  # 20 is no CN
        "10987654321",
        "01533334444",  # CSP without CN, or CN without CSP: either reading would be a guess
        "015" + "2033334444",
        "9015" + "33334444",
        "0005" + "12125550123",  # a CSP begins with no 0
        "0015" + "999123456789",  # no country has 999
        "0015" + "123456",  # six digits are no number abroad
        "0015" + "1234567890123456",  # sixteen neither
        "*144",
        "1133334444#",
        "123456789012345678901234",
        "１１９８７６５４３２１",  # digits, but not those of a telephone
    ],
)
def test_what_no_rule_takes_is_unknown(called: str) -> None:
    assert call_class(called, SAO_PAULO) is CallClass.UNKNOWN


@pytest.mark.parametrize(
    ("line", "expected"), [(SAO_PAULO, CallClass.VC1), (CAMPINAS, CallClass.VC2), (ACRE, CallClass.VC3)]
)
def test_class_of_a_mobile_number_is_measured_against_the_line(line: str, expected: CallClass) -> None:
    assert call_class("11987654321", line) is expected


def test_missing_area_is_that_of_the_line() -> None:
    assert normalise("987654321", ACRE).number == "68987654321"


def test_line_without_area_leaves_national_numbers_unknown_and_the_others_as_they_are() -> None:
    assert normalise("11987654321", NO_AREA) == Destination(CallClass.UNKNOWN, "11987654321", "11")
    assert call_class("33334444", NO_AREA) is CallClass.UNKNOWN
    assert call_class("40041234", NO_AREA) is CallClass.UNKNOWN
    assert call_class("0015351912345678", NO_AREA) is CallClass.LDI
    assert call_class("08007771234", NO_AREA) is CallClass.TOLL_FREE


@pytest.mark.parametrize(
    ("line", "area"),
    [
        ("1133224455", "11"),
        ("11933224455", "11"),
        ("1033224455", None),
        ("1113224455", None),
        ("113322445", None),
        ("119332244556", None),
        ("", None),
    ],
)
def test_area_of_a_line_is_its_first_two_digits_when_it_is_a_line(line: str, area: str | None) -> None:
    assert area_of(line) == area


def test_destination_is_counted_by_area_or_country() -> None:
    keys = [normalise(called, SAO_PAULO).key for called in ("21987654321", "0015351912345678", "190", "*1")]
    assert keys == ["21", "+351", "", ""]


def test_no_calling_code_begins_another() -> None:
    codes = country_codes()
    assert not [(one, other) for one in codes for other in codes if one != other and other.startswith(one)]


def test_there_are_67_areas_in_27_states() -> None:
    assert len(AREA_CODES) == 67
    assert len({area.state for area in AREA_CODES.values()}) == 27
    assert all(code == area.code and area.city for code, area in AREA_CODES.items())


def test_only_the_named_areas_are_west_of_brasilia() -> None:
    west = {code: utc_offset_hours(code) for code in AREA_CODES if utc_offset_hours(code) != -3}
    assert west == {"65": -4, "66": -4, "67": -4, "68": -5, "69": -4, "92": -4, "95": -4, "97": -4}
    assert utc_offset_hours(None) == -3


@given(called=st.text(max_size=25), line=st.text(max_size=15))
def test_every_string_has_a_class(called: str, line: str) -> None:
    found = normalise(called, line)
    assert (found.country is not None) == (found.call_class is CallClass.LDI)
    assert found.area is None or found.area in AREA_CODES


@given(st.sampled_from(sorted(AREA_CODES)), st.from_regex(r"\A([2-5][0-9]{7}|9[0-9]{8})\Z"))
def test_prefixes_do_not_change_where_a_national_number_leads(area: str, number: str) -> None:
    plain = normalise(area + number, SAO_PAULO)
    for prefix in ("015", "9021", "55", "+55", "003155"):
        assert normalise(prefix + area + number, SAO_PAULO) == plain
