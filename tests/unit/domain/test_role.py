"""Roles: each may all that the one before it may."""

import itertools

import pytest

from stfc.domain.role import Role


@pytest.mark.parametrize(
    ("less", "more"), list(itertools.combinations([Role.SUPERVISOR, Role.OPERATOR, Role.MANAGER], 2))
)
def test_role_covers_those_below_it_only(less: Role, more: Role) -> None:
    assert more.covers(less)
    assert not less.covers(more)
    assert less.covers(less)
    assert less < more
    assert more > less
    assert less <= less <= more
    assert more >= less
