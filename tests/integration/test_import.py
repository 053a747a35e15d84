"""The import of ERP dumps into immutable snapshots (ERP_IMPORT)."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stfc.adapters.erp.snapshots import ParquetSnapshotStore
from stfc.errors import ImportProblem, ImportRefusedError, StorageError
from tests.builders import (
    Row,
    a_dump,
    contract_row,
    event_row,
    invoice_row,
    line_row,
    service_row,
    value_row,
    write_tables,
)


@pytest.fixture
def store(tmp_path: Path) -> ParquetSnapshotStore:
    return ParquetSnapshotStore(tmp_path / "snapshots")


def problems(store: ParquetSnapshotStore, source: Path, previous: int | None = None) -> list[ImportProblem]:
    with pytest.raises(ImportRefusedError) as refused:
        store.stage(source, 1 if previous is None else previous + 1, previous)
    return list(refused.value.facts["problems"])


def places(found: list[ImportProblem]) -> list[tuple[str, int, str]]:
    return [(problem.file, problem.line, problem.column) for problem in found]


def test_a_dump_becomes_typed_parquet(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    source = a_dump(
        tmp_path / "erp",
        contracts=[contract_row("2", bill_until="2026-12-31"), contract_row("1", deleted="1")],
        services=[service_row("S1", "1", monthly_fee="49.9")],
        invoices=[invoice_row("F1", "1", amount="1234.5")],
        events=[event_row("E1", "1", competence="")],
    )
    staged = store.stage(source, 17, None)
    assert staged.folder == store.folder(17)
    assert staged.rows == {
        "contracts": 2,
        "services": 1,
        "lines": 1,
        "invoices": 1,
        "eventual_values": 0,
        "events": 1,
    }
    contracts = pl.read_parquet(staged.folder / "contracts.parquet")
    assert contracts["contract"].to_list() == ["1", "2"]
    assert contracts["deleted"].to_list() == [True, False]
    assert contracts["bill_until"].to_list() == [None, date(2026, 12, 31)]
    assert contracts["cut_day"].dtype == pl.Int32
    assert pl.read_parquet(staged.folder / "services.parquet")["monthly_fee"].to_list() == [4990]
    assert pl.read_parquet(staged.folder / "invoices.parquet")["amount"].to_list() == [123450]
    assert pl.read_parquet(staged.folder / "events.parquet")["competence"].to_list() == [None]
    values = pl.read_parquet(staged.folder / "eventual_values.parquet")
    assert values.is_empty()
    assert values.schema["amount"] == pl.Int64


def test_parquet_gives_what_csv_gives(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    tables = {
        "contracts": [contract_row("1"), contract_row("2", bill_until="2026-12-31", plan="")],
        "services": [service_row("S1", "1")],
        "lines": [line_row(until="2026-05-01")],
        "invoices": [invoice_row("F1", "1")],
    }
    store.stage(write_tables(tmp_path / "csv", tables), 1, None)
    folder = tmp_path / "parquet"
    folder.mkdir()
    kinds: dict[str, pl.Expr] = {
        "deleted": pl.col("deleted") == "1",
        "active": pl.col("active") == "1",
        "cut_day": pl.col("cut_day").cast(pl.Int16),
        "due_day": pl.col("due_day").cast(pl.Float64),
        "bill_from": pl.col("bill_from").str.to_date(),
        "since": pl.col("since").str.to_datetime(),
        "amount": pl.col("amount").str.to_decimal(scale=4),
        "monthly_fee": pl.col("monthly_fee").cast(pl.Float64),
        "stage": pl.col("stage").cast(pl.Categorical),
    }
    for name, rows in tables.items():
        frame = pl.DataFrame(rows)
        frame.with_columns(kind for column, kind in kinds.items() if column in frame.columns).write_parquet(
            folder / f"{name}.parquet"
        )
    store.stage(folder, 2, None)
    for name in tables:
        csv_file, parquet_file = (store.folder(number) / f"{name}.parquet" for number in (1, 2))
        assert pl.read_parquet(csv_file).equals(pl.read_parquet(parquet_file))


def _with(table: str, *rows: Row) -> Callable[[Path], Path]:
    return lambda folder: a_dump(folder, **{table: list(rows)})


def _without(table: str, column: str) -> Callable[[Path], Path]:
    builders = {"contracts": contract_row, "services": service_row, "lines": line_row}

    def write(folder: Path) -> Path:
        row = builders[table]()
        del row[column]
        return a_dump(folder, **{table: [row]})

    return write


def _bytes(table: str, body: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        a_dump(folder)
        (folder / f"{table}.csv").write_bytes(body)
        return folder

    return write


def _edited(table: str, edit: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = a_dump(folder) / f"{table}.csv"
        path.write_bytes(edit(path.read_bytes()))
        return folder

    return write


@pytest.mark.parametrize(
    ("dump", "place", "said"),
    [
        (_without("contracts", "stage"), ("contracts.csv", 1, "stage"), "falta a coluna"),
        (_without("lines", "number"), ("lines.csv", 1, "number"), "falta a coluna"),
        (_with("contracts", contract_row(etapa="x")), ("contracts.csv", 1, "etapa"), "não existe nesta tabela"),
        (_with("contracts", contract_row(line="x")), ("contracts.csv", 1, "line"), "não existe nesta tabela"),
        (_with("contracts", contract_row(bill_from="2026-02-30")), ("contracts.csv", 2, "bill_from"), "2026-02-30"),
        (_with("contracts", contract_row(bill_from="2026-2-3")), ("contracts.csv", 2, "bill_from"), "AAAA-MM-DD"),
        (_with("contracts", contract_row(bill_from="0000-01-01")), ("contracts.csv", 2, "bill_from"), "AAAA-MM-DD"),
        (_with("contracts", contract_row(deleted="não")), ("contracts.csv", 2, "deleted"), "não é 0 nem 1"),
        (_with("contracts", contract_row(stage="aprovado")), ("contracts.csv", 2, "stage"), "approved"),
        (_with("contracts", contract_row(status="NORMAL")), ("contracts.csv", 2, "status"), "“NORMAL”"),
        (_with("contracts", contract_row(state="XX")), ("contracts.csv", 2, "state"), "“XX”"),
        (_with("contracts", contract_row(cut_day="0")), ("contracts.csv", 2, "cut_day"), "de 1 a 31"),
        (_with("contracts", contract_row(cut_day="32")), ("contracts.csv", 2, "cut_day"), "de 1 a 31"),
        (_with("contracts", contract_row(due_day="5.5")), ("contracts.csv", 2, "due_day"), "5.5"),
        (_with("contracts", contract_row(customer=" ")), ("contracts.csv", 2, "customer"), "vazio"),
        (_with("contracts", contract_row(customer="x" * 501)), ("contracts.csv", 2, "customer"), "500"),
        (_with("contracts", contract_row(document="1122233300018")), ("contracts.csv", 2, "document"), "CNPJ"),
        (_with("contracts", contract_row(), contract_row()), ("contracts.csv", 3, "contract"), "linha 2"),
        (_with("services", service_row(contract="9")), ("services.csv", 2, "contract"), "o contrato 9"),
        (_with("services", service_row(monthly_fee="-1.00")), ("services.csv", 2, "monthly_fee"), "-1.00"),
        (_with("services", service_row(monthly_fee="1.005")), ("services.csv", 2, "monthly_fee"), "1.005"),
        (_with("services", service_row(monthly_fee="1,00")), ("services.csv", 2, "monthly_fee"), "1,00"),
        (_with("services", service_row(integration="ok")), ("services.csv", 2, "integration"), "pending"),
        (_with("lines", line_row(service="S9")), ("lines.csv", 2, "service"), "o serviço S9"),
        (_with("lines", line_row("(19) 3322")), ("lines.csv", 2, "number"), "dígitos"),
        (_with("lines", line_row(until="2025-01-02")), ("lines.csv", 2, "until"), "não é anterior"),
        (_with("lines", line_row(), line_row(since="2026-01-01")), ("lines.csv", 3, "since"), "linha 2"),
        (_with("lines", line_row(), line_row()), ("lines.csv", 3, "number"), "linha 2"),
        (_with("invoices", invoice_row(contract="9")), ("invoices.csv", 2, "contract"), "o contrato 9"),
        (_with("invoices", invoice_row(competence="2026-13")), ("invoices.csv", 2, "competence"), "AAAA-MM"),
        (_with("invoices", invoice_row(competence="10/2026")), ("invoices.csv", 2, "competence"), "AAAA-MM"),
        (_with("eventual_values", value_row(contract="9", service="")), ("eventual_values.csv", 2, "contract"), "9"),
        (_with("eventual_values", value_row(service="S9")), ("eventual_values.csv", 2, "service"), "o serviço S9"),
        (_with("eventual_values", value_row(kind="desconto")), ("eventual_values.csv", 2, "kind"), "discount"),
        (_with("events", event_row(contract="9")), ("events.csv", 2, "contract"), "o contrato 9"),
        (_with("events", event_row(at="")), ("events.csv", 2, "at"), "vazio"),
        (_bytes("lines", b""), ("lines.csv", 0, ""), "vazio"),
        (_bytes("lines", b"number,service,since,until\n1,2,3\n"), ("lines.csv", 2, ""), "3 campos"),
        (_bytes("lines", b"number,number,since,until\n"), ("lines.csv", 1, "number"), "mais de uma vez"),
        (_bytes("lines", b"number\xff,service\n"), ("lines.csv", 1, ""), "UTF-8"),
        (_bytes("lines", b"number;service;since;until\n"), ("lines.csv", 1, ""), "vírgula"),
        (_edited("contracts", lambda b: b.replace("São".encode(), b"S\xe3o")), ("contracts.csv", 2, ""), "UTF-8"),
        (_edited("contracts", lambda b: b.replace(b"Campinas", b"Camp\x00")), ("contracts.csv", 2, ""), "controle"),
        (_edited("contracts", lambda b: b.replace(b"Campinas", b"Camp\r")), ("contracts.csv", 2, ""), "solta"),
        (_edited("contracts", lambda b: b.replace(b"Campinas", b'C "x" y')), ("contracts.csv", 2, ""), "aspas"),
        (_edited("contracts", lambda b: b.replace(b"Campinas", b'"Campinas')), ("contracts.csv", 2, ""), "aspas"),
    ],
)
def test_a_broken_rule_is_named_by_file_line_column_and_cause(
    store: ParquetSnapshotStore,
    tmp_path: Path,
    dump: Callable[[Path], Path],
    place: tuple[str, int, str],
    said: str,
) -> None:
    found = problems(store, dump(tmp_path / "erp"))
    assert place in places(found)
    assert any(said in problem.cause for problem in found if places([problem]) == [place])
    assert not store.folder(1).exists()


def test_every_problem_is_named_not_only_the_first(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    source = a_dump(
        tmp_path / "erp",
        contracts=[
            contract_row("1", stage="x", cut_day="99"),
            contract_row("2", bill_from=""),
            contract_row("1", deleted="2"),
        ],
        services=[service_row("S1", "1"), service_row("S2", "7")],
        events=[event_row("E1", "8")],
    )
    assert places(problems(store, source)) == [
        ("contracts.csv", 2, "stage"),
        ("contracts.csv", 2, "cut_day"),
        ("contracts.csv", 3, "bill_from"),
        ("contracts.csv", 4, "deleted"),
        ("contracts.csv", 4, "contract"),
        ("services.csv", 3, "contract"),
        ("events.csv", 2, "contract"),
    ]


def test_more_problems_than_are_named_are_still_counted(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    rows = [contract_row(str(number), stage="x") for number in range(10_050)]
    source = a_dump(tmp_path / "erp", contracts=rows, services=[service_row("S1", "1")])
    with pytest.raises(ImportRefusedError) as refused:
        store.stage(source, 1, None)
    assert (len(refused.value.facts["problems"]), refused.value.facts["total"]) == (10_000, 10_050)


def test_a_service_of_another_contract_in_a_value_is_named(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    source = a_dump(
        tmp_path / "erp",
        contracts=[contract_row("1"), contract_row("2")],
        services=[service_row("S1", "1")],
        eventual_values=[value_row("V1", "2", service="S1")],
    )
    (problem,) = problems(store, source)
    assert (problem.line, problem.column) == (2, "service")
    assert problem.cause == "o serviço S1 é do contrato 1, não do 2"


def test_overlap_names_the_line_that_covers_not_the_one_before(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    source = a_dump(
        tmp_path / "erp",
        lines=[
            line_row(since="2025-01-01", until="2026-01-01"),
            line_row("1933220000", since="2025-02-01"),
            line_row(since="2026-01-01", until="2026-02-01"),
            line_row(since="2026-02-01"),
            line_row("1933220000", since="2024-02-01", until="2025-02-02"),
            line_row(since="2026-01-15", until="2026-01-20"),
        ],
    )
    found = problems(store, source)
    assert [(problem.line, problem.cause.split(" do arquivo")[0][-1]) for problem in found] == [(3, "6"), (7, "4")]


def test_quoted_commas_quotes_and_line_breaks_are_text(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    names = ['Silva, "Irmãos" & Cia', "duas\nlinhas", "última"]
    rows = [contract_row(str(number), customer=name) for number, name in enumerate(names)]
    rows.append(contract_row("9", cut_day="77"))
    source = a_dump(tmp_path / "erp", contracts=rows, services=[service_row("S1", "1")])
    # The third contract's row began on line 3 and took two: the wrong one stands on line 6.
    assert places(problems(store, source)) == [("contracts.csv", 6, "cut_day")]
    a_dump(tmp_path / "erp", contracts=rows[:3], services=[service_row("S1", "1")])
    folder = store.stage(source, 1, None).folder
    assert pl.read_parquet(folder / "contracts.parquet")["customer"].to_list() == names


@given(
    names=st.lists(
        st.text(st.sampled_from('a",\n é')).filter(lambda name: name.strip() != ""), min_size=1, max_size=20
    ),
    crlf=st.booleans(),
    blank=st.booleans(),
)
def test_any_text_that_a_csv_writer_quotes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], crlf: bool, blank: bool
) -> None:
    folder = tmp_path_factory.mktemp("dump")
    rows = [contract_row(f"{number:04d}", customer=name) for number, name in enumerate(names)]
    a_dump(folder / "erp", contracts=rows, services=[service_row("S1", "0000")])
    path = folder / "erp" / "contracts.csv"
    body = path.read_bytes() + (b"\n\n" if blank else b"")
    path.write_bytes(b"\xef\xbb\xbf" + (body.replace(b"\n", b"\r\n") if crlf else body))
    staged = ParquetSnapshotStore(folder / "out").stage(folder / "erp", 1, None)
    assert pl.read_parquet(staged.folder / "contracts.parquet")["customer"].to_list() == names


@settings(max_examples=15)  # an import each; many amounts in each
@given(amounts=st.lists(st.tuples(st.integers(0, 99_999_999_999_999), st.integers(0, 4)), min_size=1, max_size=40))
def test_amounts_are_exact(tmp_path_factory: pytest.TempPathFactory, amounts: list[tuple[int, int]]) -> None:
    folder = tmp_path_factory.mktemp("dump")
    rows = [
        service_row(f"S{number}", monthly_fee=f"{Decimal(centavos) / 100:.2f}" + "0" * decimals)
        for number, (centavos, decimals) in enumerate(amounts, start=1)
    ]
    a_dump(folder / "erp", services=rows)
    staged = ParquetSnapshotStore(folder / "out").stage(folder / "erp", 1, None)
    read = pl.read_parquet(staged.folder / "services.parquet")
    expected = {f"S{number}": centavos for number, (centavos, _) in enumerate(amounts, start=1)}
    assert dict(zip(read["service"], read["monthly_fee"], strict=True)) == expected


def test_a_table_that_is_absent_is_left_as_it_was(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    store.stage(a_dump(tmp_path / "first", invoices=[invoice_row()]), 1, None)
    only = write_tables(tmp_path / "second", {"contracts": [contract_row(), contract_row("5")]})
    staged = store.stage(only, 2, 1)
    assert staged.rows["contracts"] == 2
    assert staged.rows["invoices"] == 1
    assert pl.read_parquet(staged.folder / "lines.parquet")["number"].to_list() == ["1933224455"]
    assert pl.read_parquet(store.folder(1) / "contracts.parquet").height == 1


def test_tables_left_as_they_were_must_still_find_their_contract(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    store.stage(a_dump(tmp_path / "first", invoices=[invoice_row()]), 1, None)
    only = write_tables(tmp_path / "second", {"contracts": [contract_row("5")]})
    found = problems(store, only, previous=1)
    assert places(found) == [("contracts.csv", 0, "contract")] * 2
    assert "services" in found[0].cause
    assert "invoices" in found[1].cause
    assert not store.folder(2).exists()


def test_new_rows_may_point_to_a_table_left_as_it_was(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    store.stage(a_dump(tmp_path / "first"), 1, None)
    good = write_tables(tmp_path / "good", {"eventual_values": [value_row()]})
    assert store.stage(good, 2, 1).rows["eventual_values"] == 1
    bad = write_tables(tmp_path / "bad", {"eventual_values": [value_row(service="S9")]})
    assert places(problems(store, bad, previous=2)) == [("eventual_values.csv", 2, "service")]


def test_the_first_import_needs_contracts_services_and_lines(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    source = write_tables(tmp_path / "erp", {"contracts": [contract_row()]})
    assert places(problems(store, source)) == [("services.csv", 0, ""), ("lines.csv", 0, "")]


def test_a_folder_without_any_table_is_refused(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    (problem,) = problems(store, tmp_path)
    assert "nenhuma das tabelas" in problem.cause
    (problem,) = problems(store, tmp_path / "nowhere")
    assert "não existe" in problem.cause


def test_a_table_in_both_forms_is_refused(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    source = a_dump(tmp_path / "erp")
    pl.DataFrame([line_row()]).write_parquet(source / "lines.parquet")
    assert ("lines.csv", 0, "") in places(problems(store, source))


def test_a_broken_parquet_file_is_named(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    source = a_dump(tmp_path / "erp")
    (source / "lines.csv").unlink()
    (source / "lines.parquet").write_bytes(b"PAR1 not really")
    assert places(problems(store, source)) == [("lines.parquet", 0, "")]


def test_wrong_check_digits_and_unknown_files_only_warn(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    rows = [
        contract_row("1", document="11222333000182"),
        contract_row("2", document="12ABC34501DE35"),
        contract_row("3", document="11144477735"),
        contract_row("4", document="11144477736"),
    ]
    source = a_dump(tmp_path / "erp", contracts=rows, services=[service_row("S1", "1")])
    (source / "contratos.csv").write_text("x\n")
    warnings = store.stage(source, 1, None).warnings
    assert [(warning.file, warning.line) for warning in warnings] == [
        ("contratos.csv", 0),
        ("contracts.csv", 2),
        ("contracts.csv", 5),
    ]
    assert not any("11222333000182" in warning.cause for warning in warnings)


def test_no_message_carries_a_document_or_a_number(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    source = a_dump(
        tmp_path / "erp",
        contracts=[contract_row(document="1122233300018")],
        lines=[line_row("19 33224455"), line_row("1933224400"), line_row("1933224400")],
    )
    said = " ".join(problem.cause for problem in problems(store, source))
    assert "33224" not in said
    assert "222333" not in said


def test_what_a_killed_import_left_is_replaced(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    store.folder(1).mkdir(parents=True)
    (store.folder(1) / "contracts.parquet").write_bytes(b"half")
    assert store.stage(a_dump(tmp_path / "erp"), 1, None).rows["contracts"] == 1
    assert sorted(path.name for path in store.folder(1).iterdir()) == sorted(
        f"{name}.parquet" for name in ("contracts", "services", "lines", "invoices", "eventual_values", "events")
    )


def test_a_root_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "snapshots").write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        ParquetSnapshotStore(tmp_path / "snapshots").stage(a_dump(tmp_path / "erp"), 1, None)


def test_discarding_removes_the_folder_and_may_be_repeated(store: ParquetSnapshotStore, tmp_path: Path) -> None:
    source = a_dump(tmp_path / "erp")
    store.stage(source, 1, None)
    store.stage(source, 2, 1)
    store.discard([1])
    store.discard([1])
    assert not store.folder(1).exists()
    assert store.folder(2).exists()
