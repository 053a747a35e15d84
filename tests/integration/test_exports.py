"""What goes back to the ERP, from real ledgers and real parts (ERP_IMPORT; PRODUCT 5, 8, 9)."""

import csv
import hashlib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from stfc.adapters.calls.exports import ParquetCallExport
from stfc.adapters.documents.tables import FileTables
from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.exports import SqlExportLedger
from stfc.domain.competence import Competence
from stfc.errors import NotPossibleError, StorageError
from stfc.services.exports import Exported, Exports
from stfc.services.ports import ExportFormat
from tests.house import OCTOBER, House, house_at

NAMES = ["charges", "eventual_values", "zero_billing_events", "batch_items", "fiscal", "calls"]


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return house_at(database, tmp_path / "calls")


def export(
    house: House,
    folder: Path,
    form: ExportFormat = ExportFormat.CSV,
    *,
    competence: Competence = OCTOBER,
    invoiced: Sequence[str] = (),
) -> Exported:
    service = Exports(
        SqlExportLedger(house.database), ParquetCallExport(house.store), FileTables(), lambda: set(invoiced)
    )
    return service.run(folder, competence, form)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def some_calls(*amounts: int) -> list[dict[str, object]]:
    return [{"amount": amount} for amount in amounts]


def test_charge_goes_back_with_value_item_and_calls(house: House, tmp_path: Path) -> None:
    batch = house.bill({"4711": some_calls(1_230_000, 4_560_000)})
    export(house, tmp_path)
    sha = rows(tmp_path, "charges")[0]["source_sha256"]
    assert rows(tmp_path, "charges") == [
        {
            "charge": "1",
            "contract": "4711",
            "competence": "2026-10",
            "service": "S-4711",
            "amount": "5.79",
            "calls": "2",
            "status": "live",
            "batch": str(batch),
            "source_sha256": sha,
        }
    ]
    assert rows(tmp_path, "eventual_values") == [
        {
            "value_id": "STFC-1",
            "contract": "4711",
            "service": "S-4711",
            "competence": "2026-10",
            "kind": "addition",
            "amount": "5.79",
            "invoiced": "0",
            "deleted": "0",
            "reason": "",
            "batch": str(batch),
            "source_sha256": sha,
        }
    ]
    assert rows(tmp_path, "batch_items") == [
        {
            "batch": str(batch),
            "contract": "4711",
            "competence": "2026-10",
            "outcome": "charged",
            "reversed": "0",
            "amount": "5.79",
            "calls": "2",
            "code": "",
            "rule": "",
            "attempts": "1",
            "started_at": "2026-11-03T09:00:00.250-03:00",
            "ended_at": "2026-11-03T09:00:00.250-03:00",
        }
    ]
    assert [row["amount"] for row in rows(tmp_path, "calls")] == ["1.23", "4.56"]
    assert rows(tmp_path, "zero_billing_events") == []


def test_zero_billing_goes_back_as_an_event(house: House, tmp_path: Path) -> None:
    batch = house.bill({"4711": some_calls(0)})
    export(house, tmp_path)
    (event,) = rows(tmp_path, "zero_billing_events")
    assert event | {"source_sha256": ""} == {
        "event": "STFC-Z1",
        "contract": "4711",
        "kind": "zero_billing",
        "competence": "2026-10",
        "at": "2026-11-03",
        "reversed": "0",
        "batch": str(batch),
        "source_sha256": "",
    }
    assert rows(tmp_path, "charges") == rows(tmp_path, "eventual_values") == rows(tmp_path, "fiscal") == []


def test_charge_of_our_own_rating_is_split_by_our_prices(house: House, tmp_path: Path) -> None:
    prices = [("VC1", 400_000, 100_000), ("LDN", 100_000, 200_000)]
    house.bill({"4711": [{"class": name, "amount": theirs, "our_price": ours} for name, theirs, ours in prices]})
    house.do(sa.update(schema.charges).values(amount=30))
    export(house, tmp_path)
    assert [(row["class"], row["net"]) for row in rows(tmp_path, "fiscal")] == [("LDN", "0.20"), ("VC1", "0.10")]


def test_value_of_a_held_charge_does_not_go_back(house: House, tmp_path: Path) -> None:
    house.bill({"4711": some_calls(10_000)}, held=["4711"])
    export(house, tmp_path)
    assert [row["status"] for row in rows(tmp_path, "charges")] == ["held"]
    assert rows(tmp_path, "eventual_values") == rows(tmp_path, "fiscal") == []


def test_value_of_a_held_charge_that_is_reversed_does_not_go_back_either(house: House, tmp_path: Path) -> None:
    house.reverse(house.bill({"4711": some_calls(10_000)}, held=["4711"]))
    export(house, tmp_path)
    assert rows(tmp_path, "eventual_values") == []


def test_reversed_charge_stays_with_its_value_deleted_and_its_calls_gone(house: House, tmp_path: Path) -> None:
    house.reverse(house.bill({"4711": some_calls(1_000_000), "4712": some_calls(0)}))
    export(house, tmp_path)
    assert [row["status"] for row in rows(tmp_path, "charges")] == ["reversed"]
    assert [row["deleted"] for row in rows(tmp_path, "eventual_values")] == ["1"]
    assert [row["reversed"] for row in rows(tmp_path, "zero_billing_events")] == ["1"]
    assert [row["reversed"] for row in rows(tmp_path, "batch_items")] == ["1", "1"]
    assert rows(tmp_path, "calls") == rows(tmp_path, "fiscal") == []


def test_contract_charged_again_after_a_reversal_has_both_charges_and_the_new_calls(
    house: House, tmp_path: Path
) -> None:
    house.reverse(house.bill({"4711": some_calls(1_000_000)}))
    house.bill({"4711": some_calls(2_000_000)})
    export(house, tmp_path)
    assert [(row["status"], row["amount"]) for row in rows(tmp_path, "charges")] == [
        ("reversed", "1.00"),
        ("live", "2.00"),
    ]
    assert [row["amount"] for row in rows(tmp_path, "calls")] == ["2.00"]
    assert [row["net"] for row in rows(tmp_path, "fiscal")] == ["2.00"]


def test_value_that_the_erp_invoiced_is_exported_as_invoiced(house: House, tmp_path: Path) -> None:
    house.bill({"4711": some_calls(10_000), "4712": some_calls(10_000)})
    export(house, tmp_path, invoiced=["STFC-2", "F-9"])
    assert [row["invoiced"] for row in rows(tmp_path, "eventual_values")] == ["0", "1"]


def test_items_without_a_charge_go_back_with_their_outcome(house: House, tmp_path: Path) -> None:
    house.bill({"4711": some_calls(10_000), "4712": []}, unavailable=["4712"])
    export(house, tmp_path)
    assert [(row["outcome"], row["code"], row["amount"]) for row in rows(tmp_path, "batch_items")] == [
        ("charged", "", "0.01"),
        ("waiting_file", "SUM-404", ""),
    ]


def test_only_the_competence_is_exported(house: House, tmp_path: Path) -> None:
    house.bill({"4711": some_calls(10_000)}, competence=OCTOBER.plus(-1))
    done = export(house, tmp_path)
    assert {file.rows for file in done.files.values()} == {0}
    assert sorted(done.files) == sorted(f"{name}.csv" for name in NAMES)


# --- Calls and fiscal ----------------------------------------------------------------------------------------------


def test_called_numbers_are_masked_and_lines_are_not(house: House, tmp_path: Path) -> None:
    numbers = ["11987654321", "190", "0021351210001234"]
    house.bill({"4711": [{"called": number, "amount": 10_000} for number in numbers]})
    export(house, tmp_path)
    found = {row["call_id"]: row["called"] for row in rows(tmp_path, "calls")}
    assert found["c-4711-0"] == "(11) 9****-4321"
    assert found["c-4711-1"] == "190"
    assert "210001234" not in (tmp_path / "calls.csv").read_text()
    assert {row["line"] for row in rows(tmp_path, "calls")} == {"1933224455"}


def test_destination_abroad_is_no_formula(house: House, tmp_path: Path) -> None:
    house.bill({"4711": [{"destination": "+351", "amount": 10_000}]})
    export(house, tmp_path)
    assert rows(tmp_path, "calls")[0]["destination"] == "'+351"
    export(house, tmp_path, ExportFormat.PARQUET)
    assert pq.read_table(tmp_path / "calls.parquet")["destination"].to_pylist() == ["+351"]


def test_calls_of_several_parts_come_by_contract_and_start(house: House, tmp_path: Path) -> None:
    house.bill({"4712": some_calls(10_000, 20_000)})
    house.bill({"4711": some_calls(30_000), "4713": some_calls(40_000)})
    export(house, tmp_path)
    assert [row["call_id"] for row in rows(tmp_path, "calls")] == ["c-4711-0", "c-4712-0", "c-4712-1", "c-4713-0"]


def test_fiscal_splits_each_charge_over_its_classes_to_the_centavo(house: House, tmp_path: Path) -> None:
    calls = [
        {"class": "VC1", "amount": 333_333, "duration": 42},
        {"class": "LOCAL", "amount": 333_333, "duration": 61},
        {"class": "LDN", "amount": 333_334, "duration": 0},
        {"class": "LDN", "amount": 0, "duration": 60},
    ]
    house.bill({"4711": calls})
    export(house, tmp_path)
    found = [
        (row["class"], row["calls"], row["minutes"], row["gross"], row["discount"], row["net"])
        for row in rows(tmp_path, "fiscal")
    ]
    assert found == [
        ("LDN", "2", "1.00", "0.34", "0.00", "0.34"),
        ("LOCAL", "1", "1.02", "0.33", "0.00", "0.33"),
        ("VC1", "1", "0.70", "0.33", "0.00", "0.33"),
    ]


def test_fiscal_nets_add_up_to_the_live_charges(house: House, tmp_path: Path) -> None:
    house.bill({str(n): some_calls(*range(n, n + 7)) + some_calls(1_234_567 * n) for n in range(101, 120)})
    export(house, tmp_path)
    charged = sum(Decimal(row["amount"]) for row in rows(tmp_path, "charges"))
    assert sum(Decimal(row["net"]) for row in rows(tmp_path, "fiscal")) == charged > 0


def test_calls_that_do_not_carry_their_charge_stop_the_export(house: House, tmp_path: Path) -> None:
    house.bill({"4711": some_calls(10_000)})
    with house.database.write() as connection:
        connection.exec_driver_sql("UPDATE charges SET calls = 2")
    with pytest.raises(NotPossibleError) as caught:
        export(house, tmp_path / "out")
    assert caught.value.facts == {"cause": "calls_differ", "contract": "4711", "expected": 2, "found": 1}
    assert list((tmp_path / "out").iterdir()) == []


# --- Bytes and disks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ExportFormat)
def test_exporting_twice_gives_the_same_bytes(house: House, tmp_path: Path, form: ExportFormat) -> None:
    house.bill({"4711": some_calls(10_000, 20_000), "4712": some_calls(0)})
    house.bill({"4713": some_calls(30_000)}, held=["4713"])
    first, second = export(house, tmp_path / "1", form), export(house, tmp_path / "2", form)
    assert first.files == second.files
    assert sorted(first.files) == sorted(f"{name}.{form}" for name in NAMES)
    for name, file in first.files.items():
        body = (tmp_path / "1" / name).read_bytes()
        assert body == (tmp_path / "2" / name).read_bytes()
        assert hashlib.sha256(body).hexdigest() == file.sha256


def test_parquet_has_exact_decimals_and_flags(house: House, tmp_path: Path) -> None:
    house.bill({"4711": some_calls(1_234_567)})
    export(house, tmp_path, ExportFormat.PARQUET)
    (value,) = pq.read_table(tmp_path / "eventual_values.parquet").to_pylist()
    assert (value["amount"], value["deleted"], value["invoiced"]) == (Decimal("1.23"), False, False)
    assert str(pq.read_schema(tmp_path / "charges.parquet").field("amount").type) == "decimal128(18, 2)"
    assert pq.read_table(tmp_path / "calls.parquet")["amount"].to_pylist() == [Decimal("1.234567")]


def test_lost_part_stops_the_export_and_leaves_the_folder_as_it_was(house: House, tmp_path: Path) -> None:
    house.bill({"4711": some_calls(10_000)})
    out = tmp_path / "out"
    export(house, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for part in house.store.root.rglob("*.parquet"):
        part.unlink()
    house.bill({"4712": []})
    with pytest.raises(StorageError):
        export(house, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
