"""The logins that this process has seen begin, and when each was last used."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any

from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from stfc.domain.login import Login, Person, Standing, standing

COOKIE = USER_COOKIE_NAME


class Logins:
    """When each login was last used. In memory: a server that starts again asks everybody to log in again."""

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}
        self._lock = Lock()

    def begin(self, login: str, now: datetime, keep: timedelta) -> None:
        """A login that has just been made; those older than ``keep`` are forgotten."""
        with self._lock:
            self._seen = {key: seen for key, seen in self._seen.items() if now - seen < keep}
            self._seen[login] = now

    def touch(self, login: str, now: datetime) -> None:
        """Somebody acted; a login that has ended does not come back by it."""
        with self._lock:
            if login in self._seen:
                self._seen[login] = now

    def end(self, login: str) -> None:
        """Its person left: no copy of the cookie opens anything any more."""
        with self._lock:
            self._seen.pop(login, None)

    def seen(self, login: str) -> datetime | None:
        """When it was last used; None for one that ended, or that this process never saw begin."""
        return self._seen.get(login)


@cache
def of_process() -> Logins:
    """The one register that screens and routes of a process share."""
    return Logins()


def standing_of(who: Person, login: Login, now: datetime) -> Standing:
    """Whether the person's login holds now."""
    return standing(who.issued, of_process().seen(who.login), now, login)


def claims(cookies: Mapping[str, str]) -> dict[str, Any]:
    """What the signed identity cookie says; nothing when there is none or another key signed it."""

    def single(name: str) -> bytes | None:
        value = cookies.get(name)
        return None if value is None else decode_signed_value(get_cookie_secret(), name, value.encode("latin-1"))

    try:
        whole = get_cookie_with_chunks(single, COOKIE)
        said = json.loads(whole) if whole else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
