"""Files that the platform replaced after they were charged: noticed once, shown until settled (PRODUCT 5)."""

from datetime import timedelta

from stfc.adapters.ledger import schema
from stfc.domain.billing_file import Descriptor
from stfc.domain.money import Micros
from tests.ledgers import ANA, NOW, OCTOBER, Ledger, assert_sound, charged, held, zero

LATER = NOW + timedelta(days=1)
CHARGED, OTHER, THIRD = "ab" * 32, "cd" * 32, "ef" * 32


def listed(**versions: str | None) -> dict[str, Descriptor]:
    """A listing with these files, ``c1=sha256``."""
    return {
        name[1:]: Descriptor(name[1:], OCTOBER, True, "/f", records=4, amount=Micros(20_500_000), sha256=sha256)
        for name, sha256 in versions.items()
    }


def note(ledger: Ledger, **versions: str | None) -> int:
    return ledger.corrections.note(OCTOBER, listed(**versions), now=LATER)


def noticed(ledger: Ledger) -> list[tuple[str, str]]:
    return [(row.contract, row.sha256) for row in ledger.corrections.pending()]


def test_another_version_of_a_charged_month_is_noticed_once(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged(1234), "2": held(500), "3": zero(), "4": charged(), "5": charged()})
    found = listed(c1=OTHER, c2=OTHER, c3=OTHER, c4=CHARGED, c5=None, c9=OTHER)
    assert ledger.corrections.note(OCTOBER, found, now=LATER) == 3
    after = ledger.dump()
    assert ledger.corrections.note(OCTOBER, found, now=LATER + timedelta(days=1)) == 0
    assert ledger.dump() == after, "the same listing again writes nothing"
    rows = ledger.corrections.pending(OCTOBER)
    assert [(r.contract, r.charged, r.is_held) for r in rows] == [("1", 1234, False), ("2", 500, True), ("3", 0, False)]
    assert {(r.batch, r.charged_sha256, r.sha256, r.announced, r.seen_at) for r in rows} == {
        (batch, CHARGED, OTHER, 2050, LATER)
    }
    assert ledger.corrections.pending(OCTOBER.plus(1)) == []
    assert ledger.corrections.charged_months() == [OCTOBER]
    assert_sound(ledger)


def test_what_is_not_charged_is_not_corrected(ledger: Ledger) -> None:
    ledger.open("1")
    assert note(ledger, c1=OTHER) == 0
    assert ledger.rows(schema.corrections) == []


def test_the_newest_version_stands_and_one_taken_back_waits_for_nobody(ledger: Ledger) -> None:
    ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    assert note(ledger, c1=THIRD) == 1
    assert noticed(ledger) == [("1", THIRD)]
    assert note(ledger, c1=CHARGED) == 0
    assert noticed(ledger) == []
    assert note(ledger, c1=OTHER) == 1, "it came again"
    assert noticed(ledger) == [("1", OTHER)]
    assert len(ledger.rows(schema.corrections)) == 2, "a version has one row"


def test_a_reversed_charge_has_nothing_to_correct(ledger: Ledger) -> None:
    batch = ledger.bill({"1": charged()})
    note(ledger, c1=OTHER)
    ledger.batches.reverse(batch, contracts=None, invoiced=(), reason="x", actor=ANA, now=LATER)
    assert noticed(ledger) == []
    assert note(ledger, c1=OTHER) == 0
    ledger.bill({"1": charged()})
    assert note(ledger, c1=OTHER) == 1, "charged again from the old file"
    assert noticed(ledger) == [("1", OTHER)]
