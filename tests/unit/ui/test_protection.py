"""Headers, hosts, and the way back: what an address must be to be gone back to."""

import pytest

from stfc.ui import protection, scripts
from stfc.ui.protection import _packed, _screen, _unpacked


@pytest.mark.parametrize(
    ("address", "screen"),
    [
        ("http://127.0.0.1/contratos?competencia=2026-10&busca=a+b", "/contratos?competencia=2026-10&busca=a+b"),
        ("http://127.0.0.1/", "/"),
        ("", "/"),
        ("https://evil.example/phish", "/"),
        ("//evil.example/", "/"),
        ("http://127.0.0.1//evil.example", "/"),
        ("http://127.0.0.1/\\evil.example", "/"),
        ("http://127.0.0.1/media/1.csv", "/"),
        ("http://127.0.0.1/contratos?a=%0d%0aset-cookie:x", "/contratos?a=%0D%0Aset-cookie%3Ax"),
        ("http://[::1", "/"),
    ],
)
def test_the_way_back_leads_to_a_screen_of_ours_and_nowhere_else(address: str, screen: str) -> None:
    assert _screen(address) == screen
    assert _unpacked(_packed(address)) == screen


@pytest.mark.parametrize("cookie", ["", "%", "AAAA", "////", "é"])
def test_a_spoilt_cookie_leads_to_the_first_screen(cookie: str) -> None:
    assert _unpacked(cookie) == "/"


def test_the_policy_lets_no_script_in_but_our_own() -> None:
    said = dict(protection.headers(scripts.allowed(), https=True))
    policy = said[b"content-security-policy"].decode()
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert "unsafe" not in parts["script-src"]
    assert parts["script-src"].count("sha256-") == len(scripts.allowed())
    assert (parts["default-src"], parts["frame-ancestors"]) == ("'none'", "'none'")
    assert not any("http" in source or "*" in source for source in parts.values())
    assert b"strict-transport-security" in said
    assert b"strict-transport-security" not in dict(protection.headers((), https=False))
