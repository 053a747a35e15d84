"""What a request is made from: addresses, tokens, and how long to wait."""

from datetime import UTC, datetime

import pytest

from stfc.adapters.summit.exchange import Exchange, retry_after
from stfc.domain import text
from stfc.errors import ServerFaultError, SettingsError

NOW = datetime(2026, 10, 20, 12, 0, 0, tzinfo=UTC)


def exchange(address: str = "https://summit.test/base", token: str = "t") -> Exchange:
    return Exchange(address, token, connections=4, whole_seconds=1, size_limit=1024, longest_rest=60)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-7", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("999999999999", 86_400.0),
        ("Tue, 20 Oct 2026 12:00:30 GMT", 30.0),
        ("Tue, 20 Oct 2026 09:00:30 -0300", 30.0),
        ("Tue, 20 Oct 2026 11:00:00 GMT", 0.0),
        ("Tue, 99 Oct 2026 11:00:00 GMT", None),
    ],
)
def test_how_long_to_wait_comes_as_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW, longest=86_400.0) == seconds


@pytest.mark.parametrize(
    "address", ["", "summit.test", "ftp://summit.test", "http://", "http://a:b@c", "http://x:99999", "http://x?q"]
)
def test_an_address_that_cannot_be_used_is_a_wrong_setting(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        exchange(address)

    assert "STFC_SUMMIT_URL" in text.error(caught.value)


@pytest.mark.parametrize("token", ["a\nb", "chá", " a", "a\0"])
def test_a_token_that_no_header_takes_is_a_wrong_setting_and_stays_unsaid(token: str) -> None:
    with pytest.raises(SettingsError) as caught:
        exchange(token=token)

    assert token not in str(caught.value.facts)


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("v1/health", "https://summit.test/base/v1/health"),
        ("/v1/files/x", "https://summit.test/v1/files/x"),
        ("https://summit.test:443/x", "https://summit.test:443/x"),
    ],
)
def test_links_are_followed_on_the_same_host(href: str, address: str) -> None:
    assert exchange().address(href) == address


@pytest.mark.parametrize(
    "href", ["http://summit.test/x", "https://summit.test:8443/x", "//other.test/x", "https://summit.test.evil/x"]
)
def test_links_elsewhere_are_refused(href: str) -> None:
    with pytest.raises(ServerFaultError):
        exchange().address(href)
