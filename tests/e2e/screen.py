"""What a person does in the browser, and all that must not happen meanwhile."""

import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, WebSocket, expect

from stfc.domain.text import ROLES
from tests.e2e.stack import ROOT, Stack

SHOTS = ROOT / "test-results" / "screens"
# Streamlit asks for these below the page's own path first, when a deep link opens.
_KNOWN_404 = re.compile(r"/[^/]+/_stcore/(health|host-config)$")
_IDLE = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  const idle = app && app.dataset.testScriptState === 'notRunning' && app.dataset.testConnectionState !== 'CONNECTING';
  const now = performance.now();
  if (!idle) { window.__idleSince = null; return false; }
  window.__idleSince = window.__idleSince ?? now;
  return now - window.__idleSince > 250;
}"""
# A click on a canvas shows nowhere in the page; what it makes the page send does.
_COUNT_SENDS = """(() => {
  const send = WebSocket.prototype.send;
  window.__sent = 0;
  WebSocket.prototype.send = function (...data) { window.__sent += 1; return send.apply(this, data); };
})()"""
_HEADER, _ROW = 34, 32
# What axe finds in Streamlit's own parts; the field for files names a section that it calls presentation, the notice is
# a dialog named by a heading that it lacks.
STREAMLITS_OWN = {"list", "listitem", "svg-img-alt"}
_STREAMLITS_PARTS = ("stFileUploaderDropzone", 'data-testid="stToast"')
_TABS_AT_MOST = 150
# Pressing a key on a button makes a click that has no pointer.
_COUNT_ACTS = """(() => {
  window.__acts = 0; window.__pointed = 0;
  addEventListener('click', event => { window.__acts += event.isTrusted }, true);
  // A table's rows are opened without a click.
  addEventListener('keydown', event => {
    window.__acts += event.key === 'Enter' && !!document.activeElement.closest('[data-testid=stDataFrame]');
  }, true);
  addEventListener('pointerdown', event => { window.__pointed += event.isTrusted }, true);
})()"""
_HAS_FOCUS = "element => element === document.activeElement || element.contains(document.activeElement)"

# Resolves once the element has not moved for 6 frames.
_STILL = """element => new Promise(resolve => {
    let last = "", frames = 0;
    const look = () => {
        const box = element.getBoundingClientRect();
        const now = [box.x, box.y, box.width, box.height].join();
        frames = now === last ? frames + 1 : 0;
        last = now;
        frames < 6 ? requestAnimationFrame(look) : resolve();
    };
    look();
})"""

# Resolves once the table's words have been the same for 400 ms: they follow what is drawn by up to 200 ms.
_SAME_WORDS = """element => new Promise(resolve => {
    let last = null, since = 0;
    const look = () => {
        const now = element.querySelector("table[role=grid]")?.textContent;
        if (now !== last) { last = now; since = performance.now(); }
        performance.now() - since < 400 ? requestAnimationFrame(look) : resolve();
    };
    look();
})"""


class Screen:
    """One browser tab on the app. Every act waits until the script has run."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack
        self.problems: list[str] = []
        self._log_from = len(stack.log("app"))
        page.add_init_script(_COUNT_SENDS)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("request", self._on_request)
        page.on("websocket", self._on_socket)

    # --- Going about

    def open(self, path: str = "", **parameters: str) -> "Screen":
        """Open a screen by its address, as a link would."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        self.page.goto(f"{self.stack.url}/{path}{query}")
        return self.settle()

    def sign_in(self, role: str = "operador") -> "Screen":
        """Choose a role where the screen asks for one."""
        self.page.get_by_role("button", name=f"Entrar como {role}").click()
        return self.settle()

    def known_as(self, role: str) -> "Screen":
        """Have the browser remember a role chosen before, as by ``sign_in``: a screen opened then shows at once."""
        chosen = next(one for one, name in ROLES.items() if name == role)
        self.page.context.add_cookies([{"name": "stfc_role", "value": chosen, "url": self.stack.url}])
        return self

    def go(self, menu: str) -> "Screen":
        """Follow the menu, by its whole name."""
        self.menu(menu).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(menu)
        return self.settle()

    def click(self, name: str, *, exact: bool = False) -> "Screen":
        """Press a button by its words."""
        self.page.get_by_role("button", name=name, exact=exact).click()
        return self.settle()

    def search(self, words: str) -> "Screen":
        """Type into *Pesquisar* and press Enter."""
        field = self.page.get_by_test_id("stMain").get_by_role("searchbox", name="Pesquisar").first
        field.fill(words)
        field.press("Enter")
        return self.settle()

    def settle(self) -> "Screen":
        """Wait until the script has not run for a moment."""
        self.page.evaluate("window.__idleSince = null")
        # Not at every frame, which would have the page drawn sixty times a second.
        self.page.wait_for_function(_IDLE, timeout=30_000, polling=50)
        return self

    def stand_still(self, place: Locator) -> "Screen":
        """Wait until charts above have taken their room, so that a click lands where it was aimed."""
        place.evaluate(_STILL)
        return self

    def grid(self, number: int = 0) -> "Grid":
        """A big table of the screen."""
        return Grid(self, self.page.get_by_test_id("stDataFrame").nth(number))

    def text(self) -> str:
        """All that the screen says now."""
        return _as_typed(self.page.get_by_test_id("stApp").inner_text())

    def expect_accessible(self) -> "Screen":
        """axe finds nothing of ours in what the tab shows now, drawers and dialogs included, in both themes."""
        self._expect_no_fault()
        self._turn("dark")._expect_no_fault(runOnly=["color-contrast"])
        return self._turn("light")

    def _turn(self, scheme: Literal["light", "dark"]) -> "Screen":
        self.page.emulate_media(color_scheme=scheme)
        # As the next run would say it for what stands beside the page, the dialogs.
        self.page.evaluate("scheme => { document.documentElement.style.colorScheme = scheme }", scheme)
        return self.settle()

    def _expect_no_fault(self, **options: Any) -> None:
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(Axe().axe_script)
        asked = {"resultTypes": ["violations"], **options}
        found = self.page.evaluate("asked => axe.run(asked).then(found => found.violations)", asked)
        ours = {
            one["id"]: nodes
            for one in found
            if one["id"] not in STREAMLITS_OWN
            and (nodes := [html[:200] for html in _html(one) if not any(part in html for part in _STREAMLITS_PARTS)])
        }
        assert not ours, ours

    def parameter(self, name: str) -> str | None:
        """A parameter of the address."""
        for pair in urlsplit(self.page.url).query.split("&"):
            key, _, value = pair.partition("=")
            if key == name:
                return value
        return None

    def expect_parameter(self, name: str, value: str | None) -> "Screen":
        """Wait until the address says so (it follows the script by a moment)."""
        reads = "([name, value]) => new URLSearchParams(location.search).get(name) === value"
        self.page.wait_for_function(reads, arg=[name, value])
        return self

    def await_parameter(self, name: str) -> str:
        """Wait until the address has the parameter (it follows the script by a moment), and give its value."""
        self.page.wait_for_function("name => new URLSearchParams(location.search).get(name)", arg=name)
        return self.parameter(name) or ""

    def shot(self, name: str) -> Path:
        """Keep a picture in ``test-results/screens``."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    # --- Without a mouse

    def count_acts(self) -> "Screen":
        """From now on, count what is clicked on this page, by whatever means."""
        self.page.evaluate(_COUNT_ACTS)
        return self

    def expect_acts(self, most: int, *, by_keyboard: bool = True) -> None:
        """At most so many clicks since ``count_acts``; by keyboard: none of them with a pointer."""
        acts, pointed = self.page.evaluate("[window.__acts, window.__pointed]")
        assert acts <= most, f"{acts} clicks"
        assert not (by_keyboard and pointed), f"{pointed} with a pointer"

    def reach(self, target: Locator) -> "Screen":
        """Press Tab until ``target`` has the focus."""
        expect(target).to_be_visible()
        for _ in range(_TABS_AT_MOST):
            if target.evaluate(_HAS_FOCUS):
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} is not reached with Tab")

    def enter(self, target: Locator, key: str = "Enter") -> "Screen":
        """Reach ``target`` with Tab and press ``key``."""
        self.reach(target).page.keyboard.press(key)
        return self.settle()

    def menu(self, name: str) -> Locator:
        """A screen's link in the menu, by its whole name."""
        return self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True)

    # --- What must not happen

    def assert_clean(self) -> None:
        """No console error, nothing asked of another machine, no traceback in the server's log."""
        log = self.stack.log("app")[self._log_from :]
        for sign in ("Traceback (most recent call last)", "Stack (most recent call last)", "defect TELA-"):
            if sign in log:
                self.problems.append(f"the server's log has «{sign}»:\n{log[-3000:]}")
        assert not self.problems, "\n".join(self.problems)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type != "error" or _KNOWN_404.search(urlsplit(message.location.get("url", "")).path):
            return
        self.problems.append(f"console: {message.text} ({message.location.get('url')})")

    def _on_request(self, request: Request) -> None:
        self._check_address(request.url)

    def _on_socket(self, socket: WebSocket) -> None:
        self._check_address(socket.url)

    def _check_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.problems.append(f"left the machine: {url}")


def _as_typed(text: str) -> str:
    """Amounts, which do not break between sign and figure, as people type them."""
    return text.replace("\xa0", " ")


def _html(violation: dict[str, Any]) -> list[str]:
    return [str(node["html"]) for node in violation["nodes"]]


class Grid:
    """A table drawn on a canvas: rows count from 0, columns from 0 without the checkboxes."""

    def __init__(self, screen: Screen, root: Locator) -> None:
        self._screen = screen
        self.root = root

    def mark(self, row: int) -> "Grid":
        """Mark or unmark a visible row by its checkbox."""
        return self._click(18, _HEADER + _ROW * row + _ROW // 2)

    def press(self, row: int, x: int = 40) -> "Grid":
        """Press a cell, e.g. the button that opens the row."""
        return self._click(x, _HEADER + _ROW * row + _ROW // 2)

    def enter(self, row: int) -> "Grid":
        """Reach the table with Tab, go down to a row and open it with Enter."""
        page = self._screen.reach(self.root.get_by_test_id("data-grid-canvas")).page
        # The focus is on the first row.
        for _ in range(row):
            page.keyboard.press("ArrowDown")
        expect(self.root.locator(f"td[aria-selected=true][id$='-{row}']")).to_be_attached()
        sent = page.evaluate("window.__sent")
        page.keyboard.press("Enter")
        page.wait_for_function("sent => window.__sent > sent", arg=sent)
        self._screen.settle()
        return self

    def order_by(self, x: int) -> "Grid":
        """Press a header at ``x`` pixels from the table's left."""
        return self._click(x, _HEADER // 2)

    def column(self, number: int) -> list[str]:
        """The texts of the visible rows of a column."""
        cells = self.root.locator(f"table[role=grid] [id^=glide-cell-{number}-]")
        expect(cells.first).to_be_attached()
        self.root.evaluate(_SAME_WORDS)
        return [_as_typed(text) for text in cells.all_inner_texts()]

    def _click(self, x: int, y: int) -> "Grid":
        page = self._screen.page
        sent = page.evaluate("window.__sent")
        # As a hand does: first there, then the click; the canvas looks up its cell when the pointer moves.
        self.root.hover(position={"x": x, "y": y})
        self._screen.stand_still(self.root)
        self.root.click(position={"x": x + 1, "y": y})
        # The table gathers clicks for a moment before it tells the server, so an idle script proves nothing yet.
        page.wait_for_function("sent => window.__sent > sent", arg=sent)
        self._screen.settle()
        return self
