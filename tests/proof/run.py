"""One seeded run: a world, trouble, peace, and the count."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from tests.proof import erp, ledger
from tests.proof.count import Expectation, Findings, count
from tests.proof.machines import Machines
from tests.proof.people import Operators, Visitor, retry_all
from tests.proof.platform import PlatformFiles
from tests.proof.shown import look
from tests.proof.world import LEASE, World

_PATIENCE = 120.0
"""Seconds without any item coming to its end, after which nothing is waited for any more."""


@dataclass(frozen=True)
class Plan:
    """What a run is: everything in it follows from these, but for the moments that processes take.

    ``pace`` are the seconds between two kills, about; ``months`` how many competences are billed; without an app there
    is no visitor either.
    """

    seed: int
    contracts: int
    kills: int
    faults: tuple[str, ...]
    pace: float = 1.0
    months: int = 3
    with_app: bool = True


@dataclass
class Report:
    """What happened in a run and how it ended. ``under_fire`` items were charged, held or zero before peace came."""

    findings: Findings
    kills: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    deaths: list[str] = field(default_factory=list)
    pages: int = 0
    under_fire: int = 0
    seconds: float = 0.0


def run(plan: Plan, folder: Path, ledger_url: str | None, say: Callable[[str], None]) -> Report:
    """Do one run in ``folder``, which must not exist yet."""
    started = time.monotonic()
    world = World(folder, contracts=plan.contracts, months=plan.months, seed=plan.seed, ledger_url=ledger_url)
    with _standing(world):
        world.prepare()
        erp.change(world.erp, world.next_erp, list(world.competences), random.Random(plan.seed))
        world.start(plan.faults, with_app=plan.with_app)
        report, settled_at_import = _trouble(world, plan)
        say(f"{report.kills.total()} kills after {time.monotonic() - started:.0f} s: {dict(world.outcomes())}")
        is_over = _peace(world)
        say(f"peace after {time.monotonic() - started:.0f} s: {dict(world.outcomes())}")
        _count(world, settled_at_import, report.findings)
        report.findings.unfinished += report.findings.see("items wait or run for good", [] if is_over else ["some"])
        report.faults = world.faults_served()
        if report.findings.sentences:
            world.keep_evidence()
    report.findings.see("tracebacks in a log", world.tracebacks())
    report.seconds = time.monotonic() - started
    return report


@contextmanager
def _standing(world: World) -> Iterator[None]:
    try:
        yield
    finally:
        world.stop()


def _trouble(world: World, plan: Plan) -> tuple[Report, frozenset[int]]:
    machines = Machines(world, plan.faults, random.Random(plan.seed + 1), plan.pace)
    operators = Operators(world, random.Random(plan.seed + 2), plan.pace)
    visitor = Visitor(world, random.Random(plan.seed + 3))
    settled: list[frozenset[int]] = []
    stop = Event()
    with ThreadPoolExecutor(2) as people:
        at_work = [people.submit(operators.work, stop)]
        if plan.with_app:
            at_work.append(people.submit(visitor.look, stop))
        try:
            machines.harm(plan.kills, lambda: settled.append(_import_next(world)), stop)
        finally:
            stop.set()
            machines.end()
    for one in at_work:
        one.result()
    findings = Findings()
    findings.see("pages that raised", visitor.broken)
    findings.see("what operators must not see", operators.wrong)
    rows = ledger.rows(world.url, "SELECT count(*) FROM items WHERE outcome IN ('charged', 'held', 'zero')")
    report = Report(
        findings,
        kills=machines.kills,
        deeds=machines.deeds + operators.deeds,
        deaths=machines.deaths,
        pages=visitor.seen,
        under_fire=rows[0][0],
    )
    return report, settled[0]


def _import_next(world: World) -> frozenset[int]:
    """Import the ERP's next dump; gives the items that were settled just then."""
    world.current_erp = world.next_erp
    world.wait_for(lambda: not world.is_importing, LEASE * 5)
    world.ask("import", str(world.next_erp))
    rows = ledger.rows(world.url, "SELECT item, reversed FROM items WHERE outcome IN ('charged', 'held', 'zero')")
    return frozenset(item for item, is_reversed in rows if not is_reversed)


def _peace(world: World) -> bool:
    """No more faults: everything is tried again until nothing changes any more. Tells whether that came about."""
    world.simulator.kill()
    world.start_simulator(())
    for worker in world.workers:
        worker.thaw()
        worker.stop()
        worker.start()
    world.wait_for(world.platform_answers, LEASE * 10)
    application = world.application()
    try:
        retry_all(world, application)
        for competence in world.competences:
            world.ask("bill", "--competence", competence, "--all")
        while _settles(world):
            if not retry_all(world, application):
                return True
    finally:
        application.database.dispose()
    return False


def _settles(world: World) -> bool:
    """Whether all that waits or runs comes to its end, however slow the machine is."""
    least, deadline = world.waiting(), time.monotonic() + _PATIENCE
    while least and time.monotonic() < deadline:
        time.sleep(0.2)
        if (left := world.waiting()) < least:
            least, deadline = left, time.monotonic() + _PATIENCE
    return not least


def _count(world: World, settled_at_import: frozenset[int], found: Findings) -> None:
    platform = PlatformFiles(world.erp, world.traffic)
    expected = Expectation(
        months={competence: platform.month(competence) for competence in world.competences},
        first={competence: erp.eligible(world.erp, competence) for competence in world.competences},
        last={competence: erp.eligible(world.next_erp, competence) for competence in world.competences},
        settled_before=settled_at_import,
    )
    count(world.url, world.disk.folder, expected, found)
    look(world, expected, found)
