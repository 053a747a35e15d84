"""A charged month priced again under corrected plans, over the whole product but HTTP (PRODUCT 6, 7)."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from stfc.adapters.calls.rating import contract_plans
from stfc.adapters.calls.rerating import ColumnarRerater
from stfc.adapters.ledger.rerating import SqlRerateLedger
from stfc.bootstrap import Application, build
from stfc.domain.outcome import ItemOutcome
from stfc.domain.rerating import Effect
from stfc.errors import NotAllowedError, NotFoundError, NotPossibleError
from stfc.services.ports import Actor
from stfc.services.queries import CallQuery
from stfc.services.rerating import Rerating
from stfc.settings import Settings
from tests.billing_files import a_file, a_record
from tests.builders import OCTOBER, a_dump, contract_row, line_row, service_row, write_tables
from tests.terminal import Terminal

IVO = Actor("ivo", "manager", "terminal")
ANA = Actor("ana", "operator", "terminal")
PLANS = {"1": "nosso", "2": "deles", "3": "conferido"}
MODES = {"nosso": ("rerate", "9"), "deles": ("platform", "0"), "conferido": ("check", "0.05")}
REASON = "preço do VC1 corrigido"


def plan_file(price: str, day: str = "2026-01-01") -> bytes:
    """A plan of every mode; a minute to a mobile costs ``price``, the first one of the month nothing."""
    return "".join(
        f'[[plan]]\ncode = "{code}"\nname = "{code}"\nvalid_from = {day}\nmode = "{mode}"\n'
        f'tolerance_amount = "{tolerance}"\n[plan.price]\nVC1 = "{price}"\n'
        '[[plan.allowance]]\nclasses = ["VC1"]\nminutes = 1\nscope = "contract"\n'
        for code, (mode, tolerance) in MODES.items()
    ).encode()


class Home:
    """A home with three contracts, one a mode, billed from files of three calls of two minutes: R$ 0,50 at 0,10."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.platform = folder / "platform"
        erp = a_dump(
            folder / "erp",
            contracts=[contract_row(contract, plan=plan) for contract, plan in PLANS.items()],
            services=[service_row(f"S{contract}", contract) for contract in PLANS],
            lines=[line_row(f"193322000{contract}", f"S{contract}") for contract in PLANS],
        )
        self.app: Application = build(Settings(home=folder / "home", summit_dir=self.platform, **settings))
        self.app.importing.run(erp, IVO)

    def bill(self, price: str = "0.10") -> "Home":
        """Import the plans and bill everybody."""
        self.app.plans.import_(plan_file(price), IVO)
        (self.platform / str(OCTOBER)).mkdir(parents=True, exist_ok=True)
        for contract in PLANS:
            calls = [
                a_record(
                    f"{contract}-{number}",
                    line=f"193322000{contract}",
                    called="19987654321",
                    started_at=f"2026-10-0{number}T10:00:00-03:00",
                    duration="120",
                    amount=amount,
                )
                for number, amount in ((1, "0.10"), (5, "0.20"), (6, "0.20"))
            ]
            header = f"H;1;{contract};{OCTOBER};2026-10-01;2026-10-31;2026-10-31T03:00:00-03:00"
            (self.platform / str(OCTOBER) / f"{contract}.csv").write_bytes(a_file(*calls, header=header))
        self.app.billing.open(OCTOBER, list(PLANS), ANA)
        self.app.worker().run(until_idle=True)
        return self

    def correct(self, price: str = "0.20", day: str = "2026-10-01") -> "Home":
        """Import a later version of every plan."""
        self.app.plans.import_(plan_file(price, day), IVO)
        return self

    def live(self) -> dict[str, tuple[str, int]]:
        """Outcome and amount of every contract that is charged, held or came to nothing."""
        rows = [row for batch in self.app.batches.newest() for row in self.app.batches.items(batch.batch)[1]]
        done = [row for row in rows if not row.reversed and row.outcome in ("charged", "held", "zero")]
        assert len(done) == len({row.contract for row in done}), "a contract is charged twice"
        return {row.contract: (row.outcome, row.amount or 0) for row in done}

    def calls(self) -> list[dict[str, Any]]:
        """The calls that count, but for what tells one reading from another."""
        query = CallQuery(sort="call_id", descending=False, limit=None)
        rows = self.app.views.view(OCTOBER).calls(query).table.to_pylist()
        return [{name: value for name, value in row.items() if name != "claim"} for row in rows]

    def sound(self) -> None:
        """The doctor finds nothing, and every call counts once."""
        assert self.app.doctor.examine().findings == ()
        ids = [call["call_id"] for call in self.calls()]
        assert len(ids) == len(set(ids)) == 9

    def invoice(self, contract: str) -> None:
        """The ERP takes over the contract's value and invoices it."""
        item = next(row for row in self.app.batches.items(1)[1] if row.contract == contract)
        row = {
            "value_id": f"STFC-{item.item}",
            "contract": contract,
            "service": f"S{contract}",
            "competence": str(OCTOBER),
            "kind": "addition",
            "amount": "0.50",
            "invoiced": "1",
            "deleted": "0",
            "reason": "",
        }
        self.app.importing.run(write_tables(self.folder / "back", {"eventual_values": [row]}), IVO)


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Callable[..., Home]]:
    made: list[Home] = []

    def make(name: str = "one", **settings: Any) -> Home:
        (tmp_path / name).mkdir()
        made.append(Home(tmp_path / name, **settings))
        return made[-1]

    yield make
    for home in made:
        home.app.database.dispose()


def effects(home: Home) -> Mapping[str, Effect]:
    return {one.contract: one.effect for one in home.app.rerating.preview(OCTOBER).contracts}


def test_corrected_price_replaces_charges_once_as_if_billed_under_it(
    new_home: Callable[..., Home], ledger_url: str
) -> None:
    home = new_home(ledger_url=ledger_url).bill()
    assert home.live() == dict.fromkeys(PLANS, ("charged", 50))
    assert set(effects(home).values()) == {Effect.UNCHANGED}

    found = home.correct().app.rerating.preview(OCTOBER)
    assert {one.contract: one.effect for one in found.contracts} == {
        "1": Effect.CHANGED,
        "2": Effect.PRICES_ONLY,
        "3": Effect.CHANGED,
    }
    ours = found.contracts[0]
    assert (ours.charged, ours.amount, ours.difference, ours.changed_calls) == (50, 100, 50, 3)
    assert (ours.before, ours.after) == ({"nosso@2026-01-01"}, {"nosso@2026-10-01"})
    sums = found.changes
    assert (sums.contracts, sums.calls, sums.charged, sums.amount, sums.difference) == (2, 6, 100, 150, 50)
    assert home.live() == dict.fromkeys(PLANS, ("charged", 50)), "a preview changes nothing"

    first = home.app.rerating.apply(OCTOBER, IVO, reason=REASON, request_key="k", expected=sums.amount)
    assert (first.totals, first.passed, first.refused) == (sums, (), ())
    after = {"1": ("charged", 100), "2": ("charged", 50), "3": ("held", 50)}
    assert home.live() == after
    home.sound()
    again = home.app.rerating.apply(OCTOBER, IVO, reason=REASON, request_key="k", expected=sums.amount)
    assert (again.batch, again.totals.contracts) == (first.batch, 0)
    assert home.live() == after
    assert effects(home) == {"1": Effect.UNCHANGED, "2": Effect.PRICES_ONLY, "3": Effect.UNCHANGED}

    fresh = new_home("other")
    fresh.correct()
    fresh.bill()
    assert fresh.live() == after
    kept = [call for call in home.calls() if call["contract"] != "2"]
    assert kept == [call for call in fresh.calls() if call["contract"] != "2"]
    lines = [line for line in home.app.audit_trail.page(IVO)[1] if line.action == "charge.rerate"]
    assert [(line.reason, line.facts["before"], line.facts["after"]) for line in lines] == [(REASON, "1.00", "1.50")]


def test_invoiced_charge_is_refused_with_its_reason_and_the_others_are_done(new_home: Callable[..., Home]) -> None:
    home = new_home().bill().correct()
    home.invoice("1")
    found = home.app.rerating.preview(OCTOBER)
    assert [(one.contract, one.refusal) for one in found.of(Effect.REFUSED)] == [("1", "invoiced")]
    done = home.app.rerating.apply(OCTOBER, IVO, reason=REASON)
    assert [one.contract for one in done.refused] == ["1"]
    assert home.live() == {"1": ("charged", 50), "2": ("charged", 50), "3": ("held", 50)}


def test_closed_month_no_reason_and_no_manager_change_nothing(new_home: Callable[..., Home]) -> None:
    home = new_home().bill().correct()
    apply = home.app.rerating.apply
    with pytest.raises(NotAllowedError):
        apply(OCTOBER, ANA, reason=REASON)
    with pytest.raises(NotPossibleError):
        apply(OCTOBER, IVO, reason=" ")
    with pytest.raises(NotFoundError):
        apply(OCTOBER, IVO, reason=REASON, contracts=["9"])
    with pytest.raises(NotFoundError):
        apply(OCTOBER, IVO, reason=REASON, plan="outro")
    with pytest.raises(NotPossibleError) as changed:
        apply(OCTOBER, IVO, reason=REASON, expected=home.app.rerating.preview(OCTOBER).changes.charged)
    assert changed.value.facts["cause"] == "rerate_changed"
    home.app.months.close(OCTOBER, IVO)
    with pytest.raises(NotPossibleError) as closed:
        apply(OCTOBER, IVO, reason=REASON)
    assert closed.value.facts["cause"] == "month_closed"
    assert home.live() == dict.fromkeys(PLANS, ("charged", 50))
    home.sound()


def test_only_the_chosen_contracts_or_those_of_a_plan_are_done(new_home: Callable[..., Home]) -> None:
    home = new_home().bill().correct()
    assert [one.contract for one in home.app.rerating.preview(OCTOBER, plan="conferido").contracts] == ["3"]
    home.app.rerating.apply(OCTOBER, IVO, reason=REASON, plan="nosso@2026-10-01")
    assert home.live() == {"1": ("charged", 100), "2": ("charged", 50), "3": ("charged", 50)}
    home.app.rerating.apply(OCTOBER, IVO, reason=REASON, contracts=["3"])
    assert home.live()["3"] == ("held", 50)
    home.sound()


def test_hold_goes_with_its_cause_and_what_a_manager_released_stays_released(new_home: Callable[..., Home]) -> None:
    home = new_home().bill("0.15")
    assert home.live()["3"] == ("held", 50)
    home.correct("0.10")
    home.app.rerating.apply(OCTOBER, IVO, reason=REASON)
    assert home.live()["3"] == ("charged", 50)

    home.correct("0.20", "2026-10-02")
    home.app.rerating.apply(OCTOBER, IVO, reason=REASON)
    (hold,) = home.app.holds.pending()
    home.app.holds.release([hold.hold], IVO, reason="combinado")
    assert effects(home)["3"] is Effect.UNCHANGED
    home.sound()


class Killed(Exception):
    """The process is gone."""


class DyingLedger(SqlRerateLedger):
    """Dies instead of the second replacement."""

    count = 0

    def replace(self, *args: Any, **named: Any) -> frozenset[str]:
        self.count += 1
        if self.count == 2:
            raise Killed
        return super().replace(*args, **named)


def test_killed_run_leaves_every_contract_old_or_new_and_the_next_one_finishes(new_home: Callable[..., Home]) -> None:
    home = new_home().bill().correct()
    app = home.app

    def rerating(ledger: SqlRerateLedger) -> Rerating:
        return Rerating(
            ledger=ledger,
            rater=ColumnarRerater(app.calls),
            calls=app.calls,
            read_model=app.views,
            snapshots=app.snapshot_ledger,
            store=app.snapshots,
            plan_of=lambda folder: contract_plans(folder).get,
            clock=app.clock,
            calls_at_once=1,
        )

    with pytest.raises(Killed):
        rerating(DyingLedger(app.database)).apply(OCTOBER, IVO, reason=REASON, request_key="k")
    assert home.live() == {"1": ("charged", 100), "2": ("charged", 50), "3": ("charged", 50)}
    home.sound()
    done = rerating(SqlRerateLedger(app.database)).apply(OCTOBER, IVO, reason=REASON, request_key="k")
    assert (done.batch, done.totals.contracts) == (2, 1)
    assert home.live() == {"1": ("charged", 100), "2": ("charged", 50), "3": ("held", 50)}
    home.sound()
    assert app.batches.show(2).outcomes[ItemOutcome.CANCELLED] == 0


def test_terminal_previews_and_applies(new_home: Callable[..., Home], tmp_path: Path) -> None:
    home = new_home().bill().correct()
    terminal = Terminal(tmp_path / "one" / "home", {"STFC_ROLE": "manager", "STFC_USER": "ivo"})
    found = terminal.run("rerate", str(OCTOBER), "--json").document
    assert (found["contracts"], found["charged"], found["amount"], found["difference"]) == (2, "1.00", "1.50", "0.50")
    assert found["effects"] == {"changed": 2, "prices_only": 1, "unchanged": 0, "refused": 0}
    assert [(one["contract"], one["note"]) for one in found["changes"][:2]] == [
        ("1", ""),
        ("2", "cobra a Summit: só muda o preço que se mostra"),
    ]
    assert found["changes"][2]["note"].startswith("fica retida: ")
    assert terminal.run("rerate", str(OCTOBER), "--apply", "--json").error == "USO-EST"
    words = ("rerate", str(OCTOBER), "--apply", "--reason", REASON)
    assert "Lote 2: 2 contratos retarifados, de R$ 1,00 para R$ 1,50 (+R$ 0,50)." in terminal.run(*words).out
    assert "Nada a retarifar" in terminal.run(*words).out
    logs = [one["log"] for one in terminal.run("batches", "show", "2", "--json").document["items"]]
    assert "Antes eram R$ 0,50; 3 ligações mudaram de preço" in logs[0][0]["message"]
    home.sound()
