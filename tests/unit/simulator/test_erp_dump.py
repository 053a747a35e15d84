"""The ERP dump: deterministic bytes, coherent tables, documents that check, most contracts eligible."""

from pathlib import Path

import polars as pl
import pytest
from stdnum.br import cnpj, cpf

from stfc.domain.area_codes import AREA_CODES
from stfc.domain.competence import Competence
from stfc.domain.contract import ContractStage, ContractStatus, Integration, InvoiceStatus
from stfc.errors import StorageError
from stfc.simulator import erp_dump

UNTIL = Competence(2026, 10)
TABLES = erp_dump.tables(3_000, 7, until=UNTIL)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    rows = [erp_dump.dump(tmp_path / name, 200, 7, until=UNTIL) for name in ("one", "two")]

    assert rows[0] == rows[1]
    for name in rows[0]:
        assert (tmp_path / "one" / f"{name}.csv").read_bytes() == (tmp_path / "two" / f"{name}.csv").read_bytes()


def test_another_seed_writes_other_contracts() -> None:
    other = erp_dump.tables(50, 8, until=UNTIL)["contracts"]

    assert not other["document"].equals(TABLES["contracts"]["document"].head(50))


def test_fewer_contracts_are_the_first_of_more() -> None:
    fewer = erp_dump.tables(100, 7, until=UNTIL)

    assert fewer["contracts"].equals(TABLES["contracts"].head(100))
    owned = TABLES["services"].join(fewer["contracts"].select("contract"), on="contract", how="semi")
    assert fewer["services"].sort("service").equals(owned.sort("service"))


def test_every_document_has_right_check_digits_and_some_cnpjs_have_letters() -> None:
    documents = TABLES["contracts"]["document"].to_list()

    assert all(cpf.is_valid(d) if len(d) == 11 else cnpj.is_valid(d) for d in documents)
    assert any(not d.isdigit() for d in documents)
    assert 0.2 < sum(len(d) == 14 for d in documents) / len(documents) < 0.3


def test_cities_states_and_area_codes_agree() -> None:
    contracts = TABLES["contracts"]
    lines = TABLES["lines"].with_columns(area=pl.col("number").str.head(2))
    owner = TABLES["services"].select("service", "contract").join(contracts.select("contract", "state"), on="contract")
    current = lines.filter(pl.col("until").is_null()).join(owner, on="service")

    assert contracts["state"].n_unique() == 27
    assert all(AREA_CODES[area].state == state for area, state in current.select("area", "state").iter_rows())


def test_every_stage_status_and_state_occurs_but_most_are_billable() -> None:
    contracts, services, invoices = TABLES["contracts"], TABLES["services"], TABLES["invoices"]

    assert set(contracts["stage"]) == {stage.value for stage in ContractStage}
    assert set(contracts["status"]) == {status.value for status in ContractStatus}
    assert set(services["integration"]) == {state.value for state in Integration}
    assert set(invoices["status"]) == {status.value for status in InvoiceStatus}
    assert (contracts["stage"] == "approved").mean() > 0.95
    assert (contracts["status"] == "normal").mean() > 0.93


def test_keys_are_unique_and_references_lead_somewhere() -> None:
    for name, key in (("contracts", "contract"), ("services", "service"), ("invoices", "invoice")):
        assert TABLES[name][key].is_unique().all()
    contracts = set(TABLES["contracts"]["contract"])
    services = dict(TABLES["services"].select("service", "contract").iter_rows())
    assert set(services.values()) | set(TABLES["invoices"]["contract"]) | set(TABLES["events"]["contract"]) <= contracts
    assert set(TABLES["lines"]["service"]) <= set(services)
    named = TABLES["eventual_values"].drop_nulls("service")
    assert named.height
    assert all(services[service] == contract for service, contract in named.select("service", "contract").iter_rows())


def test_numbers_move_between_contracts_without_overlap() -> None:
    lines = TABLES["lines"].sort("number", "since")
    moved = lines.filter(pl.col("number").is_duplicated())
    following = pl.col("since").shift(-1).over("number")

    assert moved.height > 20
    assert lines.filter(pl.col("until") <= pl.col("since")).is_empty()
    assert moved.filter(
        (pl.col("until").is_null() | (pl.col("until") > following)) & following.is_not_null()
    ).is_empty()


def test_a_clean_dump_has_nothing_that_keeps_a_contract_out() -> None:
    clean = erp_dump.tables(500, 7, months=12, until=UNTIL, clean=True)

    contracts = clean["contracts"]
    assert set(contracts["stage"]) == {"approved"}
    assert set(contracts["status"]) == {"normal"}
    assert contracts["deleted"].sum() == 0
    assert (contracts["bill_from"] < UNTIL.plus(-11).first_day).all()
    assert clean["invoices"].height + clean["eventual_values"].height + clean["events"].height == 0
    held = clean["services"].filter(pl.col("service").is_in(clean["lines"]["service"].to_list()))
    assert set(held["contract"]) == set(contracts["contract"])
    assert clean["lines"]["until"].null_count() == clean["lines"].height


@pytest.mark.parametrize("months", [1, 2, 24])
def test_history_may_be_short_or_long(months: int) -> None:
    made = erp_dump.tables(400, 7, months=months, until=UNTIL)

    assert made["invoices"]["competence"].n_unique() <= months
    assert min(made["invoices"]["competence"].to_list(), default=str(UNTIL)) >= str(UNTIL.plus(1 - months))


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StorageError):
        erp_dump.dump(tmp_path / "file", 1, 7, until=UNTIL)
