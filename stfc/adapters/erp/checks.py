"""Checks the rows of a dump, column by column and between tables, and gives them their types (ERP_IMPORT).

Everything is set-based: a check is an expression over a column, and only the rows that fail it become Python values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl
from stdnum.br import cnpj, cpf

from stfc.adapters.erp.problems import Problems
from stfc.adapters.erp.reading import LINE, RawTable
from stfc.adapters.erp.tables import MAX_TEXT, REFERENCES, SECRET_KINDS, TABLES, Column, Kind, Reference, Table

_DAY_FORM = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$"
_AMOUNT_FORM = r"^[0-9]{1,12}(\.[0-9]{1,2}0*)?$"
_INTEGER_FORM = r"^[0-9]{1,4}$"
_COMPETENCE_FORM = r"^(20[0-9]{2}|2100)-(0[1-9]|1[0-2])$"
_DOCUMENT_FORM = r"^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$"
_NUMBER_FORM = r"^[0-9]{8,15}$"


def typed(column: Column) -> pl.Expr:
    """The column's typed value: date32, bool, int64 centavos, int32, else the string; null where the form is wrong."""
    cell = pl.col(column.name)
    match column.kind:
        case Kind.DAY:
            return pl.when(cell.str.contains(_DAY_FORM)).then(cell.str.to_date("%Y-%m-%d", strict=False))
        case Kind.FLAG:
            return pl.when(cell.is_in(["0", "1"])).then(cell == "1")
        case Kind.INTEGER:
            number = pl.when(cell.str.contains(_INTEGER_FORM)).then(cell).cast(pl.Int32, strict=False)
            return pl.when(number.is_between(*column.bounds)).then(number)
        case Kind.AMOUNT:
            return pl.when(cell.str.contains(_AMOUNT_FORM)).then(_centavos(cell))
        case Kind.CHOICE:
            return pl.when(cell.is_in(sorted(column.choices))).then(cell)
        case Kind.COMPETENCE:
            return pl.when(cell.str.contains(_COMPETENCE_FORM)).then(cell)
        case Kind.DOCUMENT:
            return pl.when(cell.str.contains(_DOCUMENT_FORM)).then(cell)
        case Kind.NUMBER:
            return pl.when(cell.str.contains(_NUMBER_FORM)).then(cell)
        case Kind.TEXT:
            return pl.when(cell.str.len_chars() <= MAX_TEXT).then(cell)


def _centavos(cell: pl.Expr) -> pl.Expr:
    parts = cell.str.splitn(".", 2)
    whole = parts.struct.field("field_0").cast(pl.Int64, strict=False)
    fraction = parts.struct.field("field_1").fill_null("").str.slice(0, 2).str.pad_end(2, "0")
    return whole * 100 + fraction.cast(pl.Int64, strict=False)


def check_cells(raw: RawTable, problems: Problems) -> pl.DataFrame:
    """The rows with their types; each cell that is empty, or not of its form, is named. Wrong cells come out null."""
    columns = raw.table.columns
    converted = raw.frame.select(LINE, *[typed(column).alias(column.name) for column in columns])
    for column in columns:
        if column.name not in raw.missing:
            _check_column(raw, converted[column.name], column, problems)
    return converted


def _check_column(raw: RawTable, converted: pl.Series, column: Column, problems: Problems) -> None:
    cells = raw.frame[column.name]
    if not column.optional and cells.null_count():
        empty = raw.frame.filter(cells.is_null()).select(LINE)
        problems.add_rows(raw.file, column.name, "required", empty.iter_rows(named=True))
    if converted.null_count() == cells.null_count():
        return
    wrong = raw.frame.filter(converted.is_null() & cells.is_not_null())
    shown = [] if column.kind in SECRET_KINDS | {Kind.TEXT} else [pl.col(column.name).alias("value")]
    rows = wrong.select(LINE, *shown).iter_rows(named=True)
    problems.add_rows(raw.file, column.name, _cause(column), rows, **_form_facts(column))


def _cause(column: Column) -> str:
    return "too_long" if column.kind is Kind.TEXT else column.kind.value


def _form_facts(column: Column) -> dict[str, object]:
    match column.kind:
        case Kind.CHOICE:
            return {"choices": ", ".join(sorted(column.choices))}
        case Kind.INTEGER:
            return {"least": column.bounds[0], "most": column.bounds[1]}
        case Kind.TEXT:
            return {"most": MAX_TEXT}
        case _:
            return {}


def check_keys(raw: RawTable, problems: Problems) -> None:
    """Name every row whose key an earlier row has."""
    key = list(raw.table.key)
    if raw.missing & set(key):
        return
    rows = raw.frame.select(LINE, *key).drop_nulls()
    again = rows.filter(~pl.struct(key).is_first_distinct())
    if again.is_empty():
        return
    first = rows.group_by(key).agg(pl.col(LINE).min().alias("first"))
    named = again.join(first, on=key).select(LINE, "first").sort(LINE)
    problems.add_rows(raw.file, key[0], "duplicate", named.iter_rows(named=True))


def check_lines(raw: RawTable, lines: pl.DataFrame, problems: Problems) -> None:
    """Name lines that end before they begin, and those that overlap an earlier one of the same number."""
    backwards = pl.col("since") >= pl.col("until")
    wrong = lines.filter(backwards).select(
        LINE, since=pl.col("since").dt.to_string("%Y-%m-%d"), until=pl.col("until").dt.to_string("%Y-%m-%d")
    )
    problems.add_rows(raw.file, "until", "since_until", wrong.iter_rows(named=True))
    open_end = pl.date(9999, 12, 31)
    periods = (
        # A cell of a wrong form is null here, like an open end: such rows are named already.
        lines.filter(~backwards.fill_null(False), raw.frame["until"].is_null() | pl.col("until").is_not_null())
        .drop_nulls(["number", "since"])
        .unique(["number", "since"], keep="first", maintain_order=True)
        .sort("number", "since")
        .with_columns(end=pl.col("until").fill_null(open_end))
    )
    latest = pl.col("end").cum_max().shift(1).over("number")
    later = periods.filter(pl.col("since") < latest).select("number", "since", LINE)
    overlapped = (
        later.join(periods, on="number", suffix="_other")
        .filter(pl.col("since_other") < pl.col("since"), pl.col("end") > pl.col("since"))
        .group_by(LINE)
        .agg(first=pl.col(f"{LINE}_other").min())
    )
    problems.add_rows(raw.file, "since", "overlap", overlapped.sort(LINE).iter_rows(named=True))


@dataclass(frozen=True)
class Known:
    """A table to check references against: from this dump (``file`` names it) or carried over (``file`` is None)."""

    frame: pl.DataFrame
    file: str | None


def check_references(known: Mapping[str, Known], problems: Problems) -> None:
    """Name every row that points to a row that is not there, and values on a service of another contract."""
    for reference in REFERENCES:
        if reference.table in known and reference.parent in known:
            _check_reference(reference, known[reference.table], known[reference.parent], problems)
    if "eventual_values" in known and "services" in known:
        _check_owner(known["eventual_values"], known["services"], problems)


def _check_reference(reference: Reference, child: Known, parent: Known, problems: Problems) -> None:
    if child.file is None and parent.file is None:
        return
    key = TABLES[reference.parent].key[0]
    value = pl.col(reference.column).alias("value")
    lost = child.frame.drop_nulls(reference.column).join(
        parent.frame.select(key), left_on=reference.column, right_on=key, how="anti"
    )
    word = reference.parent.removesuffix("s")
    if child.file is not None:
        rows = lost.select(LINE, value).iter_rows(named=True)
        problems.add_rows(child.file, reference.column, f"unknown_{word}", rows)
    elif parent.file is not None and lost.height:
        first = lost.select(value.min()).item()
        problems.add(parent.file, 0, key, f"left_{word}", rows=lost.height, table=reference.table, value=first)


def _check_owner(values: Known, services: Known, problems: Problems) -> None:
    if values.file is None and services.file is None:
        return
    owners = services.frame.select("service", pl.col("contract").alias("owner")).unique("service")
    wrong = values.frame.drop_nulls(["service", "contract"]).join(owners, on="service")
    wrong = wrong.filter(pl.col("owner") != pl.col("contract"))
    if values.file is not None:
        rows = wrong.sort(LINE).select(LINE, "service", "owner", "contract").iter_rows(named=True)
        problems.add_rows(values.file, "service", "other_contract", rows)
    elif services.file is not None and wrong.height:
        first = wrong.select(pl.col("value_id").min()).item()
        problems.add(services.file, 0, "contract", "left_other_contract", rows=wrong.height, value=first)


def wrong_documents(contracts: pl.DataFrame) -> list[int]:
    """The lines of the contracts whose CPF or CNPJ has the right form but wrong check digits."""
    documents = contracts["document"].drop_nulls().unique()
    wrong = documents.filter(pl.Series([not _has_check_digits(document) for document in documents], dtype=pl.Boolean))
    return contracts.filter(pl.col("document").is_in(wrong.implode()))[LINE].to_list()


def _has_check_digits(document: str) -> bool:
    validator: Callable[[str], bool] = cpf.is_valid if len(document) == 11 else cnpj.is_valid
    return validator(document)


def stored(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The typed rows as the snapshot keeps them: the table's columns, in its order of rows."""
    return rows.select([column.name for column in table.columns]).sort(table.order)
