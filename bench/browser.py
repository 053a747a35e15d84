"""The app over a home as a process of its own, and Chromium before it, for benches of the screens."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from rig import ROOT, answering

_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_IDLE = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  const idle = app && app.dataset.testScriptState === 'notRunning' && app.dataset.testConnectionState !== 'CONNECTING';
  const now = performance.now();
  if (!idle) { window.__idleSince = null; return false; }
  window.__idleSince = window.__idleSince ?? now;
  return now - window.__idleSince > 300;
}"""
# From the pointer's or key's press until the script has run to its end, by the page's own clock.
_WATCH = """(() => {
  const now = () => performance.now();
  window.__watch = { pressed: 0, ended: 0, changed: 0 };
  const press = () => { if (window.__watch.armed) Object.assign(window.__watch, { pressed: now(), armed: false }); };
  addEventListener('pointerdown', press, true);
  addEventListener('keydown', press, true);
  let running = false;
  new MutationObserver(changes => {
    const app = document.querySelector('[data-testid=stApp]');
    if (!app) return;
    const runs = app.dataset.testScriptState !== 'notRunning';
    if (running && !runs) window.__watch.ended = now();
    running = runs;
    if (changes.some(one => one.type !== 'attributes')) window.__watch.changed = now();
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true,
    attributeFilter: ['data-test-script-state'] });
})()"""


@dataclass(frozen=True)
class App:
    """The app that runs: where it answers, and its process."""

    address: str
    pid: int

    def resident(self) -> int:
        """KiB that it and all that it started hold in memory (Linux)."""
        return sum(_resident(pid) for pid in self._family())

    def worked(self) -> float:
        """Milliseconds of processor time that it and all that it started took until now (Linux)."""
        return sum(_worked(pid) for pid in self._family())

    def _family(self) -> set[int]:
        parents = {int(folder.name): _parent(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
        family = {self.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return family


def _stat(pid: int) -> list[str]:
    """The fields of a process behind its name; zeros when it has just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["0"] * 50


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _worked(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    return int(_stat(pid)[21]) * os.sysconf("SC_PAGE_SIZE") // 1024


@contextmanager
def app(home: Path) -> Iterator[App]:
    """``stfc app`` over ``home``; the platform is an empty folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STFC_")}
    with tempfile.TemporaryDirectory() as summit:
        environment = kept | {"STFC_HOME": str(home), "STFC_SUMMIT_DIR": summit, "PYTHONUNBUFFERED": "1"}
        child = subprocess.Popen(
            [sys.executable, "-m", "stfc.cli", "app", "--port", "0"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert child.stdout is not None
        try:
            yield App(answering(child.stdout, "app ready"), child.pid)
        finally:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait(20)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=_FLAGS)


def tab(browser: Browser, address: str, role: str = "manager") -> Page:
    """A tab of a browser of its own that remembers the role, watched."""
    context: BrowserContext = browser.new_context(
        locale="pt-BR", timezone_id="America/Sao_Paulo", viewport={"width": 1366, "height": 768}
    )
    context.add_cookies([{"name": "stfc_role", "value": role, "url": address}])
    page = context.new_page()
    page.add_init_script(_WATCH)
    return page


def settle(page: Page) -> None:
    """Wait until the script has not run for a moment."""
    page.evaluate("window.__idleSince = null")
    page.wait_for_function(_IDLE, timeout=60_000, polling=50)


def arm(page: Page) -> None:
    """The next press starts the clock."""
    page.evaluate("Object.assign(window.__watch, { armed: true, pressed: 0, ended: 0, changed: 0 })")


def taken(page: Page) -> float:
    """Milliseconds from the press to the end of the script's last run; the page must have changed."""
    page.wait_for_function("() => window.__watch.ended > window.__watch.pressed", timeout=60_000, polling=50)
    settle(page)
    watch = page.evaluate("window.__watch")
    assert watch["changed"] > watch["pressed"] > 0, "nothing changed"
    return float(watch["ended"] - watch["pressed"])
