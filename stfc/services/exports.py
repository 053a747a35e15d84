"""What goes back to the ERP, and to an issuer of fiscal documents, of one competence (PRODUCT 8, ERP_IMPORT)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stfc.domain import fiscal
from stfc.domain.competence import Competence
from stfc.domain.money import Centavos, cut, reais
from stfc.errors import NotPossibleError
from stfc.services.ports import (
    CallExport,
    ExportFormat,
    ExportImage,
    ExportLedger,
    TableSource,
    TableWriter,
    WrittenFile,
)

_QUANTITY = pa.decimal128(18, 2)
FISCAL = pa.schema(
    [
        ("competence", pa.string()),
        ("contract", pa.string()),
        ("class", pa.string()),
        ("minutes", _QUANTITY),
        ("calls", pa.int64()),
        ("gross", _QUANTITY),
        ("discount", _QUANTITY),
        ("net", _QUANTITY),
        ("source_sha256", pa.string()),
    ]
)
"""A row per live charge and class, amounts in reais: ``net`` is ``gross`` less ``discount``, and the nets of a contract
add up to its charge. Our values are additions only so far, so ``discount`` is 0.00."""
_ROWS = 10_000


@dataclass(frozen=True)
class Exported:
    """A finished export: where it is, and its files by name."""

    folder: Path
    files: Mapping[str, WrittenFile]


class Exports:
    """The use case *export*, for every role: called numbers are masked, nothing else is secret in it."""

    def __init__(
        self, ledger: ExportLedger, calls: CallExport, writer: TableWriter, invoiced: Callable[[], set[str]]
    ) -> None:
        """``invoiced`` gives the ids of values that the ERP has invoiced."""
        self._ledger = ledger
        self._calls = calls
        self._writer = writer
        self._invoiced = invoiced

    def run(self, folder: Path, competence: Competence, form: ExportFormat) -> Exported:
        """Write charges, eventual_values, zero_billing_events, batch_items, fiscal and calls of the competence.

        All are of one moment; the same ledger and snapshot give the same bytes. Files of those names are replaced
        once all are complete, or not at all.

        Raises:
            StorageError: the disk is full or read-only, or calls cannot be read.
            NotPossibleError: the calls of a charge do not add up to it; ``doctor`` tells more.
        """
        image = self._ledger.image(competence)
        tables = {**image.tables, "eventual_values": self._with_invoiced(image.tables["eventual_values"])}
        sources = [TableSource(name, table.schema, [table]) for name, table in tables.items()]
        sources.append(TableSource("fiscal", FISCAL, self._fiscal(image, competence)))
        records = self._calls.records(competence, image.calls, image.weights)
        sources.append(TableSource("calls", self._calls.schema, records))
        return Exported(folder, self._writer.write(folder, sources, form))

    def accounting(self, competence: Competence) -> tuple[TableSource, TableSource]:
        """What accounting takes of the competence, at one moment: its charges, and the fiscal table.

        Raises:
            NotPossibleError: while the rows are read, when the calls of a charge do not add up to it.
        """
        image = self._ledger.image(competence)
        charges = image.tables["charges"]
        return (
            TableSource("charges", charges.schema, [charges]),
            TableSource("fiscal", FISCAL, self._fiscal(image, competence)),
        )

    def _with_invoiced(self, values: pa.Table) -> pa.Table:
        known = pa.array(sorted(self._invoiced()), pa.string())
        at = values.schema.get_field_index("invoiced")
        return values.set_column(at, values.schema.field(at), pc.is_in(values["value_id"], value_set=known))

    def _fiscal(self, image: ExportImage, competence: Competence) -> Iterator[pa.Table]:
        charges = {row["claim"]: row for row in image.charged.to_pylist()}
        found = self._calls.by_class(image.calls)
        # `in` on claims, not on contracts: what waits for a manager has calls, but is no charge yet.
        chosen = found.filter(pc.is_in(found["claim"], value_set=image.charged["claim"].combine_chunks()))
        rows: list[dict[str, Any]] = []
        for claim, classes in groupby(_rows(chosen), key=lambda row: row["claim"]):
            rows += _fiscal_rows(charges.pop(claim), list(classes), str(competence))
            if len(rows) >= _ROWS:
                yield pa.Table.from_pylist(rows, FISCAL)
                rows = []
        for missing in charges.values():
            _refuse_difference(missing, 0)
        yield pa.Table.from_pylist(rows, FISCAL)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=_ROWS):
        yield from batch.to_pylist()


def _fiscal_rows(charge: dict[str, Any], classes: list[dict[str, Any]], competence: str) -> list[dict[str, Any]]:
    _refuse_difference(charge, sum(row["calls"] for row in classes))
    shares = fiscal.split(Centavos(charge["amount"]), _weights(charge["amount"], classes))
    return [
        {
            "competence": competence,
            "contract": charge["contract"],
            "class": row["class"],
            "minutes": fiscal.minutes(row["seconds"]),
            "calls": row["calls"],
            "gross": reais(share),
            "discount": reais(0),
            "net": reais(share),
            "source_sha256": charge["source_sha256"],
        }
        for row, share in zip(classes, shares, strict=True)
    ]


def _weights(amount: int, classes: list[dict[str, Any]]) -> list[int]:
    """What each class weighs in the charge: by Summit's amounts, or by our prices where they are what was charged."""
    platform, ours = ([int(row[name]) for row in classes] for name in ("micros", "ours"))
    return ours if cut(sum(platform)) != amount == cut(sum(ours)) else platform


def _refuse_difference(charge: dict[str, Any], found: int) -> None:
    """No fiscal figure leaves the house that its records do not carry."""
    if charge["calls"] != found:
        raise NotPossibleError(cause="calls_differ", contract=charge["contract"], expected=charge["calls"], found=found)
