"""What *Acompanhamento* asks of the ledger: which batches hold contracts, and lists of chosen contracts and batches."""

from typing import Any

from tests.ledgers import OCTOBER, Ledger, charged, final

SEPTEMBER = OCTOBER.plus(-1)
EVERYTHING: dict[str, Any] = {"competence": None, "search": "", "outcomes": (), "offset": 0, "limit": None}


def test_batches_that_hold_a_contract_are_found_by_it(ledger: Ledger) -> None:
    first = ledger.bill({"1": charged(), "2": final()}, competence=SEPTEMBER)
    second = ledger.bill({"2": charged(), "3": charged()})
    assert ledger.batches.holding(["1"]) == {first}
    assert ledger.batches.holding(["2", "unknown"]) == {first, second}
    assert ledger.batches.holding([]) == set()


def test_items_and_sent_contracts_are_narrowed_to_those_named(ledger: Ledger) -> None:
    first = ledger.bill({"1": charged(), "2": final()}, competence=SEPTEMBER)
    second = ledger.bill({"2": charged(), "3": charged()})
    assert [item.contract for item in ledger.batches.items(first, contracts=["2", "3"])[1]] == ["2"]
    assert ledger.batches.items(first, contracts=[]) == (0, [])
    sent = ledger.batches.sent(**EVERYTHING, contracts=["2"])
    assert [(item.batch, item.contract) for item in sent[1]] == [(second, "2"), (first, "2")]
    assert ledger.batches.sent(**EVERYTHING, contracts=["2"], batches=[first])[0] == 1
    assert ledger.batches.sent(**EVERYTHING, batches=[])[0] == 0
    assert ledger.batches.sent(**EVERYTHING)[0] == 4
