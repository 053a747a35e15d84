"""Half a login is refused; it never ends as the local role."""

from pathlib import Path

import pytest

from stfc import settings
from stfc.domain import text
from stfc.domain.role import Role
from stfc.errors import SettingsError

WHOLE = {
    "STFC_OIDC_ISSUER": "https://id.example/",
    "STFC_OIDC_CLIENT_ID": "dashboard",
    "STFC_OIDC_CLIENT_SECRET": "s3cret",
    "STFC_OIDC_COOKIE_SECRET": "c" * 32,
    "STFC_OIDC_ROLES": '{"chefia":"manager"}',
    "STFC_PUBLIC_URL": "https://stfc.example",
}


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All of it is set."""
    for name, value in {**WHOLE, "STFC_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)


def test_a_whole_login_is_one_and_shows_no_secret(whole: None) -> None:
    found = settings.load()
    assert found.login is not None
    assert (found.login.issuer, found.login.roles) == ("https://id.example", {"chefia": Role.MANAGER})
    assert "s3cret" not in repr(found)
    assert "cccc" not in repr(found)


@pytest.mark.parametrize("name", WHOLE)
def test_a_login_that_lacks_a_part_is_refused_by_its_name(
    name: str, whole: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert name in text.error(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STFC_OIDC_ISSUER", "http://id.example"),
        ("STFC_OIDC_ISSUER", "javascript:alert(1)"),
        ("STFC_PUBLIC_URL", "http://10.0.0.7:8501"),
        ("STFC_PUBLIC_URL", "http://[::1"),
        ("STFC_OIDC_COOKIE_SECRET", "short"),
        ("STFC_OIDC_ROLES", '{"chefia":"root"}'),
        ("STFC_OIDC_ROLES", "chefia=manager s3cret"),
        ("STFC_SESSION_IDLE", "0"),
        ("STFC_SESSION_MOST", "-1"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_without_quoting_a_secret(
    name: str, value: str, whole: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    said = text.error(caught.value)
    assert "CFG-INV" in said
    assert name.removeprefix("STFC_").lower().replace("_", "") in said.lower().replace("_", "")
    assert "s3cret" not in said
