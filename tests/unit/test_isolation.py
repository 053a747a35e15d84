"""Tests see neither the network beyond this machine nor the developer's own settings."""

import os
import socket
import sys

import pytest


# Raised as an event, not dialled: should the guard be gone, nothing leaves the machine either.
@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("platform.example", 443), ("2001:db8::1", 443, 0, 0)])
def test_connection_beyond_this_machine_is_refused(address: tuple[str, int]) -> None:
    with pytest.raises(ConnectionRefusedError, match="leave this machine"):
        sys.audit("socket.connect", None, address)


def test_connection_to_this_machine_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_no_setting_of_the_developer_is_left() -> None:
    assert [name for name in os.environ if name.startswith("STFC_")] == []
