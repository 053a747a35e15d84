"""The ERP's side of a run: its dump, what changes in the next one, and who may be billed, told from the CSV alone."""

import csv
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

Row = dict[str, str]

_SHARE = 0.015
"""Of the contracts, how many each kind of change in the second dump meets."""
_INVOICED = ("open", "closed", "paid")


def eligible(folder: Path, competence: str) -> set[str]:
    """The contracts that the ERP alone lets be billed in ``competence``: rules 1-5, 7 and 8 of PRODUCT 5.

    Written down a second time, rule by rule, from the tables' text: nothing of the product's evaluation is used.
    """
    services = [row for row in _read(folder, "services") if _is_summit(row)]
    of_contract = {row["service"]: row["contract"] for row in services}
    served = {row["contract"] for row in services if row["active"] == "1" and row["deleted"] == "0"}
    kept_out = {
        row["contract"]
        for row in _read(folder, "invoices")
        if row["competence"] == competence and row["status"] in _INVOICED
    }
    kept_out |= {
        row["contract"]
        for row in _read(folder, "eventual_values")
        if row["competence"] == competence
        and row["deleted"] == "0"
        and of_contract.get(row["service"]) == row["contract"]
    }
    kept_out |= {
        row["contract"]
        for row in _read(folder, "events")
        if row["kind"] == "zero_billing"
        and row["reversed"] == "0"
        and (row["competence"] or row["at"][:7]) == competence
    }
    return {
        row["contract"]
        for row in _read(folder, "contracts")
        if row["stage"] == "approved"
        and row["deleted"] == "0"
        and row["status"] == "normal"
        and row["bill_from"][:7] <= competence
        and (not row["bill_until"] or row["bill_until"][:7] >= competence)
        and row["contract"] in served
        and row["contract"] not in kept_out
    }


def change(before: Path, after: Path, competences: list[str], chance: random.Random) -> None:
    """Write the ERP's next dump to ``after``: some contracts stop to be billable, by different rules, some begin to."""
    shutil.copytree(before, after)
    _rewrite(after, "contracts", lambda row: _changed_contract(row, chance))
    _rewrite(after, "services", lambda row: row | {"active": "0"} if chance.random() < _SHARE else row)
    summit = [row for row in _read(after, "services") if _is_summit(row)]
    some = [row for row in summit if chance.random() < 3 * _SHARE]
    for place, row in enumerate(some):
        competence = chance.choice(competences)
        known = {"contract": row["contract"], "competence": competence}
        match place % 3:
            case 0:
                day = f"{competence}-28"
                _append(after, "invoices", known | {"invoice": f"P{place}", "issued_on": day, "due_on": day})
            case 1:
                _append(after, "eventual_values", known | {"value_id": f"P{place}", "service": row["service"]})
            case _:
                _append(after, "events", known | {"event": f"P{place}", "at": f"{competence}-15"})


def _changed_contract(row: Row, chance: random.Random) -> Row:
    share = chance.random()
    if row["status"] != "normal" and share < 0.3:
        return row | {"status": "normal"}
    for place, changed in enumerate(({"status": "suspended"}, {"stage": "rejected"}, {"deleted": "1"})):
        if place * _SHARE <= share < (place + 1) * _SHARE:
            return row | changed
    return row


_DEFAULTS: dict[str, Row] = {
    "invoices": {"amount": "10.00", "status": "closed"},
    "eventual_values": {"kind": "addition", "amount": "1.00", "invoiced": "0", "deleted": "0", "reason": ""},
    "events": {"kind": "zero_billing", "reversed": "0"},
}


def _is_summit(service: Row) -> bool:
    return service["integrator"] == "summit" and service["kind"] == "telephony"


def _read(folder: Path, table: str) -> Iterator[Row]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _rewrite(folder: Path, table: str, changed: Callable[[Row], Row]) -> None:
    found = [changed(row) for row in _read(folder, table)]
    with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, found[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def _append(folder: Path, table: str, row: Row) -> None:
    with (folder / f"{table}.csv").open("r+", encoding="utf-8", newline="") as file:
        names = next(csv.reader(file))
        file.seek(0, 2)
        csv.DictWriter(file, names, lineterminator="\n").writerow(_DEFAULTS[table] | row)
