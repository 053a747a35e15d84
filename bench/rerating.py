"""How long a charged month takes to be priced again under corrected plans (PRODUCT 6): seen first, then done.

Prints seconds and calls per second of the preview and of the act, and whether the sums agree to the centavo: what the
ledger charged before, what each contract's difference is, what it charges after, and what the stored calls add up to.
``python bench/rerating.py [CONTRACTS CALLS]``; calls are per contract, the files the simulator's.
"""

import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
from rig import MONTH, make_erp

from stfc.adapters.ledger.plans import SqlPlanLedger
from stfc.bootstrap import Application, build
from stfc.domain.money import MICROS_PER_CENTAVO, plain
from stfc.domain.plan import Allowance, Mode, PlanVersion, Scope
from stfc.domain.plan_file import parse
from stfc.domain.rerating import Effect
from stfc.services.ports import Actor
from stfc.services.queries import ContractQuery
from stfc.settings import Settings
from stfc.simulator.erp_dump import PLANS
from stfc.simulator.traffic import Traffic, TrafficOptions
from stfc.simulator.universe import from_folder

MANAGER = Actor("bench", "manager", "terminal")
SAMPLE = Path(__file__).parents[1] / "data" / "plans" / "exemplo.toml"
BUDGET = 20.0


def measure(folder: Path, contracts: int, calls: int) -> None:
    """Bill a month, correct the plans, and price it again."""
    app = billed(folder, contracts, calls)
    store(app, date(2026, 1, 2), Decimal("1.25"))
    before = live(app)

    started = time.perf_counter()
    found = app.rerating.preview(MONTH)
    previewed = time.perf_counter() - started
    started = time.perf_counter()
    done = app.rerating.apply(MONTH, MANAGER, reason="bench", expected=found.changes.amount)
    applied = time.perf_counter() - started

    after = live(app)
    changed = {one.contract: one for one in found.of(Effect.CHANGED)}
    assert done.totals == found.changes, "the act is not its preview"
    assert set(before) == set(after)
    for contract, amount in before.items():
        one = changed.get(contract)
        assert after[contract] == (one.amount if one else amount), contract
        assert one is None or one.charged + one.difference == after[contract], contract
    stored = app.calls.scan(app.reader.live_calls()).select(
        (pl.col("our_price") // MICROS_PER_CENTAVO).sum().alias("centavos"), pl.len()
    )
    centavos, records = stored.collect().row(0)
    assert centavos == sum(after.values()), "charges and calls do not add up"
    findings = app.doctor.examine(None).findings
    assert not [one for one in findings if one.check in ("never_twice", "amounts", "calls", "parts")], findings
    print(f"{len(before):,} contracts, {records:,} calls; {done.totals.contracts:,} charges replaced")
    for name, seconds in (("preview", previewed), ("reversed and charged anew", applied)):
        print(f"{name:<28}{seconds:>8.2f} s{records / seconds:>12,.0f} calls/s")
    sums = done.totals
    print(
        f"R$ {plain(sums.charged)} + R$ {plain(sums.difference)} = R$ {plain(sums.amount)}: every contract's "
        "difference, and the stored calls' prices, add up to the centavo"
    )
    print(f"preview and act together {previewed + applied:.2f} s, of {BUDGET:.0f} s that it may take")


def billed(folder: Path, contracts: int, calls: int) -> Application:
    """A home whose month is charged by our own rating, from files in a folder."""
    erp = make_erp(folder, 2 * contracts)
    platform = folder / "platform" / str(MONTH)
    platform.mkdir(parents=True)
    files = Traffic(from_folder(erp, 1), TrafficOptions(clean=True, calls_per_contract=calls)).files(
        range(2 * contracts), MONTH
    )
    app = build(Settings(home=folder / "home", summit_dir=platform.parent))
    app.importing.run(erp, MANAGER)
    store(app, date(2026, 1, 1), Decimal(1))
    named = set(app.views.eligible(MONTH))
    every = app.views.view(MONTH).contracts(ContractQuery(limit=None)).table
    planned = {row["contract"] for row in every.select(["contract", "plan"]).to_pylist() if row["plan"]}
    chosen = [p for p, name in enumerate(files.contracts) if name in named & planned and files.records[p]][:contracts]
    for place in chosen:
        (platform / f"{files.contracts[place]}.csv").write_bytes(files.body(place))
    app.billing.open(MONTH, [files.contracts[place] for place in chosen], MANAGER)
    app.worker().run(until_idle=True)
    return app


def store(app: Application, day: date, factor: Decimal) -> None:
    """Every plan that the simulator's contracts name, from ``day`` on, at ``factor`` times the sample's prices."""
    sample = parse(SAMPLE.read_bytes())[0]
    versions = [priced(replace(sample, code=code, valid_from=day), factor) for code in PLANS]
    SqlPlanLedger(app.database).store(versions, MANAGER, now=app.clock())


def priced(version: PlanVersion, factor: Decimal) -> PlanVersion:
    """That version in mode ``rerate``, with bands, fees, countries and an allowance; no difference is held."""
    prices = {
        call_class: {band: (price * factor).quantize(Decimal("0.0001")) for band, price in bands.items()}
        for call_class, bands in version.prices.items()
    }
    classes = frozenset(list(prices)[:2])
    return replace(
        version,
        mode=Mode.RERATE,
        tolerance=Decimal(1_000),
        prices=prices,
        allowances=(Allowance(classes, 30, Scope.CONTRACT),),
    )


def live(app: Application) -> dict[str, int]:
    """The amount of every live charge, in centavos."""
    month = app.rerating.preview(MONTH)
    return {one.contract: one.charged for one in month.contracts}


if __name__ == "__main__":
    wanted = [int(word) for word in sys.argv[1:]] or [2_000, 200]
    with tempfile.TemporaryDirectory() as scratch:
        measure(Path(scratch), *wanted)
