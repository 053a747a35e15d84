"""One seeded run: a world, trouble, peace, and the count."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.proof import erp
from tests.proof.count import Expectation, Findings, count
from tests.proof.platform import PlatformFiles
from tests.proof.trouble import Trouble, retry_all
from tests.proof.world import COMPETENCES, LEASE, World

_PEACE = 240.0


@dataclass(frozen=True)
class Plan:
    """What a run is: everything in it follows from these, but for the moments that processes take."""

    seed: int
    contracts: int
    kills: int
    faults: tuple[str, ...]
    pace: float


@dataclass
class Report:
    """What happened in a run and how it ended."""

    findings: Findings
    kills: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    deaths: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(plan: Plan, folder: Path, ledger_url: str | None, say: Callable[[str], None]) -> Report:
    """Do one run in ``folder``, which must not exist yet."""
    started = time.monotonic()
    chance = random.Random(plan.seed)
    world = World(folder, contracts=plan.contracts, seed=plan.seed, ledger_url=ledger_url)
    try:
        world.prepare()
        erp.change(world.erp, world.next_erp, list(COMPETENCES), chance)
        world.start(plan.faults)
        trouble = Trouble(world, plan.faults, chance, plan.pace)
        try:
            trouble.cause(plan.kills)
        finally:
            trouble.end()
        say(f"{sum(trouble.kills.values())} kills after {time.monotonic() - started:.0f} s: {dict(world.outcomes())}")
        is_over = _peace(world)
        say(f"peace after {time.monotonic() - started:.0f} s: {dict(world.outcomes())}")
        findings = _count(world, trouble.settled_at_import)
        if not is_over:
            findings.sentences.append("items still wait or run after all that time")
            findings.unfinished += 1
        report = Report(findings, trouble.kills, trouble.deeds, world.faults_served(), trouble.deaths)
    finally:
        world.stop()
    report.findings.see("tracebacks in a log", world.tracebacks())
    report.seconds = time.monotonic() - started
    return report


def _peace(world: World) -> bool:
    """No more faults: everything is tried again until nothing changes any more. Tells whether that came about."""
    until = time.monotonic() + _PEACE
    world.simulator.kill()
    world.start_simulator(())
    for worker in world.workers:
        worker.thaw()
        worker.stop()
        worker.start()
    world.wait_for(world.platform_answers, LEASE * 10)
    is_first = True
    while time.monotonic() < until:
        retried = retry_all(world)
        if is_first:
            for competence in COMPETENCES:
                world.ask("bill", "--competence", competence, "--all")
        if not retried and not is_first:
            return True
        is_first = False
        if not world.wait_for(world.is_idle, until - time.monotonic()):
            return False
    return False


def _count(world: World, settled_at_import: frozenset[int]) -> Findings:
    platform = PlatformFiles(world.erp, world.traffic)
    expected = Expectation(
        months={competence: platform.month(competence) for competence in COMPETENCES},
        first={competence: erp.eligible(world.erp, competence) for competence in COMPETENCES},
        last={competence: erp.eligible(world.next_erp, competence) for competence in COMPETENCES},
        settled_before=settled_at_import,
    )
    found = count(world.url, world.disk.folder, expected)
    world.disk.free()
    diagnosis = world.ask("doctor", fine=(0, 1))
    found.see("doctor", [f"{seen['code']} {seen['message']}" for seen in diagnosis["findings"]])
    return found
