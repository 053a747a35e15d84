"""The audit trail on both stores: nobody bends it, and whoever does is named by line (PRODUCT 9)."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.audit import SqlAuditLedger, verified
from stfc.adapters.ledger.health import SqlLedgerDoctor
from stfc.adapters.ledger.records import audit
from stfc.errors import NotAllowedError
from stfc.services.audit import Audit
from stfc.services.ports import Actor, AuditVerdict
from tests.ledgers import ANA, NOW, Ledger

LINES = 9
COLUMNS = ("at", "who", "role", "surface", "action", "target", "reason", "facts", "hash")
_TRIGGERS = {
    "sqlite": ("DROP TRIGGER IF EXISTS audit_no_update", "DROP TRIGGER IF EXISTS audit_no_delete"),
    "postgresql": ("SET LOCAL session_replication_role = replica",),
}
lines = schema.audit


def fill(ledger: Ledger) -> None:
    """Nine lines: the import of snapshot 1 and eight acts with all that a line can hold."""
    trail = SqlAuditLedger(ledger.database)
    for number in range(2, LINES + 1):
        reason = f"motivo “{number}” à meia-noite" if number % 2 else ""
        trail.append(ANA, NOW, "calls.reveal", f"contract {number}", reason=reason, facts={"limit": number})


class Undone(Exception):
    """Rolls a tampering back."""


def after(ledger: Ledger, *tampering: sa.Executable) -> AuditVerdict:
    """The verdict on the trail once somebody with the store's own rights has done ``tampering``; undone then."""
    verdict = None
    try:
        with ledger.database.write() as connection:
            for statement in _TRIGGERS[connection.dialect.name]:
                connection.execute(sa.text(statement))
            for act in tampering:
                connection.execute(act)
            verdict = verified(connection)
            raise Undone
    except Undone:
        assert verdict is not None
        return verdict


def test_an_untouched_trail_is_whole_and_names_its_last_hash(ledger: Ledger) -> None:
    fill(ledger)
    rows = ledger.rows(lines)
    assert [row.seq for row in rows] == list(range(1, LINES + 1))
    assert SqlAuditLedger(ledger.database).verify() == AuditVerdict(LINES, rows[-1].hash)


def test_the_store_itself_refuses_to_change_or_remove_a_line(ledger: Ledger) -> None:
    before = ledger.rows(lines)
    for statement in (sa.update(lines).values(who="eva"), sa.delete(lines)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.database.write() as connection:
            connection.execute(statement)
    assert ledger.rows(lines) == before


def test_what_is_rolled_back_leaves_no_line_and_no_gap(ledger: Ledger) -> None:
    assert after(ledger).lines == 1
    with suppress(Undone), ledger.database.write() as connection:
        audit(connection, ANA, NOW, "batch.open", "batch 1")
        raise Undone
    fill(ledger)
    assert SqlAuditLedger(ledger.database).verify().broken is None


def test_several_that_act_at_once_make_one_trail(ledger: Ledger) -> None:
    trail = SqlAuditLedger(ledger.database)

    def act(number: int) -> None:
        trail.append(ANA, NOW, "calls.reveal", f"contract {number}", reason="", facts={})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(act, range(24)))
    verdict = trail.verify()
    assert (verdict.broken, verdict.lines) == (None, 25)


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_of_a_line_is_found_and_the_line_named(ledger: Ledger, data: st.DataObject) -> None:
    if len(ledger.rows(lines)) < LINES:
        fill(ledger)
    seq = data.draw(st.integers(1, LINES))
    name = data.draw(st.sampled_from(COLUMNS))
    row = ledger.rows(lines)[seq - 1]
    stored = row._mapping[name]
    changed = data.draw(_changed(stored), label=name)
    verdict = after(ledger, sa.update(lines).where(lines.c.seq == seq).values({name: changed}))
    assert (verdict.broken, verdict.breach, verdict.lines) == (seq, "changed", seq - 1)


def _changed(stored: Any) -> st.SearchStrategy[Any]:
    """Something else in the place of ``stored``: one character of a text, another instant."""
    if not isinstance(stored, str):
        moments = st.datetimes(timezones=st.just(NOW.tzinfo))
        return (moments if stored is not None else st.text("abc")).filter(lambda new: new != stored)
    letter = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
    at = st.integers(0, len(stored))
    return (
        st.tuples(at, letter, st.integers(0, 1))
        .map(lambda edit: stored[: edit[0]] + edit[1] + stored[edit[0] + edit[2] :])
        .filter(lambda new: new != stored)
    )


@pytest.mark.parametrize("seq", range(1, LINES + 1))
def test_any_line_that_is_removed_is_found_and_named(ledger: Ledger, seq: int) -> None:
    fill(ledger)
    verdict = after(ledger, sa.delete(lines).where(lines.c.seq == seq))
    assert (verdict.broken, verdict.breach) == (seq, "missing")


@pytest.mark.parametrize("left", range(LINES))
def test_a_tail_that_is_cut_off_is_found_by_the_head(ledger: Ledger, left: int) -> None:
    fill(ledger)
    verdict = after(ledger, sa.delete(lines).where(lines.c.seq > left))
    assert (verdict.broken, verdict.breach, verdict.lines) == (left + 1, "missing", left)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (3, 4), (2, 7), (8, 9), (1, 9)])
def test_two_lines_that_are_swapped_are_found_and_the_first_named(ledger: Ledger, one: int, other: int) -> None:
    fill(ledger)
    moves = [(one, 100), (other, one), (100, other)]
    verdict = after(ledger, *(sa.update(lines).where(lines.c.seq == old).values(seq=new) for old, new in moves))
    assert (verdict.broken, verdict.breach) == (one, "changed")


@pytest.mark.parametrize(("seq", "breach"), [(LINES + 1, "added"), (LINES + 7, "added"), (0, "added"), (-3, "added")])
def test_a_line_that_was_added_by_hand_is_found(ledger: Ledger, seq: int, breach: str) -> None:
    fill(ledger)
    row = dict(ledger.rows(lines)[4]._mapping) | {"seq": seq}
    verdict = after(ledger, sa.insert(lines).values(**row))
    assert (verdict.broken, verdict.breach) == (seq, breach)


@pytest.mark.parametrize("change", [{"audit_lines": LINES - 1}, {"audit_lines": LINES + 1}, {"audit_hash": 64 * "f"}])
def test_a_head_that_was_moved_is_found(ledger: Ledger, change: dict[str, Any]) -> None:
    fill(ledger)
    assert after(ledger, sa.update(schema.state).values(**change)).broken in (LINES, LINES + 1)


def test_bytes_that_are_no_text_are_found_too(ledger: Ledger) -> None:
    if not ledger.database.is_sqlite:
        pytest.skip("PostgreSQL stores no text that is not UTF-8")
    fill(ledger)
    broken = sa.text("UPDATE audit SET who = CAST(X'616EFF' AS TEXT) WHERE seq = 5")
    assert (after(ledger, broken).broken, after(ledger, broken).breach) == (5, "changed")


def test_the_last_lines_alone_are_verified_against_the_one_before(ledger: Ledger) -> None:
    fill(ledger)
    with ledger.database.read() as connection:
        assert verified(connection, 4).lines == 4
        assert verified(connection, 400).lines == LINES
    assert ledger.findings() == []


def test_the_doctor_names_the_line(ledger: Ledger) -> None:
    fill(ledger)
    with ledger.database.write() as connection:
        for statement in _TRIGGERS[connection.dialect.name]:
            connection.execute(sa.text(statement))
        connection.execute(sa.update(lines).where(lines.c.seq == 6).values(who="eva"))

    found = SqlLedgerDoctor(ledger.database).examine(NOW, NOW, None).findings
    assert [(one.code, one.facts) for one in found] == [("DOC-AUD", {"line": 6, "what": "changed"})]


def test_managers_read_it_newest_first_and_find_by_any_word(ledger: Ledger) -> None:
    fill(ledger)
    manager = Actor("ivo", "manager", "tela")
    service = Audit(SqlAuditLedger(ledger.database))
    total, found = service.page(manager, search="  MOTIVO ", limit=2)
    assert (total, [line.seq for line in found]) == (4, [9, 7])
    assert (found[0].who, found[0].action, found[0].facts) == ("ana", "calls.reveal", {"limit": 9})
    assert service.page(manager, search="%")[0] == 0
    assert service.page(manager, offset=1, limit=1)[1][0].seq == LINES - 1


@pytest.mark.parametrize("role", ["supervisor", "operator"])
def test_nobody_else_reads_it(ledger: Ledger, role: str) -> None:
    with pytest.raises(NotAllowedError):
        Audit(SqlAuditLedger(ledger.database)).page(Actor("ana", role, "tela"))
