"""How long a screen takes while a batch runs beside it, against the same screen at rest (PRODUCT 3).

``python bench/page_latency.py [--contracts N]``: *Gerar Cobrança* and *Acompanhamento*, each a whole run of the app's
script (Streamlit's ``AppTest``: session, queries, tables, no browser), in turns, in this process; worker and simulator
are two others on the same machine. The platform answers after 50 ms, as one of the real world would.
"""

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rig import ROOT, environment, loaded_spared, make_erp, make_home, open_batch, platform, warm

LATENCY = 50
TURNS = 60
PAGES = ("billing", "tracking")


def timed(pages: dict[str, Callable[[], object]], keep_on: Callable[[int], bool]) -> dict[str, list[float]]:
    """Milliseconds of runs of each page, in turns, as long as ``keep_on`` of the turn says so."""
    seen: dict[str, list[float]] = {name: [] for name in pages}
    turn = 0
    while keep_on(turn):
        for name, run in pages.items():
            started = time.perf_counter()
            run()
            seen[name].append((time.perf_counter() - started) * 1000)
        turn += 1
    return seen


def opened(name: str) -> Callable[[], object]:
    """A session that stands on a page; calling it runs the page once more."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "stfc/ui/entry.py"), default_timeout=60).run()
    app = app.switch_page(f"../../pages/{name}.py").run()
    assert not app.exception

    def run() -> None:
        app.run()
        assert not app.exception

    return run


def show(name: str, idle: list[float], busy: list[float]) -> None:
    """One line of the table."""
    p95 = [statistics.quantiles(one, n=20)[-1] for one in (idle, busy)]
    medians = [statistics.median(one) for one in (idle, busy)]
    print(
        f"{name:<10}{medians[0]:>9.0f}{p95[0]:>9.0f}{len(busy):>9}{medians[1]:>9.0f}{p95[1]:>9.0f}"
        f"{p95[1] / p95[0]:>9.2f}",
        flush=True,
    )


def main() -> None:
    """Measure both pages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contracts", type=int, default=10_000)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        erp = make_erp(folder, given.contracts)
        with platform(erp, calls=50, latency=LATENCY) as summit:
            warm(summit.address)
            app = make_home(folder / "home", erp, summit.address)
            batch = open_batch(app)
            os.environ.update(environment(app))
            pages = {name: opened(name) for name in PAGES}
            timed(pages, lambda turn: turn < 3)
            command = [sys.executable, "-m", "stfc.cli", "worker", "--until-idle"]
            with loaded_spared():
                idle = timed(pages, lambda turn: turn < TURNS)
                worker = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
                while app.batches.show(batch).outcomes["charged"] == 0:
                    time.sleep(0.1)
                busy = timed(pages, lambda _: worker.poll() is None and app.batches.show(batch).status == "running")
                worker.wait()
    print(f"{'page, ms':<10}{'idle 50':>9}{'idle 95':>9}{'runs':>9}{'busy 50':>9}{'busy 95':>9}{'ratio':>9}")
    for name in PAGES:
        show(name, idle[name], busy[name])


if __name__ == "__main__":
    main()
