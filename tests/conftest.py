"""What every test shares: hypothesis' profiles, a clean environment, no network beyond this machine."""

import ipaddress
import os
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.postgres", "tests.ledgers"]

# No deadlines and no "too slow": a busy machine is not a defect.
_PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("explore", **_PATIENT)
settings.register_profile("ci", **_PATIENT, derandomize=True, print_blob=True)
settings.register_profile("thorough", **_PATIENT, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "explore"))


def pytest_configure(config: pytest.Config) -> None:
    """Forget the developer's own settings and keep every connection of this process on this machine."""
    for name in [name for name in os.environ if name.startswith("STFC_")]:
        del os.environ[name]
    sys.addaudithook(_stay_on_this_machine)


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    if host != "localhost" and not _is_loopback(host):
        raise ConnectionRefusedError(f"a test tried to leave this machine: {host}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
