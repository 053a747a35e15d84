"""What claims mean, and how long a login holds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stfc.domain.login import Login, Standing, person, standing
from stfc.domain.role import Role

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOGIN = Login(
    issuer="https://id.example",
    public_url="https://stfc.example",
    role_claim="groups",
    name_claim="preferred_username",
    roles={"see": Role.SUPERVISOR, "bill": Role.OPERATOR, "decide": Role.MANAGER},
    idle=timedelta(minutes=30),
    most=timedelta(hours=10),
)
CLAIMS: dict[str, Any] = {"iss": "https://id.example", "sub": "7", "iat": NOW.timestamp(), "nonce": "n"}


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["see"], Role.SUPERVISOR),
        (["decide", "bill", "see"], Role.MANAGER),
        ("bill", Role.OPERATOR),
        (["manager", "SEE", "see ", ""], None),
        ([], None),
        (None, None),
        ({"decide": True}, None),
        ([["decide"], 3, None], None),
    ],
)
def test_the_highest_mapped_group_gives_the_role_and_nothing_else_does(groups: Any, role: Role | None) -> None:
    found = person({**CLAIMS, "groups": groups}, LOGIN)
    assert found is not None
    assert found.role is role


@pytest.mark.parametrize(
    "change", [{"iss": "https://id.example.evil"}, {"iss": None}, {"sub": ""}, {"sub": 7}, {"iat": "1"}, {"iat": True}]
)
def test_claims_of_another_issuer_or_without_who_and_when_are_nobodys(change: dict[str, Any]) -> None:
    assert person({**CLAIMS, **change}, LOGIN) is None


def test_a_name_for_the_trail_is_one_line_and_short() -> None:
    named = person({**CLAIMS, "preferred_username": " ana\n\x1b[31m\u202elima" + "a" * 500}, LOGIN)
    assert named is not None
    assert named.name.startswith("ana[31mlima")
    assert len(named.name) == 100
    nameless = person({**CLAIMS, "preferred_username": ["x"], "email": "ana@example.com"}, LOGIN)
    assert nameless is not None
    assert nameless.name == "ana@example.com"


def test_two_logins_of_one_person_are_two() -> None:
    one, other = person(CLAIMS, LOGIN), person({**CLAIMS, "nonce": "m"}, LOGIN)
    assert one is not None
    assert other is not None
    assert one.login != other.login


@pytest.mark.parametrize(
    ("issued", "seen", "expected"),
    [
        (0, 0, Standing.CURRENT),
        (100, 29, Standing.CURRENT),
        (100, 30, Standing.IDLE),
        (599, 0, Standing.CURRENT),
        (600, 0, Standing.OVER),
        (0, None, Standing.OVER),
    ],
)
def test_a_login_ends_without_an_act_and_in_any_case(issued: int, seen: int | None, expected: Standing) -> None:
    ago = [None if minutes is None else NOW - timedelta(minutes=minutes) for minutes in (issued, seen)]
    assert ago[0] is not None
    assert standing(ago[0], ago[1], NOW, LOGIN) is expected
