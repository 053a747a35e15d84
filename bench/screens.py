"""How long a person waits on each screen, over a home of ``bench/call_history.py`` in Chromium.

``python bench/screens.py [HOME [TURNS]]``: each screen is opened and its usual acts are done in turns, 15 unless said,
after two that warm up: a filter, another page, another order, another tab. Timed in the browser, from the press until
the script has run to its end and the page has changed. ``--write`` puts the table into docs/performance-calls.md.
"""

import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import page as document
from browser import App, app, arm, chromium, settle, tab, taken
from call_history import LAST, homes
from playwright.sync_api import Page

TURNS = 15
_WARM = 2
REACH = 300
Act = Callable[[Page, int], None]
"""Does it, for the time that is said from 0 on."""


def button(*names: str) -> Act:
    """Presses the buttons of these names in turns."""
    return lambda page, turn: page.get_by_role("button", name=names[turn % len(names)], exact=True).first.click()


def order(x: int) -> Act:
    """Presses the header at ``x`` pixels of the first big table: up, down, not at all."""

    def press(page: Page, _: int) -> None:
        table = page.get_by_test_id("stDataFrame").first
        table.scroll_into_view_if_needed()
        table.hover(position={"x": x, "y": 17})
        page.wait_for_timeout(200)
        table.click(position={"x": x + 1, "y": 17})

    return press


def tabs(page: Page, turn: int) -> None:
    """Presses the tabs one after the other."""
    every = page.get_by_test_id("stMain").get_by_role("tab")
    every.nth((turn + 1) % every.count()).click()


def hour(page: Page, turn: int) -> None:
    """Presses a cell of weekday x hour, then takes it back."""
    if turn % 2:
        page.get_by_role("button", name="Limpar", exact=True).first.click()
        return
    area = page.locator(".st-key-stfc_chart_overview_hours .nsewdrag")
    area.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    box = area.bounding_box()
    assert box
    place = {"x": box["width"] * (8.5 + turn % 8) / 24, "y": box["height"] * 1.5 / 7}
    area.click(position=place, force=True)  # type: ignore[arg-type]


MONTHS = button("Competência anterior", "Próxima competência")
SCREENS: Mapping[tuple[str, str], Mapping[str, Act]] = {
    ("Visão geral", ""): {"a chart pressed, and back": hour, "another month": MONTHS},
    ("Contratos - Telefonia", "contratos"): {
        "another page": button("Próxima página"),
        "another order": order(110),
        "a filter": button("Não faturados"),
        "another month": MONTHS,
    },
    ("Registros de ligações", "ligacoes"): {
        "another page": button("Próxima página"),
        "another order": order(60),
        "a filter": button("Local"),
    },
    ("Faturas fechadas", "faturas"): {"another month": MONTHS},
    ("Gerar Cobrança", f"gerar-cobranca?competencia={LAST.plus(1)}"): {
        "another page": button("Próxima página"),
        "another order": order(810),
        "another tab": tabs,
    },
    ("Acompanhamento", "acompanhamento"): {"another tab, of 1,200,000 contracts": tabs},
    ("Conferência", "conferencia"): {"another tab": tabs},
    ("Configurações e auditoria", "configuracoes"): {"another tab": tabs},
}


def measure(home: Path, turns: int) -> list[str]:
    """A row of the table for every act."""
    rows: list[str] = []
    with app(home) as running, chromium() as browser:
        page = tab(browser, running.address)
        for (title, path), acts in SCREENS.items():
            page.goto(f"{running.address}/{path}")
            settle(page)
            for name, act in acts.items():
                rows.append(f"| {title} | {name} | {_timed(running, page, act, turns)} |")
                print(rows[-1], flush=True)
    return rows


def _timed(running: App, page: Page, act: Act, turns: int) -> str:
    times: list[float] = []
    for turn in range(turns + _WARM):
        if turn == _WARM:
            worked = running.worked()
        arm(page)
        act(page, turn)
        times.append(taken(page))
    each = (running.worked() - worked) / turns
    kept = times[_WARM:]
    p95 = statistics.quantiles(kept, n=20)[-1]
    return f"{statistics.median(kept):,.0f} | {p95:,.0f} | {each:,.0f}"


def main() -> None:
    """Measure one home."""
    given = [one for one in sys.argv[1:] if not one.startswith("--")]
    with homes(given[:1]) as (home,):
        rows = measure(home, int(given[1]) if len(given) > 1 else TURNS)
    if "--write" in sys.argv:
        intro = (
            "`python bench/screens.py HOME`, 100,000 contracts and 10 million calls: milliseconds from the press until "
            f"the script has run to its end and the page has changed, in Chromium. Asked: p95 under {REACH}. The last "
            "column does not depend on what else the machine did."
        )
        head = ["| screen | act | median | p95 | processor time of the app, mean |", "|---|---|--:|--:|--:|"]
        document.put("Screens", [intro, "", *head, *rows])


if __name__ == "__main__":
    main()
