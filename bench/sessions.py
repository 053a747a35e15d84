"""How much memory the app holds with many people in it, over a home of ``bench/call_history.py``.

``python bench/sessions.py [HOME [SESSIONS]]``: each of the sessions, 20 unless said, is a browser of its own that opens
*Visão geral* and *Registros de ligações* and stays; no two look at the same month and class. Then the app's resident
memory. ``--write`` puts the table into docs/performance-calls.md.
"""

import sys
from pathlib import Path

import page as document
from browser import App, app, chromium, settle, tab
from call_history import LAST, MONTHS, homes

from stfc.domain.competence import last_months

YEAR = last_months(LAST, MONTHS)
CLASSES = ("LOCAL", "LDN", "VC1", "VC2", "VC3", "LDI")
REACH = 1_536


def measure(home: Path, sessions: int) -> list[tuple[int, float]]:
    """MiB of the app after so many sessions."""
    seen: list[tuple[int, float]] = []

    def note(count: int, running: App) -> None:
        seen.append((count, running.resident() / 1024))
        print(f"{count:>3} sessions {seen[-1][1]:8.0f} MiB", flush=True)

    with app(home) as running, chromium() as browser:
        note(0, running)
        for count in range(1, sessions + 1):
            page = tab(browser, running.address)
            asked = f"competencia={YEAR[-count % len(YEAR)]}&classe={CLASSES[count % len(CLASSES)]}"
            for path in ("", "ligacoes"):
                page.goto(f"{running.address}/{path}?{asked}")
                settle(page)
            if count in (1, sessions) or count % 5 == 0:
                note(count, running)
    return seen


def main() -> None:
    """Measure one home."""
    given = [one for one in sys.argv[1:] if not one.startswith("--")]
    sessions = int(given[1]) if len(given) > 1 else 20
    with homes(given[:1]) as (home,):
        seen = measure(home, sessions)
    if "--write" in sys.argv:
        rows = [f"| {count} | {size:,.0f} |" for count, size in seen]
        intro = (
            f"`python bench/sessions.py HOME`, 100 million calls: resident memory of the app, each session a browser "
            f"that opened *Visão geral* and *Registros de ligações* of a month and class of its own and stayed. "
            f"Asked for 20: under {REACH:,} MiB."
        )
        document.put("Memory", [intro, "", "| sessions | MiB |", "|--:|--:|", *rows])


if __name__ == "__main__":
    main()
