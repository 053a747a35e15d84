"""``python -m tests.proof --kills 300 --contracts 20000 --store sqlite``: the long proof, and its table."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import postgres
from tests.proof import faults
from tests.proof.run import Plan, Report, run

STORES = ("sqlite", "postgres")
_CONTRACTS_A_RUN = 1_500
"""Contracts of a run's ERP; with three months to bill they make some 3,600 charges."""
_CHARGES_A_CONTRACT = 2.3
_RUNS = 6


def main() -> int:
    """Run everything that was asked for; 0 when every count agrees."""
    given = _parser().parse_args()
    print(f"seed {given.seed}: the same again with --seed {given.seed}", flush=True)
    totals = {store: _prove(store, given) for store in given.store or _installed()}
    is_clean = True
    for store, reports in totals.items():
        print(_table(store, reports))
        is_clean &= not any(report.findings.sentences for report in reports)
        is_clean &= given.only is not None or _is_enough(reports, given)
    return 0 if is_clean else 1


def _is_enough(reports: list[Report], given: argparse.Namespace) -> bool:
    """Whether as much was done as was asked for."""
    kills = sum(report.kills.total() for report in reports)
    return kills >= given.kills and sum(report.findings.billed for report in reports) >= given.contracts


def _installed() -> list[str]:
    if postgres.is_installed():
        return list(STORES)
    print("postgres is left out: it is not installed here", flush=True)
    return ["sqlite"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--store", action="append", choices=STORES, help="may repeat; both when absent")
    parser.add_argument("--kills", type=int, default=300, help="kills on each store, at least")
    parser.add_argument("--contracts", type=int, default=20_000, help="contracts to bill on each store, at least")
    parser.add_argument("--runs", type=int, default=_RUNS)
    parser.add_argument("--only", type=int, help="this run alone, counted from 1")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between two kills, about")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 20))
    parser.add_argument("--keep", action="store_true", help="keep the homes of clean runs too")
    return parser


def _prove(store: str, given: argparse.Namespace) -> list[Report]:
    chance = random.Random(given.seed)
    mixes = faults.mixes(given.runs, chance)
    contracts = -(-round(given.contracts / _CHARGES_A_CONTRACT) // given.runs)
    kills = -(-given.kills // given.runs)
    reports = []
    for place, mix in enumerate(mixes, start=1):
        plan = Plan(chance.randrange(1 << 30), contracts, kills, mix, given.pace)
        if given.only in (None, place):
            reports.append(_one(store, place, plan, given))
    return reports


def _one(store: str, place: int, plan: Plan, given: argparse.Namespace) -> Report:
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{store} {place}/{given.runs} [{time.monotonic() - started:4.0f} s] {text}", flush=True)

    say(f"{plan.contracts} contracts in the ERP, faults {', '.join(plan.faults)}")
    folder = Path(tempfile.mkdtemp(prefix="stfc-proof-"))
    with _ledger(store) as url:
        report = run(plan, folder / "run", url, say)
    for sentence in report.findings.sentences:
        say(f"WRONG: {sentence}")
    for death in report.deaths:
        say(f"note: {death}")
    found = report.findings
    say(f"{found.billed} billed, {found.records} records, {found.orphans} orphans on disk, {report.seconds:.0f} s")
    if report.findings.sentences or given.keep:
        say(f"kept in {folder}; again with --seed {given.seed} --store {store} --only {place}")
    else:
        shutil.rmtree(folder)
    return report


@contextmanager
def _ledger(store: str) -> Iterator[str | None]:
    if store == "sqlite":
        yield None
        return
    with postgres.cluster() as cluster, postgres.database(cluster) as url:
        yield url


def _table(store: str, reports: list[Report]) -> str:
    kills, served, deeds = Counter[str](), Counter[str](), Counter[str]()
    for report in reports:
        kills.update(report.kills)
        served.update(report.faults)
        deeds.update(report.deeds)
    found = [report.findings for report in reports]
    rows = {
        "runs": str(len(reports)),
        "seconds": f"{sum(report.seconds for report in reports):.0f}",
        "kills": f"{kills.total()} ({_listed(kills)})",
        "faults served": f"{served.total()} ({_listed(served)})",
        "other trouble": _listed(deeds),
        "workers that ended by themselves": str(sum(len(report.deaths) for report in reports)),
        "pages seen meanwhile": str(sum(report.pages for report in reports)),
        "contracts billed": str(sum(one.billed for one in found)),
        "settled under fire": str(sum(report.under_fire for report in reports)),
        "records": str(sum(one.records for one in found)),
        "orphan files left on disk": str(sum(one.orphans for one in found)),
        "charged twice": str(sum(one.double for one in found)),
        "lost": str(sum(one.lost for one in found)),
        "orphan records visible": str(sum(one.visible for one in found)),
        "not in a final state": str(sum(one.unfinished for one in found)),
        "differences of any kind": str(sum(len(one.sentences) for one in found)),
    }
    return "\n".join([f"\n{store}", *(f"  {name:<34}{value}" for name, value in rows.items())])


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
