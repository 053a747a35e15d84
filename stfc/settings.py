"""What the environment and ``stfc.toml`` in the home say (ARCHITECTURE, command line)."""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pydantic_settings
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from stfc.domain.login import LOOPBACK, Login
from stfc.domain.role import Role
from stfc.errors import SettingsError

_SECRETS = {"summit_token", "ledger_url", "oidc_client_secret", "oidc_cookie_secret"}
_OTHERS = 0o077
"""The rights of group and others in a file's mode."""
_COOKIE_SECRET = 32
_USER_INFO = re.compile(r"//[^/?#\s]*@")
"""The least length of what signs the login cookies."""


class Settings(BaseSettings):
    """Settings of one home. Environment variables ``STFC_…`` win over ``stfc.toml``.

    ``summit_dir`` chooses the folder adapter instead of HTTP; with neither it nor ``summit_url`` the integration
    *STFC - Summit* is not enabled. Times are in seconds: ``rest_most`` is the longest ``Retry-After`` that is honoured,
    ``look_first`` and ``look_most`` bound the wait between two looks for a file that was not there.
    ``snapshot_days`` is the age from which on the ERP's data count as old.

    The ``oidc_…`` ones together are the login (``login``); ``public_url`` is the address that people type.
    ``session_idle`` and ``session_most`` end a login: without an act, and in any case.
    """

    model_config = SettingsConfigDict(env_prefix="STFC_", extra="ignore", frozen=True)

    home: Path = Path(".stfc")
    summit_url: str | None = None
    summit_token: SecretStr = SecretStr("")
    summit_dir: Path | None = None
    ledger_url: SecretStr | None = None
    calls_path: Path | None = None
    cluster: str | None = None
    role: Literal["supervisor", "operator", "manager"] | None = None
    user: str | None = None

    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_cookie_secret: SecretStr | None = None
    oidc_role_claim: str = "groups"
    oidc_name_claim: str = "preferred_username"
    oidc_roles: dict[str, Role] = Field(default={})
    public_url: str | None = None
    session_idle: float = Field(default=1_800.0, gt=0)
    session_most: float = Field(default=36_000.0, gt=0)

    connections: int = Field(default=32, ge=1, le=512)
    chunk_contracts: int = Field(default=200, ge=1, le=2000)
    chunks: int = Field(default=4, ge=1, le=64)
    patience: float = Field(default=2.0, gt=0)
    file_timeout: float = Field(default=60.0, gt=0)
    lease: float = Field(default=10.0, gt=0)
    heartbeat: float = Field(default=3.0, gt=0)
    retry_tries: int = Field(default=5, ge=1, le=100)
    retry_first: float = Field(default=1.0, ge=0)
    retry_most: float = Field(default=30.0, ge=0)
    rest_most: float = Field(default=3_600.0, ge=0)
    look_first: float = Field(default=60.0, gt=0)
    look_most: float = Field(default=900.0, gt=0)
    file_size_limit: int = Field(default=64 * 1024 * 1024, ge=1024)
    snapshots_kept: int = Field(default=24, ge=1)
    snapshot_days: int = Field(default=35, ge=1)
    awaiting_note_excludes: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the caller gives as the file's content ranks below the environment."""
        return env_settings, init_settings

    @property
    def ledger_address(self) -> str:
        """The ledger's URL; SQLite in the home by default."""
        if self.ledger_url:
            return self.ledger_url.get_secret_value()
        return f"sqlite:///{self.home.absolute() / 'ledger.db'}"

    @property
    def calls_root(self) -> Path:
        """Where the parts of calls stand."""
        return self.calls_path or self.home / "calls"

    @property
    def snapshots_root(self) -> Path:
        """Where the ERP's snapshots stand."""
        return self.home / "snapshots"

    @property
    def has_platform(self) -> bool:
        """Whether the integration *STFC - Summit* is enabled (PRODUCT 3)."""
        return bool(self.summit_url or self.summit_dir)

    @property
    def login(self) -> Login | None:
        """The login by an OIDC provider; None where none is set and a local role serves (loopback only)."""
        if self.oidc_issuer is None or self.public_url is None:
            return None
        return Login(
            issuer=self.oidc_issuer.rstrip("/"),
            public_url=self.public_url.rstrip("/"),
            role_claim=self.oidc_role_claim,
            name_claim=self.oidc_name_claim,
            roles=self.oidc_roles,
            idle=timedelta(seconds=self.session_idle),
            most=timedelta(seconds=self.session_most),
        )


@dataclass(frozen=True)
class SettingRow:
    """A setting as it stands: the ``variable`` that sets it, value and default as text, and where the value comes from:
    ``environment``, ``file`` or ``default``. A secret's value is ``set`` or empty, never the secret."""

    variable: str
    value: str
    default: str
    source: str


def described(settings: Settings, environment: Iterable[str]) -> list[SettingRow]:
    """Every setting, in their order."""
    given = {name.upper() for name in environment}
    return [_described(settings, name, f"STFC_{name.upper()}" in given) for name in Settings.model_fields]


def _described(settings: Settings, name: str, is_in_environment: bool) -> SettingRow:
    value, default = getattr(settings, name), Settings.model_fields[name].default
    source = "environment" if is_in_environment else "file" if name in settings.model_fields_set else "default"
    return SettingRow(f"STFC_{name.upper()}", _said(value), _said(default), source)


def _said(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else ""
    if isinstance(value, dict):
        return ", ".join(f"{name}={role}" for name, role in value.items())
    return "" if value is None else shown_address(str(value))


def shown_address(address: str) -> str:
    """An address as it may be shown: without the user and password that it may hold; other text as it is."""
    return _USER_INFO.sub("//", address)


def load(**overrides: Any) -> Settings:
    """The settings of the environment, completed by ``stfc.toml`` in the home, then by ``overrides``.

    Raises:
        SettingsError: a value is missing or wrong, the file is not TOML, or it holds a secret and other accounts may
            read it; it names the setting and the cause.
    """
    try:
        home = Settings().home
        settings = Settings(**{**_file(home / "stfc.toml"), **overrides})
    except pydantic_settings.SettingsError as cause:
        # Its words quote the setting's name, never the value.
        raise SettingsError(setting=_quoted(str(cause)), cause="unreadable") from cause
    except ValidationError as cause:
        first = cause.errors()[0]
        raise SettingsError(setting=".".join(map(str, first["loc"])), cause=first["msg"]) from cause
    for setting, why in _gaps_of_login(settings):
        # Half a login must not end as the local role, which asks nobody for a password.
        raise SettingsError(setting=setting, cause=why)
    return settings


def _gaps_of_login(settings: Settings) -> Iterator[tuple[str, str]]:
    """What keeps a login that somebody began to set from working: the setting, and a key of ``text.SETTING_CAUSES``."""
    parts = {
        "STFC_OIDC_ISSUER": settings.oidc_issuer,
        "STFC_OIDC_CLIENT_ID": settings.oidc_client_id,
        "STFC_OIDC_CLIENT_SECRET": settings.oidc_client_secret and settings.oidc_client_secret.get_secret_value(),
        "STFC_OIDC_COOKIE_SECRET": settings.oidc_cookie_secret and settings.oidc_cookie_secret.get_secret_value(),
        "STFC_OIDC_ROLES": settings.oidc_roles,
    }
    if not any(parts.values()):
        return
    for name, value in {**parts, "STFC_PUBLIC_URL": settings.public_url}.items():
        if not value:
            yield name, "login_incomplete"
    for name, address in (("STFC_OIDC_ISSUER", settings.oidc_issuer), ("STFC_PUBLIC_URL", settings.public_url)):
        if not _is_safe(address or ""):
            yield name, "login_http"
    if len(str(parts["STFC_OIDC_COOKIE_SECRET"])) < _COOKIE_SECRET:
        yield "STFC_OIDC_COOKIE_SECRET", "login_short"


def _is_safe(address: str) -> bool:
    """Whether the address is https, or http to this machine itself."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(parts.hostname)) or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _quoted(words: str) -> str:
    found = re.search(r'field "(\w+)"', words)
    return f"STFC_{found[1].upper()}" if found else "STFC"


def contradictions(settings: Settings) -> list[tuple[str, str]]:
    """Settings that exclude each other or cannot work together, with the cause: a key of ``text.SETTING_CAUSES``."""
    found = [
        ("STFC_SUMMIT_DIR", "two_platforms", settings.summit_dir is not None and settings.summit_url is not None),
        ("STFC_HEARTBEAT", "heartbeat", settings.heartbeat * 2 > settings.lease),
        ("STFC_RETRY_MOST", "retry_most", settings.retry_most < settings.retry_first),
        ("STFC_PATIENCE", "patience", settings.patience > settings.file_timeout),
    ]
    return [(setting, cause) for setting, cause, holds in found if holds]


def unknown(environment: Iterable[str]) -> list[str]:
    """The variables that look like ours and name no setting."""
    known = {f"STFC_{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in environment if name.upper().startswith("STFC_") and name.upper() not in known)


def _file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as cause:
        raise SettingsError(setting=str(path), cause=str(cause)) from cause
    unknown = sorted(set(content) - set(Settings.model_fields))
    if unknown:
        raise SettingsError(setting=unknown[0], cause="unknown")
    if _SECRETS & content.keys() and os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise SettingsError(setting=str(path), cause="readable")
    return content
