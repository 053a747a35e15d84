"""Charge, hold, release, reject and reverse over the whole product but HTTP: whatever the order, every figure agrees.

The platform is a folder of real files, the ERP a dump that takes back what was exported to it (PRODUCT 5, 7;
ERP_IMPORT).
"""

import csv
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from stfc.bootstrap import Application, ChunkProcess, build
from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.money import plain
from stfc.errors import NotPossibleError
from stfc.services.ports import Actor, ChunkSpec, Claim, ExportFormat, RetryPolicy
from stfc.services.queries import CallQuery, ContractQuery, Coverage
from stfc.settings import Settings
from tests.billing_files import a_file, a_record
from tests.builders import OCTOBER, a_dump, contract_row, line_row, service_row, write_tables

NOVEMBER = OCTOBER.plus(1)
MONTHS = (OCTOBER, NOVEMBER)
CONTRACTS = ("1", "2", "3")
IVO = Actor("ivo", "manager", "terminal")
EXPECTED = {"good": "charged", "wrong": "held", "nothing": "zero", "spoilt": "failed", "missing": "waiting_file"}
DONE = ("charged", "held", "zero")

kinds = st.sampled_from(sorted(EXPECTED))
months = st.sampled_from(MONTHS)
some_contracts = st.lists(st.sampled_from(CONTRACTS), min_size=1, unique=True)

Key = tuple[str, Competence]


def a_platform_file(contract: str, month: Competence, kind: str) -> bytes:
    """Two calls of the month's own and one that the files of all months carry."""
    amount = "0.00" if kind == "nothing" else f"1.{contract}7"
    own = [
        a_record(
            f"{contract}-{month}-{number}",
            line=f"193322000{contract}",
            started_at=f"{month.first_day.isoformat()}T1{number}:00:00-03:00",
            amount=amount,
        )
        for number in range(2)
    ]
    shared = a_record(f"{contract}-shared", line=f"193322000{contract}", amount=amount)
    trailer = {"wrong": "T;3;201;99.99", "spoilt": "T;"}.get(kind)
    header = f"H;1;{contract};{month};{month.first_day};{month.last_day};{month.last_day}T03:00:00-03:00"
    return a_file(*own, shared, header=header, trailer=trailer)


class Home:
    """A product of its own: a home, a platform's folder, an ERP. Nothing waits for time to pass."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.folder = folder
        self.platform = folder / "platform"
        self.platform.mkdir()
        home = shutil.copytree(template, folder / "home")
        self.app: Application = build(Settings(home=home, summit_dir=self.platform, retry_first=0))

    def put(self, contract: str, month: Competence, kind: str) -> None:
        """Let the platform have this file, or none."""
        path = self.platform / str(month) / f"{contract}.csv"
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if kind != "missing":
            path.write_bytes(a_platform_file(contract, month, kind))

    def work(self) -> None:
        """Let a worker do all that is to be done."""
        self.app.worker().run(until_idle=True)

    def bill(self, month: Competence, files: dict[str, str]) -> int | None:
        """A batch over the contracts of ``files``, worked to its end."""
        for contract, kind in files.items():
            self.put(contract, month, kind)
        batch = self.app.billing.open(month, list(files), IVO).batch
        self.work()
        return batch

    def items(self) -> list[Any]:
        """Every item of every batch, oldest first."""
        return [item for b in reversed(self.app.batches.newest()) for item in self.app.batches.items(b.batch)[1]]

    def exported(self, month: Competence) -> dict[str, list[dict[str, str]]]:
        """The month's export, by name; twice the same bytes."""
        folders = [self.folder / name for name in ("first", "second")]
        first, second = (self.app.exports.run(one, month, ExportFormat.CSV) for one in folders)
        assert first.files == second.files
        return {path.stem: _rows(path) for path in folders[0].iterdir()}

    def invoice(self, invoiced: Sequence[str]) -> None:
        """The ERP takes over what is exported, invoices ``invoiced`` and is imported again."""
        known = ("value_id", "contract", "service", "competence", "kind", "amount", "invoiced", "deleted", "reason")
        rows = [
            {name: row[name] for name in known} | {"invoiced": str(int(row["value_id"] in invoiced))}
            for month in MONTHS
            for row in self.exported(month)["eventual_values"]
        ]
        self.app.importing.run(write_tables(self.folder / "back", {"eventual_values": rows}), IVO)

    def close(self) -> None:
        """Give back what is open."""
        self.app.database.dispose()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three contracts imported and nothing billed, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    source = a_dump(
        folder / "erp",
        contracts=[contract_row(contract) for contract in CONTRACTS],
        services=[service_row(f"S{contract}", contract) for contract in CONTRACTS],
        lines=[line_row(f"193322000{contract}", f"S{contract}") for contract in CONTRACTS],
    )
    app = build(Settings(home=folder / "home"))
    app.importing.run(source, IVO)
    app.database.dispose()
    return folder / "home"


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path, template)
    yield made
    made.close()


# --- What every figure says ------------------------------------------------------------------------------------------


def assert_agreement(home: Home, expected: dict[Key, str]) -> None:
    """Ledger, read model, exports and doctor say that ``expected`` is live, and nothing else."""
    assert home.app.doctor.examine().findings == ()
    standing = [one for one in home.items() if not one.reversed and one.outcome in (*DONE, "waiting_file")]
    live = {(item.contract, item.competence): item for item in standing}
    assert len(live) == len(standing), "a contract's month is there twice"
    assert {key: item.outcome for key, item in live.items()} == expected
    held = sorted(item.item for item in live.values() if item.outcome == "held")
    assert sorted(hold.item for hold in home.app.holds.pending()) == held
    assert sum(b.amount for b in home.app.batches.newest()) == sum(item.amount or 0 for item in live.values())
    call_ids = [call for month in MONTHS for call in _assert_month(home, month, live)]
    assert len(call_ids) == len(set(call_ids)), "a call is charged twice"


def _assert_month(home: Home, month: Competence, every: dict[Key, Any]) -> list[str]:
    live = {contract: item for (contract, of), item in every.items() if of == month}
    view = home.app.views.view(month)
    assert view.contract_ids(ContractQuery(eligible=True)) == [one for one in CONTRACTS if one not in live]
    counts = Counter(item.outcome for item in live.values())
    parts = view.coverage().parts
    assert {name: parts[name] for name in (*DONE, "waiting_file")} == {n: counts[n] for n in (*DONE, "waiting_file")}
    assert parts[Coverage.KEPT_OUT] == 0
    assert sum(parts.values()) == len(CONTRACTS)
    amounts = {name: sum(item.amount for item in live.values() if item.outcome == name) for name in DONE}
    (charged,) = view.charged(1).to_pylist()
    assert (charged["amount"], charged["held_amount"], charged["held"]) == (
        amounts["charged"],
        amounts["held"],
        counts["held"],
    )
    found = view.calls(CallQuery(limit=None)).table.to_pylist()
    assert Counter(call["contract"] for call in found) == Counter({c: i.calls or 0 for c, i in live.items()})
    assert charged["calls"] == len(found)
    _assert_export(home.exported(month), live, amounts["charged"], len(found))
    return [call["call_id"] for call in found]


def _assert_export(files: dict[str, list[dict[str, str]]], live: dict[str, Any], amount: int, calls: int) -> None:
    values = {row["contract"]: row for row in files["eventual_values"] if row["deleted"] == "0"}
    assert {contract: row["amount"] for contract, row in values.items()} == {
        contract: plain(item.amount) for contract, item in live.items() if item.outcome == "charged"
    }
    assert sum(row["deleted"] == "0" for row in files["eventual_values"]) == len(values), "a value is there twice"
    charges = {row["contract"]: row["status"] for row in files["charges"] if row["status"] in ("live", "held")}
    status = {"charged": "live", "held": "held"}
    assert charges == {c: status[item.outcome] for c, item in live.items() if item.outcome in status}
    events = [row["contract"] for row in files["zero_billing_events"] if row["reversed"] == "0"]
    assert sorted(events) == sorted(contract for contract, item in live.items() if item.outcome == "zero")
    assert len(files["calls"]) == calls
    assert sum((Decimal(row["net"]) for row in files["fiscal"]), Decimal()) == Decimal(plain(amount))


class MonthMachine(RuleBasedStateMachine):
    """Everything that people do with charges, in any order; the model only knows what is live."""

    template: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.scratch = TemporaryDirectory()
        self.live: dict[Key, str] = {}
        self.invoiced: set[str] = set()

    @initialize(files=st.fixed_dictionaries(dict.fromkeys(CONTRACTS, kinds)))
    def begin(self, files: dict[str, str]) -> None:
        self.home = Home(Path(self.scratch.name), self.template)
        self.app = self.home.app
        self.bill(OCTOBER, files)

    @rule(month=months, files=st.dictionaries(st.sampled_from(CONTRACTS), kinds, min_size=1))
    def bill(self, month: Competence, files: dict[str, str]) -> None:
        before = dict(self.live)
        self.home.bill(month, files)
        for contract, kind in files.items():
            if (contract, month) not in before and kind != "spoilt":
                self.live[contract, month] = EXPECTED[kind]

    @rule(data=st.data(), kind=kinds)
    def retry(self, data: st.DataObject, kind: str) -> None:
        if not (batch := self._batch(data)):
            return
        again = []
        for item in self.app.batches.items(batch.batch)[1]:
            key = (item.contract, item.competence)
            if item.outcome == "waiting_file" or (item.outcome == "failed" and key not in self.live):
                self.home.put(*key, kind)
                again.append(key)
        assert self.app.billing.retry(batch.batch, IVO) == len(again)
        self.home.work()
        for key in again:
            self.live.pop(key, None)
            if kind != "spoilt":
                self.live[key] = EXPECTED[kind]

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if batch := self._batch(data):
            waiting = [i.contract for i in self.app.batches.items(batch.batch, outcomes=["waiting_file"])[1]]
            assert self.app.billing.cancel(batch.batch, IVO) == len(waiting)
            for contract in waiting:
                del self.live[contract, batch.competence]

    @rule(data=st.data(), contracts=st.none() | some_contracts)
    def reverse(self, data: st.DataObject, contracts: list[str] | None) -> None:
        if not (batch := self._batch(data)):
            return
        done = [
            i for i in self.app.batches.items(batch.batch, outcomes=DONE)[1] if i.contract in (contracts or CONTRACTS)
        ]
        locked = [item.contract for item in done if f"STFC-{item.item}" in self.invoiced]
        missing = set(contracts or ()) - {item.contract for item in done}
        if locked or missing:
            revision = self.app.reader.state().revision
            with pytest.raises(NotPossibleError) as caught:
                self.app.billing.reverse(batch.batch, IVO, reason="x", contracts=contracts)
            assert caught.value.facts["contracts"] == (locked or sorted(missing))
            assert self.app.reader.state().revision == revision
            return
        assert self.app.billing.reverse(batch.batch, IVO, reason="x", contracts=contracts) == len(done)
        for item in done:
            del self.live[item.contract, item.competence]

    @rule(data=st.data(), is_release=st.booleans())
    def decide(self, data: st.DataObject, is_release: bool) -> None:
        waiting = {hold.hold: hold for hold in self.app.holds.pending()}
        if not waiting:
            return
        chosen = data.draw(st.lists(st.sampled_from(sorted(waiting)), min_size=1, unique=True))
        (self.app.holds.release if is_release else self.app.holds.reject)(chosen, IVO, reason="x")
        for hold in (waiting[one] for one in chosen):
            if is_release:
                self.live[hold.contract, hold.competence] = "charged"
            else:
                del self.live[hold.contract, hold.competence]

    @precondition(lambda self: "charged" in self.live.values())
    @rule(data=st.data())
    def erp_invoices(self, data: st.DataObject) -> None:
        charged = [i for i in self.home.items() if i.outcome == "charged" and not i.reversed]
        values = sorted(f"STFC-{item.item}" for item in charged)
        self.invoiced |= set(data.draw(st.lists(st.sampled_from(values), max_size=2)))
        self.home.invoice(sorted(self.invoiced))

    def teardown(self) -> None:
        if hasattr(self, "home"):
            try:
                assert_agreement(self.home, self.live)
            finally:
                self.home.close()
        self.scratch.cleanup()

    def _batch(self, data: st.DataObject) -> Any:
        batches = self.app.batches.newest()
        return data.draw(st.sampled_from(batches)) if batches else None


def test_any_sequence_of_acts_leaves_every_figure_in_agreement(template: Path) -> None:
    MonthMachine.template = template
    # Eight steps read well as they are; shrinking them takes minutes, for each try bills for real.
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    few = hypothesis_settings(max_examples=8, stateful_step_count=8, deadline=None, phases=phases)
    run_state_machine_as_test(MonthMachine, settings=few)


# --- One case each ---------------------------------------------------------------------------------------------------


def test_a_value_that_the_erp_invoiced_keeps_the_whole_reversal_from_happening(home: Home) -> None:
    batch = home.bill(OCTOBER, {"1": "good", "2": "good", "3": "nothing"})
    assert batch is not None
    home.invoice(["STFC-2"])
    with pytest.raises(NotPossibleError) as caught:
        home.app.billing.reverse(batch, IVO, reason="x")
    assert caught.value.facts == {"cause": "invoiced", "contracts": ["2"]}
    everything = {("1", OCTOBER): "charged", ("2", OCTOBER): "charged", ("3", OCTOBER): "zero"}
    assert_agreement(home, everything)
    assert home.app.billing.reverse(batch, IVO, reason="x", contracts=["1", "3"]) == 2
    assert_agreement(home, {("2", OCTOBER): "charged"})


def test_a_released_charge_that_the_erp_invoiced_cannot_be_reversed_any_more(home: Home) -> None:
    batch = home.bill(OCTOBER, {"1": "wrong"})
    assert batch is not None
    (hold,) = home.app.holds.pending()
    home.invoice([])
    home.app.holds.release([hold.hold], IVO, reason="x")
    home.invoice(["STFC-1"])
    with pytest.raises(NotPossibleError):
        home.app.billing.reverse(batch, IVO, reason="x")
    assert_agreement(home, {("1", OCTOBER): "charged"})


@pytest.mark.parametrize("kind", ["good", "wrong"])
def test_a_month_is_reversed_while_a_run_of_another_month_holds_the_contract(home: Home, kind: str) -> None:
    """The run set out when the calls reversed now were live: it is done anew, and drops none of them as seen before."""
    october = home.bill(OCTOBER, {"1": kind, "2": "good"})
    assert october is not None
    claim = claim_november(home)
    spec = ChunkSpec(claim.batch, NOVEMBER, claim.items, home.app.snapshots.folder(1), claim.calls)
    with closing(ChunkProcess(home.app.settings)) as process:
        found = process(spec)
    if kind == "good":
        assert home.app.billing.reverse(october, IVO, reason="x", contracts=["1"]) == 1
    else:
        home.app.holds.reject([hold.hold for hold in home.app.holds.pending()], IVO, reason="x")
    assert home.app.views.view(OCTOBER).contract_ids(ContractQuery(eligible=True)) == ["1", "3"]
    evaluation = home.app.views.evaluate(1, NOVEMBER, ["1", "2"])
    now = home.app.clock()
    settled = home.app.work.settle("w", NOVEMBER, found, evaluation, now=now, retry=RetryPolicy(), jitter=lambda: 0.5)
    assert settled == {"lost": 1, "charged": 1}
    home.work()
    items = {item.contract: item for item in home.app.batches.items(claim.batch)[1]}
    assert {contract: (item.outcome, item.calls) for contract, item in items.items()} == {
        "1": ("charged", 3),
        "2": ("charged", 2),
    }
    assert "reversed_meanwhile" in [line.event for line in home.app.batches.log(items["1"].item)]
    live = {("1", NOVEMBER): "charged", ("2", OCTOBER): "charged", ("2", NOVEMBER): "charged"}
    assert_agreement(home, live)
    home.bill(OCTOBER, {"1": "good"})
    assert_agreement(home, {**live, ("1", OCTOBER): "charged"})


def claim_november(home: Home) -> Claim:
    """What the worker *w* holds of a batch over contracts 1 and 2."""
    for contract in ("1", "2"):
        home.put(contract, NOVEMBER, "good")
    assert home.app.billing.open(NOVEMBER, ["1", "2"], IVO).batch is not None
    now = home.app.clock()
    home.app.work.heartbeat("w", host="here", pid=1, now=now, lease_until=now + timedelta(hours=1))
    claim = home.app.work.claim("w", now=now, limit=10, batch=None, slow=False)
    assert claim is not None
    return claim


def test_an_operator_reverses_no_held_charge_and_a_manager_does(home: Home) -> None:
    batch = home.bill(OCTOBER, {"1": "good", "2": "wrong"})
    assert batch is not None
    operator, manager = (Actor("eva", role, "tela") for role in ("operator", "manager"))
    for contracts in (None, ["2"], ["1", "2"]):
        with pytest.raises(NotPossibleError) as caught:
            home.app.billing.reverse(batch, operator, reason="engano", contracts=contracts)
        assert "só um gestor" in text.error(caught.value)
    assert_agreement(home, {("1", OCTOBER): "charged", ("2", OCTOBER): "held"})
    assert home.app.billing.reverse(batch, operator, reason="engano", contracts=["1"]) == 1
    assert home.app.billing.reverse(batch, manager, reason="engano") == 1
    assert_agreement(home, {})
