"""What an identity provider's claims mean here, and how long a login holds (PRODUCT 1 and 9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from stfc.domain.role import Role

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names under which only this machine reaches a server."""
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Login:
    """Login by an OIDC provider: ``issuer``, the address that people type, and what the provider's claims mean.

    ``roles`` gives the role of each group that the claim ``role_claim`` may name (dots lead into nested claims);
    ``idle`` and ``most`` are how long a login lasts without an act, and at all.
    """

    issuer: str
    public_url: str
    role_claim: str
    name_claim: str
    roles: Mapping[str, Role]
    idle: timedelta
    most: timedelta


class Standing(StrEnum):
    """Whether a login still holds."""

    CURRENT = "current"
    IDLE = "idle"
    OVER = "over"


@dataclass(frozen=True)
class Person:
    """Who logged in: ``name`` for the trail, the highest mapped ``role`` (None: no group of theirs has one), when the
    provider issued the login, and ``login``, a key that no other login shares."""

    name: str
    role: Role | None
    issued: datetime
    login: str


def person(claims: Mapping[str, Any], login: Login) -> Person | None:
    """The person whom ``claims`` describe; None when they are another issuer's, or lack who and when.

    A dotted claim name leads into nested claims (``realm_access.roles``).
    """
    subject, issued = claims.get("sub"), claims.get("iat")
    if str(claims.get("iss", "")).rstrip("/") != login.issuer or not isinstance(subject, str) or not subject:
        return None
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        return None
    key = sha256(repr((subject, issued, claims.get("nonce"))).encode()).hexdigest()
    return Person(
        name=_name(claims, login.name_claim) or subject[:_LONGEST_NAME],
        role=_highest(_claim(claims, login.role_claim), login.roles),
        issued=datetime.fromtimestamp(issued, UTC),
        login=key,
    )


def standing(issued: datetime, seen: datetime | None, now: datetime, login: Login) -> Standing:
    """Whether a login holds: issued less than ``login.most`` ago, and an act (``seen``) less than ``login.idle`` ago.

    A login that nobody has seen begin is over: its person left, or the server has started since.
    """
    if seen is None or now - issued >= login.most:
        return Standing.OVER
    return Standing.IDLE if now - seen >= login.idle else Standing.CURRENT


def _highest(groups: Any, roles: Mapping[str, Role]) -> Role | None:
    named = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    found = [roles[group] for group in named if isinstance(group, str) and group in roles]
    return max(found, default=None)


def _name(claims: Mapping[str, Any], name_claim: str) -> str:
    for claim in (name_claim, "email"):
        value = _claim(claims, claim)
        if isinstance(value, str) and (said := "".join(c for c in value if c.isprintable()).strip()):
            return said[:_LONGEST_NAME]
    return ""


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    if path in claims:
        return claims[path]
    value: Any = claims
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
