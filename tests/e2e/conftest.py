"""Browser tests: real app, worker and simulator on free ports, Debian's Chromium, nothing faked."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.screen import Screen
from tests.e2e.stack import Stack

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# Two cores run four products and two browsers at once.
expect.set_options(timeout=20_000)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium these tests cannot run; say so once each instead of failing in the driver."""
    if Path(CHROMIUM).exists():
        return
    missing = pytest.mark.skip(reason="Chromium is not installed (Debian package chromium)")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(missing)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium without its own traffic."""
    return {"executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """A Brazilian laptop."""
    return {
        "locale": "pt-BR",
        "timezone_id": "America/Sao_Paulo",
        "viewport": {"width": 1366, "height": 768},
        "color_scheme": "light",
        "accept_downloads": True,
    }


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One running product for the session: 150 contracts, 4 months, nothing billed yet."""
    running = Stack(tmp_path_factory.mktemp("stack"))
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture
def new_stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Makes a product of the test's own: ``new_stack(contracts=20, simulator=("--fault", "500=1"))``."""
    made: list[Stack] = []

    def make(**options: Any) -> Stack:
        made.append(Stack(tmp_path / f"stack{len(made)}", **options))
        made[-1].folder.mkdir()
        return made[-1].start()

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def new_screen(context: BrowserContext) -> Iterator[Callable[[Stack], Screen]]:
    """Opens a tab on a product; at the end nothing forbidden may have happened in it."""
    opened: list[Screen] = []

    def make(running: Stack) -> Screen:
        opened.append(Screen(context.new_page(), running))
        return opened[-1]

    yield make
    for screen in opened:
        screen.assert_clean()


@pytest.fixture
def screen(stack: Stack, new_screen: Callable[[Stack], Screen]) -> Screen:
    """A tab on the session's product, at the first screen, nobody signed in."""
    return new_screen(stack)


@pytest.fixture
def operator(screen: Screen) -> Screen:
    """A tab, at no screen yet, of a browser that remembers an operator; choosing a role is proved in ``test_shell``."""
    return screen.known_as("operador")
