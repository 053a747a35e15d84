"""Files of a chunk to outcomes, logs and calls, on a real snapshot and a real store (PRODUCT 5-7, 10)."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stfc.adapters.billing_files import ParsedFiles, parse_files
from stfc.adapters.calls.assess import ColumnarAssessor
from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.calls.store import ParquetCallStore
from stfc.domain import text
from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.money import Centavos, Micros
from stfc.domain.outcome import Charged, Failed, Held, Outcome, Zero
from stfc.domain.plan_file import parse as parse_plans
from stfc.services.ports import Arrived, Assessment, ChunkSpec, ClaimedItem, LiveCalls, LogLine
from tests.billing_files import a_file, a_record, a_trailer

OCTOBER = Competence(2026, 10)
NOW = datetime(2026, 11, 10, 15, tzinfo=UTC)
NO_CALLS = LiveCalls(0, (), frozenset())
LINES = [
    ("1133224455", "s-4711", date(2025, 1, 1), None),
    ("9232224455", "s-4711", date(2025, 1, 1), None),
    ("1133224499", "s-4712", date(2025, 1, 1), None),
    ("1133224400", "s-4711", date(2025, 1, 1), date(2026, 10, 1)),
]


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """An ERP snapshot in which 4711 has two lines and one it lost, and 4712 one."""
    folder = tmp_path / "snapshot"
    folder.mkdir()
    schema = {"number": pl.String(), "service": pl.String(), "since": pl.Date(), "until": pl.Date()}
    pl.DataFrame(LINES, schema=schema, orient="row").write_parquet(folder / "lines.parquet")
    services = [(f"s-{contract}", contract, "summit", "telephony") for contract in ("4711", "4712")]
    names = ["service", "contract", "integrator", "kind"]
    pl.DataFrame(services, schema=names, orient="row").write_parquet(folder / "services.parquet")
    named = {"contract": ["4711", "4712", "4713"], "plan": ["p", "retired", None]}
    pl.DataFrame(named).write_parquet(folder / "contracts.parquet")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> ParquetCallStore:
    return ParquetCallStore(tmp_path / "calls")


class Chunk:
    """Files to assess, a contract each."""

    def __init__(self, snapshot: Path, store: ParquetCallStore) -> None:
        self._snapshot = snapshot
        self._store = store

    def assess(
        self,
        files: Mapping[str, bytes],
        *,
        calls: LiveCalls = NO_CALLS,
        plans: str = "",
        **announced: Any,
    ) -> tuple[dict[str, Outcome], Assessment]:
        """Outcomes by contract, and all of the assessment; ``announced`` goes into every descriptor.

        Contract 4711 names the plan ``p``, 4712 one that nobody imported; ``plans`` is TOML.
        """
        items = tuple(
            ClaimedItem(item, item * 100 + 1, contract, tries=0) for item, contract in enumerate(files, start=1)
        )
        arrived = {
            item.item: Arrived(Descriptor(item.contract, OCTOBER, True, "", **announced), files[item.contract])
            for item in items
        }
        versions = tuple(parse_plans(plans.encode())) if plans else ()
        spec = ChunkSpec(1, OCTOBER, items, self._snapshot, calls, plans=versions)
        found = ColumnarAssessor(self._store, lambda: NOW).assess(spec, arrived)
        return {item.contract: found.outcomes[item.item] for item in items}, found

    def one(self, body: bytes, **more: Any) -> tuple[Outcome, list[str], pl.DataFrame]:
        """Outcome, log events and calls of contract 4711's file."""
        outcomes, found = self.assess({"4711": body}, **more)
        frame = pl.from_arrow(found.calls)
        assert isinstance(frame, pl.DataFrame)
        return outcomes["4711"], [line.event for line in found.log[1]], frame


@pytest.fixture
def chunk(snapshot: Path, store: ParquetCallStore) -> Chunk:
    return Chunk(snapshot, store)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def test_good_file_is_charged_with_the_sum_of_its_records(chunk: Chunk) -> None:
    body = a_file(a_record("a"), a_record("b", amount="4.90", duration="301"))
    outcome, events, calls = chunk.one(body)
    assert outcome == Charged(Centavos(501), calls=2, dropped=0, source_sha256=sha256(body))
    assert events == ["sha256", "parsed", "totals_agree", "amount"]
    assert calls["claim"].to_list() == [101, 101]


def test_every_field_of_the_file_is_kept_and_what_we_derive_stands_beside(chunk: Chunk) -> None:
    record = a_record("a", line="9232224455", called="0015351912345678", started_at="2026-10-05T01:30:00-03:00")
    _, _, calls = chunk.one(a_file(record))
    assert calls.to_dicts() == [
        {
            "contract": "4711",
            "claim": 101,
            "call_id": "a",
            "line": "9232224455",
            "caller": "1133224455",
            "called": "0015351912345678",
            "started_at": datetime(2026, 10, 5, 4, 30, tzinfo=UTC),
            "offset_minutes": -180,
            "duration": 67,
            "platform_class": "VC1",
            "carrier": "VIVO",
            "csp": "15",
            "amount": 110_000,
            "class": "LDI",
            "destination": "+351",
            "local_day": date(2026, 10, 5),
            "hour": 0,
            "weekday": 0,
            "late": False,
            "issue": None,
            "our_price": None,
            "band": None,
            "billed_seconds": None,
            "allowance_seconds": None,
            "plan_version": None,
        }
    ]


def test_fractions_are_cut_once_at_the_total(chunk: Chunk) -> None:
    records = [
        a_record(str(second), amount="0.003333", started_at=f"2026-10-05T10:00:{second:02d}-03:00")
        for second in range(10)
    ]
    outcome, _, _ = chunk.one(a_file(*records))
    assert isinstance(outcome, Charged)
    assert outcome.amount == 3


@pytest.mark.parametrize(("amount", "kind"), [("0.009999", Zero), ("0.01", Charged)])
def test_less_than_a_centavo_is_zero(chunk: Chunk, amount: str, kind: type[Outcome]) -> None:
    outcome, _, calls = chunk.one(a_file(a_record(amount=amount)))
    assert isinstance(outcome, kind)
    assert calls.height == 1


def test_file_without_calls_is_zero(chunk: Chunk) -> None:
    body = a_file()
    outcome, _, calls = chunk.one(body)
    assert outcome == Zero(calls=0, dropped=0, source_sha256=sha256(body))
    assert calls.height == 0


def test_bad_file_fails_with_line_and_cause_and_leaves_no_calls(chunk: Chunk) -> None:
    outcome, events, calls = chunk.one(a_file(a_record(), a_record("b", duration="abc"), trailer="T;2;67;0.22"))
    assert isinstance(outcome, Failed)
    assert outcome.code == "ARQ-FMT"
    assert not outcome.is_transient
    assert (outcome.facts["line"], outcome.facts["cause"]) == (3, "duration")
    assert events[-1] == "unreadable"
    assert calls.height == 0


def test_bad_file_does_not_touch_its_neighbours(chunk: Chunk) -> None:
    good = a_file(a_record(line="1133224499"), contract="4712")
    outcomes, found = chunk.assess({"4711": b"<html>", "4712": good})
    assert isinstance(outcomes["4711"], Failed)
    assert isinstance(outcomes["4712"], Charged)
    assert found.calls["contract"].to_pylist() == ["4712"]


def test_file_that_a_defect_of_ours_stumbles_over_fails_alone(chunk: Chunk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumbling(files: list[tuple[str, bytes]], month: Competence) -> ParsedFiles:
        if "4711" in dict(files):
            raise ZeroDivisionError
        return parse_files(files, month)

    monkeypatch.setattr("stfc.adapters.calls.assess.parse_files", stumbling)
    good = a_file(a_record(line="1133224499"), contract="4712")
    outcomes, found = chunk.assess({"4711": a_file(a_record()), "4712": good, "4713": b"<html>"})
    assert outcomes.pop("4711") == Failed("STF-000", {"cause": "ZeroDivisionError"}, is_transient=True)
    assert [type(outcome) for outcome in outcomes.values()] == [Charged, Failed]
    assert found.calls["contract"].to_pylist() == ["4712"]


@pytest.mark.parametrize("trailer", ["T;2;67;0.11", "T;1;68;0.11", "T;1;67;0.12", "T;1;67;0.110001"])
def test_trailer_that_disagrees_is_held(chunk: Chunk, trailer: str) -> None:
    outcome, events, calls = chunk.one(a_file(a_record(), trailer=trailer))
    assert isinstance(outcome, Held)
    assert outcome.code == "ARQ-TOT"
    assert outcome.amount == 11
    assert "totals_differ" in events
    assert "totals_agree" not in events
    assert calls.height == 1


@pytest.mark.parametrize(
    "announced", [{"records": 2}, {"billed_seconds": 68}, {"amount": Micros(120_000)}], ids=lambda one: next(iter(one))
)
def test_descriptor_that_disagrees_is_held(chunk: Chunk, announced: dict[str, Any]) -> None:
    outcome, _, _ = chunk.one(a_file(a_record()), **announced)
    assert isinstance(outcome, Held)
    assert [finding.facts["source"] for finding in outcome.findings] == ["descriptor"]


def test_descriptor_that_agrees_is_charged(chunk: Chunk) -> None:
    outcome, _, _ = chunk.one(a_file(a_record()), records=1, billed_seconds=67, amount=Micros(110_000))
    assert isinstance(outcome, Charged)


def test_divergence_is_held_even_at_zero(chunk: Chunk) -> None:
    outcome, _, _ = chunk.one(a_file(trailer="T;1;67;0.11"))
    assert isinstance(outcome, Held)
    assert outcome.amount == 0


def test_totals_are_checked_over_all_records_and_the_charge_is_of_the_kept_ones(chunk: Chunk) -> None:
    repeated = a_record("a"), a_record("a"), a_record("b")
    outcome, events, calls = chunk.one(a_file(*repeated, trailer=a_trailer(repeated)))
    assert isinstance(outcome, Charged)
    assert (outcome.amount, outcome.calls, outcome.dropped) == (11, 1, 2)
    assert "repeats" in events
    assert calls["call_id"].to_list() == ["a"]


def test_calls_of_earlier_files_are_dropped_unless_excluded(chunk: Chunk, store: ParquetCallStore) -> None:
    body = a_file(a_record("a"))
    _, found = chunk.assess({"4711": body})
    part = store.write(OCTOBER.plus(-1), found.calls)
    again, _, _ = chunk.one(body, calls=LiveCalls(1, (part,), frozenset()))
    assert again == Zero(calls=0, dropped=1, source_sha256=sha256(body))
    reversed_before, _, _ = chunk.one(body, calls=LiveCalls(1, (part,), frozenset({101})))
    assert isinstance(reversed_before, Charged)


def test_same_call_of_another_contract_is_no_repeat(chunk: Chunk) -> None:
    bodies = {contract: a_file(a_record("a"), contract=contract) for contract in ("4711", "4712")}
    _, found = chunk.assess(bodies)
    assert found.calls["contract"].to_pylist() == ["4711", "4712"]


def test_line_of_no_contract_on_the_day_is_held(chunk: Chunk) -> None:
    lost = [
        a_record("a", line="1133224400", started_at="2026-09-30T23:59:59-03:00"),
        a_record("b", line="1133224400", started_at="2026-10-01T00:00:00-03:00"),
    ]
    outcome, _, calls = chunk.one(a_file(*lost))
    assert isinstance(outcome, Held)
    assert outcome.code == "CTR-LIN"
    assert outcome.findings[0].facts == {"calls": 1, "lines": ["(11) ****-4400"]}
    assert calls["issue"].to_list() == [None, "CTR-LIN"]


def test_line_of_another_contract_is_held(chunk: Chunk) -> None:
    outcome, _, calls = chunk.one(a_file(a_record(line="1133224499")))
    assert isinstance(outcome, Held)
    assert outcome.code == "CTR-DIV"
    assert outcome.findings[0].facts == {"calls": 1, "contracts": ["4712"]}
    assert calls["issue"].to_list() == ["CTR-DIV"]


def test_item_shows_the_first_code_and_keeps_all_findings(chunk: Chunk) -> None:
    records = a_record("a", line="1133224499"), a_record("b", line="1133220000")
    outcome, _, _ = chunk.one(a_file(*records, trailer="T;9;134;0.22"))
    assert isinstance(outcome, Held)
    assert outcome.code == "ARQ-TOT"
    assert [finding.code for finding in outcome.findings] == ["ARQ-TOT", "CTR-DIV", "CTR-LIN"]


@pytest.mark.parametrize(
    ("line", "started_at", "is_late"),
    [
        ("1133224455", "2026-09-20T23:59:59-03:00", True),
        ("1133224455", "2026-09-21T00:00:00-03:00", False),
        ("9232224455", "2026-09-20T23:00:00-04:00", False),
        ("9232224455", "2026-09-20T22:59:59-04:00", True),
        ("1133224455", "2026-09-21T02:59:59Z", True),
    ],
)
def test_call_before_the_period_is_kept_and_marked(chunk: Chunk, line: str, started_at: str, is_late: bool) -> None:
    outcome, events, calls = chunk.one(a_file(a_record(line=line, started_at=started_at)))
    assert isinstance(outcome, Charged)
    assert calls["late"].to_list() == [is_late]
    assert ("late" in events) == is_late


def test_calls_come_by_contract_and_start_whatever_the_order_of_items_and_records(chunk: Chunk) -> None:
    starts = ["2026-10-05T10:00:00-03:00", "2026-10-04T10:00:00-03:00"]
    records = [a_record(str(index), line="1133224499", started_at=start) for index, start in enumerate(starts)]
    bodies = {"4712": a_file(*records, contract="4712"), "4711": a_file(a_record("x"))}
    _, found = chunk.assess(bodies)
    assert found.calls["call_id"].to_pylist() == ["x", "1", "0"]
    assert found.calls["claim"].to_pylist() == [201, 101, 101]
    assert found.calls.schema.equals(PART_SCHEMA)


def test_large_files_are_assessed_like_small_ones(chunk: Chunk) -> None:
    record = a_record("c" * 255, carrier="v" * 255, line="1133224499")
    outcomes, found = chunk.assess(
        {contract: a_file(*[record] * 20_000, contract=contract) for contract in ("4713", "4711", "4712")}
    )
    assert found.calls["contract"].to_pylist() == ["4711", "4712", "4713"]
    assert [(type(one), one.dropped) for one in outcomes.values() if isinstance(one, Held | Charged)] == [
        (Held, 19_999),
        (Held, 19_999),
        (Charged, 19_999),
    ]


def test_chunk_in_which_nothing_arrived_is_empty(chunk: Chunk) -> None:
    outcomes, found = chunk.assess({})
    assert (outcomes, found.calls.num_rows) == ({}, 0)


def test_amounts_beyond_an_int64_of_micros_are_summed_exactly(chunk: Chunk) -> None:
    records = [
        a_record(str(index), amount="999999999.999999", called=str(index), line="1133224455") for index in range(10_000)
    ]
    outcome, _, _ = chunk.one(a_file(*records, trailer="T;10000;670000;0"))
    assert isinstance(outcome, Held)
    assert outcome.amount == 10_000 * 999_999_999_999_999 // 10_000


def said(line: LogLine) -> str:
    """The sentence of a log line after its facts have been through JSON, as the ledger keeps them."""
    return text.log(dataclasses.replace(line, facts=json.loads(json.dumps(line.facts))))


def test_log_reads_in_portuguese_and_shows_no_whole_number(chunk: Chunk) -> None:
    records = [
        a_record("a", line="1133224499"),
        a_record("b", line="1133220000"),
        a_record("b"),
        a_record("c", started_at="2026-09-01T00:00:00-03:00", amount="1234.567891"),
    ]
    _, found = chunk.assess({"4711": a_file(*records, trailer="T;9;268;0.44")}, sha256="9f3c" + "0" * 56 + "b21a")
    assert [said(line) for line in found.log[1]] == [
        "sha256 9f3c…b21a confere com o descritor",
        "Arquivo lido: 4 registros, 268 s, R$ 1.234,897891",
        "A linha T declara quantidade de registros 9, os registros somam 4; "
        "soma dos valores R$ 0,44, os registros somam R$ 1.234,897891 (ARQ-TOT)",
        "1 ligação de linha que no dia era de outro contrato (4712) (CTR-DIV)",
        "1 ligação de linha que no dia não era de nenhum contrato ((11) ****-0000) (CTR-LIN)",
        "1 registro repetido descartado",
        "Anteriores ao período do arquivo: 1 ligação, no valor cobrado, com marca",
        "Soma de 3 ligações: R$ 1.234,787891; valor sem frações de centavo: R$ 1.234,78",
    ]


def test_log_of_a_bad_file_names_line_and_cause(chunk: Chunk) -> None:
    _, found = chunk.assess({"4711": a_file(a_record(duration="abc"), trailer="T;1;67;0.11")})
    assert said(found.log[1][-1]) == "Linha 2: duração “abc” não é número (ARQ-FMT)"


# --- Our own rating (PRODUCT 6, PLANS) -----------------------------------------------------------------------------


def a_plan(mode: str = "check", price: str = 'VC1 = "0.10"', *, day: str = "2026-01-01", more: str = "") -> str:
    """A plan of code ``p``; a call of ``a_record`` costs R$ 0.12 under it, and Summit says 0.11."""
    head = f'[[plan]]\ncode = "p"\nname = "P"\nvalid_from = {day}\nmode = "{mode}"\n'
    return f"{head}[plan.price]\n{price}\n{more}"


AGREED = a_record("a", amount="0.12")


def test_agreeing_rating_is_charged_and_stands_beside_every_call(chunk: Chunk) -> None:
    unanswered = a_record("b", duration="0", amount="0", started_at="2026-10-05T22:00:00-03:00")
    outcome, events, calls = chunk.one(a_file(AGREED, unanswered), plans=a_plan())
    assert isinstance(outcome, Charged)
    assert outcome.amount == 12
    assert events == ["sha256", "parsed", "totals_agree", "amount", "rated"]
    assert calls.select("our_price", "band", "billed_seconds", "allowance_seconds", "plan_version").rows() == [
        (120_000, "normal", 72, 0, "p@2026-01-01"),
        (0, "reduced", 0, 0, "p@2026-01-01"),
    ]


@pytest.mark.parametrize(("mode", "amount"), [("check", 11), ("rerate", 12)])
def test_difference_is_held_with_the_amount_of_the_mode(chunk: Chunk, mode: str, amount: int) -> None:
    outcome, events, _ = chunk.one(a_file(a_record()), plans=a_plan(mode))
    assert isinstance(outcome, Held)
    assert (outcome.code, outcome.amount) == ("TAR-DIF", amount)
    facts = {"plan": "p@2026-01-01", "ours": 12, "platform": 11, "tolerance": "0"}
    assert outcome.findings[0].facts == facts
    assert events[-2:] == ["rated", "rating_differs"]


def test_mode_platform_charges_summit_and_shows_our_rating(chunk: Chunk) -> None:
    outcome, events, calls = chunk.one(a_file(a_record()), plans=a_plan("platform"))
    assert isinstance(outcome, Charged)
    assert outcome.amount == 11
    assert events[-1] == "rated"
    assert calls["our_price"].to_list() == [120_000]


@pytest.mark.parametrize("mode", ["check", "rerate"])
def test_call_without_a_tariff_is_held_and_no_difference(chunk: Chunk, mode: str) -> None:
    missing = a_record("b", called="*144", amount="3.00")
    outcome, events, calls = chunk.one(a_file(AGREED, missing), plans=a_plan(mode))
    assert isinstance(outcome, Held)
    assert [finding.code for finding in outcome.findings] == ["TAR-SEM"]
    assert outcome.amount == (312 if mode == "check" else 12)
    assert events[-1] == "tariff_missing"
    assert calls["our_price"].to_list() == [120_000, None]


def test_missing_tariff_is_a_warning_where_summit_is_charged(chunk: Chunk) -> None:
    outcome, events, _ = chunk.one(a_file(a_record(called="*144")), plans=a_plan("platform"))
    assert isinstance(outcome, Charged)
    assert events[-1] == "tariff_missing"


def test_rerated_month_that_comes_to_nothing_is_zero(chunk: Chunk) -> None:
    outcome, _, _ = chunk.one(
        a_file(a_record(amount="0.03")),
        plans=a_plan("rerate", 'VC1 = "0"\n').replace("[plan.price]", 'tolerance_amount = "0.05"\n[plan.price]'),
    )
    assert isinstance(outcome, Zero)


def test_only_contracts_whose_plan_is_known_are_rated(chunk: Chunk) -> None:
    bodies = {contract: a_file(a_record(), contract=contract) for contract in ("4711", "4712", "4713")}
    outcomes, found = chunk.assess(bodies, plans=a_plan("platform"))
    assert isinstance(outcomes["4711"], Charged)
    assert dict(found.plans) == {1: frozenset({"p@2026-01-01"})}
    assert found.calls["our_price"].to_pylist() == [120_000, None, None]


def test_plan_that_comes_later_rates_nothing(chunk: Chunk) -> None:
    outcome, events, calls = chunk.one(a_file(a_record()), plans=a_plan(day="2026-10-21"))
    assert isinstance(outcome, Charged)
    assert "rated" not in events
    assert calls["our_price"].to_list() == [None]


def test_calls_before_a_plan_that_begins_in_the_period_lack_a_tariff(chunk: Chunk) -> None:
    records = a_record("b", amount="0.50"), AGREED.replace("09-21", "10-20")
    outcome, _, calls = chunk.one(a_file(*records), plans=a_plan(day="2026-10-20"))
    assert isinstance(outcome, Held)
    assert outcome.code == "TAR-SEM"
    assert calls["plan_version"].to_list() == [None, "p@2026-10-20"]


def test_repeats_consume_no_allowance(chunk: Chunk) -> None:
    allowance = '[[plan.allowance]]\nclasses = ["VC1"]\nminutes = 2\n'
    days = (("a", 1), ("a", 2), ("b", 3))
    records = [a_record(name, started_at=f"2026-10-0{day}T10:00:00-03:00") for name, day in days]
    _, _, calls = chunk.one(a_file(*records, trailer=a_trailer(records)), plans=a_plan("platform", more=allowance))
    assert calls["allowance_seconds"].to_list() == [72, 48]


def test_empty_file_is_rated_at_nothing(chunk: Chunk) -> None:
    outcome, events, _ = chunk.one(a_file(), plans=a_plan())
    assert isinstance(outcome, Zero)
    assert events[-1] == "rated"


def test_log_of_a_rating_reads_in_portuguese(chunk: Chunk) -> None:
    records = a_record("a"), a_record("b", called="*144"), a_record("c", called="0015351212345678")
    _, found = chunk.assess({"4711": a_file(*records)}, plans=a_plan())
    assert [said(line) for line in found.log[1]][-3:] == [
        "Nossa tarifação pelo plano p@2026-01-01 (cobra a Summit, conferida): R$ 0,12; a Summit, pelas mesmas ligações"
        ": R$ 0,11",
        "A nossa tarifação (p@2026-01-01) dá R$ 0,12 e a Summit R$ 0,11: diferença de R$ 0,01, além da tolerância de "
        "R$ 0,00 (TAR-DIF)",
        "2 ligações sem tarifa no plano p@2026-01-01: LDI, Desconhecida (TAR-SEM)",
    ]
