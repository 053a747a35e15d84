"""Settings as a screen shows them."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from stfc.settings import Settings, described, shown_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://summit.example/v1", "https://summit.example/v1"),
        ("https://ana:s3nha@summit.example:8443/v1", "https://summit.example:8443/v1"),
        ("https://ana@b:s3nha@summit.example", "https://summit.example"),
        ("https://summit.example/a@b", "https://summit.example/a@b"),
        ("/srv/summit", "/srv/summit"),
    ],
)
def test_an_address_is_shown_without_user_and_password(address: str, shown: str) -> None:
    assert shown_address(address) == shown


def test_no_setting_shows_a_secret() -> None:
    made = Settings(
        home=Path("/nowhere"),
        summit_url="https://ana:s3nha@summit.example",
        summit_token=SecretStr("t0k3n"),
        ledger_url=SecretStr("postgresql://ana:s3nha@host/stfc"),
    )
    rows = {row.variable: row.value for row in described(made, ["STFC_SUMMIT_URL"])}
    assert rows["STFC_SUMMIT_URL"] == "https://summit.example"
    assert not [value for value in rows.values() if "s3nha" in value or "t0k3n" in value]
