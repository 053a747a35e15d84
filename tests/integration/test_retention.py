"""Retention on both stores: only closed and old competences lose their calls, and nothing else changes (PRODUCT 11)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from stfc.adapters.ledger.approvals import SqlApprovalLedger
from stfc.adapters.ledger.exports import SqlExportLedger
from stfc.adapters.ledger.months import SqlMonthLedger
from stfc.adapters.ledger.parameters import SqlParameterLedger
from stfc.adapters.ledger.parts import SqlPartLedger
from stfc.adapters.ledger.retention import SqlRetentionLedger
from stfc.domain import text
from stfc.domain.parameter import Parameter
from stfc.errors import NotPossibleError
from stfc.services.parameters import Parameters
from stfc.services.ports import Actor
from stfc.services.retention import Retention
from tests.ledgers import NOVEMBER, NOW, OCTOBER, Ledger, charged

IVO = Actor("ivo", "manager", "tela")
LATER = NOW + timedelta(days=100)


def retention(ledger: Ledger, *, months: int = 3) -> Retention:
    parameters = Parameters(SqlParameterLedger(ledger.database), SqlApprovalLedger(ledger.database), lambda: LATER)
    parameters.change(Parameter.RETENTION_MONTHS, months, IVO, reason="regra")
    return Retention(SqlRetentionLedger(ledger.database), parameters, lambda: LATER)


def close(ledger: Ledger) -> str:
    month = SqlMonthLedger(ledger.database).close(OCTOBER, coverage={}, actor=IVO, now=NOW)
    assert month.closing is not None
    return month.closing.checksum


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NotPossibleError) as caught:
        act()
    assert "{" not in text.error(caught.value)
    return str(caught.value.facts["cause"])


@pytest.fixture
def billed(ledger: Ledger) -> Ledger:
    """Two months with calls; nothing is closed."""
    ledger.bill({"1": charged(500)})
    ledger.bill({"1": charged(700)}, competence=NOVEMBER)
    return ledger


def test_what_goes_is_what_the_preview_says_and_the_closing_stays_whole(billed: Ledger) -> None:
    close(billed)
    service, paths = retention(billed), SqlPartLedger(billed.database)
    before = service.preview()
    assert [one.competence for one in before.due] == [OCTOBER]
    assert (before.due[0].parts, before.due[0].calls > 0, before.due[0].size > 0) == (1, True, True)
    charges = billed.dump()["charges"]
    assert service.apply(IVO, reason="prazo vencido") == list(before.due)
    after = service.preview()
    assert (after.due, after.young) == ((), before.young)
    assert billed.dump()["charges"] == charges
    assert billed.findings() == []
    (line,) = billed.audit_lines("retention.purge")
    assert (line.reason, line.facts["calls"]) == ("prazo vencido", before.due[0].calls)
    # The files go with the next sweep, once no reader can be in the midst of them.
    listed = paths.listed_paths(retired_since=LATER)
    assert listed > paths.listed_paths(retired_since=LATER + timedelta(seconds=1))
    assert service.apply(IVO, reason="outra vez") == []


def test_an_open_month_loses_nothing_however_old(billed: Ledger) -> None:
    service = retention(billed)
    assert [one.competence for one in service.preview().blocked] == [OCTOBER]
    before = billed.dump()
    assert service.apply(IVO, reason="x") == []
    assert refused(lambda: service.apply(IVO, reason="x", competences=[OCTOBER])) == "retention_open"
    assert billed.dump() == before


def test_nothing_younger_goes(billed: Ledger) -> None:
    close(billed)
    service = retention(billed, months=60)
    assert service.preview().due == ()
    assert refused(lambda: service.apply(IVO, reason="x", competences=[OCTOBER])) == "retention_young"
    assert refused(lambda: service.apply(IVO, reason=" ")) == "retention_reason_missing"


def test_a_month_whose_calls_are_gone_is_neither_reopened_nor_exported(billed: Ledger) -> None:
    close(billed)
    retention(billed).apply(IVO, reason="prazo vencido")
    ledger = SqlMonthLedger(billed.database)
    assert refused(lambda: ledger.reopen(OCTOBER, reason="x", actor=IVO, now=LATER)) == "month_purged"
    assert refused(lambda: SqlExportLedger(billed.database).image(OCTOBER)) == "month_purged"
