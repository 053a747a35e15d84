"""A second person on both stores: another manager confirms, once, in the act's own transaction (PRODUCT 9)."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from stfc.adapters.ledger.approvals import SqlApprovalLedger
from stfc.adapters.ledger.parameters import SqlParameterLedger
from stfc.domain import text
from stfc.domain.money import Centavos
from stfc.domain.parameter import Parameter
from stfc.errors import ApprovalRequestedError, InvalidInputError, NotFoundError, NotPossibleError, StfcError
from stfc.services.approvals import Approvals, SecondPerson
from stfc.services.holds import Holds
from stfc.services.parameters import Parameters
from stfc.services.ports import Actor, Approval
from tests.builders import OCTOBER
from tests.integration.test_rerating import Home
from tests.ledgers import NOW, Ledger, charged, held

IVO = Actor("ivo", "manager", "tela")
EVA = Actor("eva", "manager", "terminal")


class House:
    """The services over one ledger; ``now`` moves."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.now = ledger, NOW
        clock = lambda: self.now  # noqa: E731
        requests = SqlApprovalLedger(ledger.database)
        self.parameters = Parameters(SqlParameterLedger(ledger.database), requests, clock)
        self.second = SecondPerson(requests, ledger.batches, self.parameters, clock)
        self.holds = Holds(ledger.holds, clock, self.second)
        acts: Mapping[str, Callable[[Approval, Actor], object]] = {
            "hold.release": lambda asked, actor: self.holds.release(
                asked.subject["holds"], actor, reason=asked.reason, approval=asked.approval
            ),
            "parameter.set": lambda asked, actor: self.parameters.change(
                Parameter(asked.subject["parameter"]),
                asked.subject["value"],
                actor,
                reason=asked.reason,
                seen=asked.shown["before"],
                approval=asked.approval,
            ),
            "batch.reverse": lambda asked, actor: ledger.batches.reverse(
                asked.subject["batch"],
                contracts=asked.subject["contracts"],
                invoiced=(),
                reason=asked.reason,
                actor=actor,
                now=self.now,
                approval=asked.approval,
            ),
        }
        self.approvals = Approvals(requests, acts, clock)

    def set(self, parameter: Parameter, value: int) -> None:
        self.parameters.change(parameter, value, IVO, reason="regra da casa")

    def asked_to_release(self) -> int:
        """A release above the limit, which waits."""
        self.set(Parameter.SECOND_PERSON_ABOVE, 1_000)
        self.ledger.bill({"1": held(5_000)})
        with pytest.raises(ApprovalRequestedError) as caught:
            self.release()
        assert "R$ 50,00" in text.error(caught.value)
        return int(caught.value.facts["approval"])

    def release(self, actor: Actor = IVO) -> None:
        self.holds.release([one.hold for one in self.holds.pending()], actor, reason="visto")


@pytest.fixture
def house(ledger: Ledger) -> House:
    return House(ledger)


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NotPossibleError) as caught:
        act()
    assert "{" not in text.error(caught.value)
    return str(caught.value.facts["cause"])


def test_a_release_above_the_value_waits_for_another_manager_and_is_done_once(house: House) -> None:
    asked = house.asked_to_release()
    assert len(house.holds.pending()) == 1
    assert refused(lambda: house.approvals.approve(asked, IVO)) == "approval_own"
    assert refused(lambda: house.approvals.deny(asked, IVO, reason="x")) == "approval_own"
    assert len(house.holds.pending()) == 1
    done = house.approvals.approve(asked, EVA)
    assert (done.status, done.decided_by, done.requested_by) == ("approved", "eva", "ivo")
    assert house.holds.pending() == []
    assert refused(lambda: house.approvals.approve(asked, EVA)) == "approval_over"


def test_up_to_the_value_nobody_is_asked(house: House) -> None:
    house.set(Parameter.SECOND_PERSON_ABOVE, 5_000)
    house.ledger.bill({"1": held(5_000)})
    house.release()
    assert (house.holds.pending(), house.approvals.newest()) == ([], [])


def test_a_double_click_asks_once(house: House) -> None:
    asked = house.asked_to_release()
    with pytest.raises(ApprovalRequestedError) as caught:
        house.release()
    assert caught.value.facts["approval"] == asked
    assert len(house.approvals.pending()) == 1


def test_two_managers_at_once_reverse_once(house: House) -> None:
    house.set(Parameter.SECOND_PERSON_REVERSAL, 1)
    batch = house.ledger.bill({"1": charged(500), "2": charged(700)})
    with pytest.raises(ApprovalRequestedError) as caught:
        house.second.before_reversal(batch, None, IVO, reason="engano")
    assert caught.value.facts["amount"] == "12.00"
    asked = int(caught.value.facts["approval"])

    def approve(name: str) -> str:
        try:
            return house.approvals.approve(asked, Actor(name, "manager", "tela")).status
        except StfcError as error:
            return error.code

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(approve, ("eva", "rui"))) == ["USO-EST", "approved"]
    assert house.ledger.batches.show(batch).reversed == 2


def test_what_is_denied_or_has_run_out_is_never_done(house: House) -> None:
    asked = house.asked_to_release()
    assert refused(lambda: house.approvals.deny(asked, EVA, reason=" ")) == "deny_reason_missing"
    assert house.approvals.deny(asked, EVA, reason="falta nota").decision_reason == "falta nota"
    assert refused(lambda: house.approvals.approve(asked, EVA)) == "approval_over"
    with pytest.raises(ApprovalRequestedError) as caught:
        house.release()
    again = int(caught.value.facts["approval"])
    house.now += timedelta(hours=72)
    assert house.approvals.pending() == []
    assert refused(lambda: house.approvals.approve(again, EVA)) == "approval_over"
    assert [one.status for one in house.approvals.newest()] == ["expired", "denied"]
    assert len(house.holds.pending()) == 1


def test_an_approval_serves_for_its_own_act_alone(house: House) -> None:
    asked = house.asked_to_release()
    house.ledger.bill({"2": held(9_000)})
    other = max(one.hold for one in house.holds.pending())
    with pytest.raises(NotFoundError):
        house.holds.release([other], EVA, reason="x", approval=asked)
    assert len(house.holds.pending()) == 2


def test_an_act_that_is_not_possible_any_more_spends_no_approval(house: House) -> None:
    asked = house.asked_to_release()
    house.holds.reject([one.hold for one in house.holds.pending()], EVA, reason="x")
    assert refused(lambda: house.approvals.approve(asked, EVA)) == "hold_decided"
    assert [one.status for one in house.approvals.pending()] == ["pending"]


@pytest.mark.parametrize(
    ("parameter", "before", "after"),
    [
        (Parameter.SECOND_PERSON_REVERSAL, 1, 0),
        (Parameter.SECOND_PERSON_ABOVE, 1_000, 0),
        (Parameter.SECOND_PERSON_ABOVE, 1_000, 1_001),
    ],
)
def test_to_need_a_second_person_less_needs_one(house: House, parameter: Parameter, before: int, after: int) -> None:
    house.set(parameter, before)
    with pytest.raises(ApprovalRequestedError) as caught:
        house.set(parameter, after)
    assert "mudar" in text.error(caught.value)
    asked = int(caught.value.facts["approval"])
    assert refused(lambda: house.approvals.approve(asked, IVO)) == "approval_own"
    assert house.parameters.value(parameter) == before
    (waiting,) = house.approvals.pending()
    assert text.PARAMETERS[parameter] in text.approval_subject(waiting)
    assert house.approvals.approve(asked, EVA).status == "approved"
    assert house.parameters.value(parameter) == after
    line = house.ledger.audit_lines("parameter.set")[0]
    assert (line.who, line.facts) == ("eva", {"before": before, "after": after})


def test_to_need_a_second_person_more_needs_none(house: House) -> None:
    house.set(Parameter.SECOND_PERSON_ABOVE, 1_000)
    house.set(Parameter.SECOND_PERSON_ABOVE, 999)
    house.set(Parameter.SECOND_PERSON_REVERSAL, 1)
    assert house.approvals.newest() == []


@pytest.mark.parametrize("value", [0, 601, -1])
def test_a_parameter_has_its_range_and_its_reason(house: House, value: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        house.set(Parameter.RETENTION_MONTHS, value)
    assert "{" not in text.error(caught.value)
    with pytest.raises(NotPossibleError):
        house.parameters.change(Parameter.RETENTION_MONTHS, 12, IVO, reason=" ")
    assert house.parameters.value(Parameter.RETENTION_MONTHS) == 60


def test_of_two_managers_who_change_one_value_the_later_is_told_what_it_is_now(house: House) -> None:
    change = house.parameters.change
    change(Parameter.RETENTION_MONTHS, 48, IVO, reason="x", seen=60)
    with pytest.raises(NotPossibleError) as caught:
        change(Parameter.RETENTION_MONTHS, 36, EVA, reason="x", seen=60)
    assert "ivo o mudou para 48 meses" in text.error(caught.value)
    change(Parameter.RETENTION_MONTHS, 48, EVA, reason="x", seen=60)
    assert [line.who for line in house.ledger.audit_lines("parameter.set")] == ["ivo"]
    change(Parameter.RETENTION_MONTHS, 36, EVA, reason="x", seen=48)
    assert house.parameters.value(Parameter.RETENTION_MONTHS) == 36


def test_changes_that_begin_from_one_value_at_once_are_made_once(house: House) -> None:
    house.set(Parameter.RETENTION_MONTHS, 59)
    ledger = SqlParameterLedger(house.ledger.database)

    def change(value: int) -> str:
        try:
            ledger.set(Parameter.RETENTION_MONTHS, value, before=59, reason="x", actor=IVO, now=NOW)
        except NotPossibleError as error:
            return str(error.facts["cause"])
        return "made"

    with ThreadPoolExecutor(4) as side_by_side:
        found = sorted(side_by_side.map(change, (12, 24, 36, 48)))
    assert found == ["made", *["parameter_changed"] * 3]
    assert len(house.ledger.audit_lines("parameter.set")) == 2


def test_a_request_from_a_value_that_is_over_changes_nothing(house: House) -> None:
    house.set(Parameter.SECOND_PERSON_ABOVE, 1_000)
    with pytest.raises(ApprovalRequestedError) as caught:
        house.set(Parameter.SECOND_PERSON_ABOVE, 5_000)
    house.set(Parameter.SECOND_PERSON_ABOVE, 500)
    assert refused(lambda: house.approvals.approve(int(caught.value.facts["approval"]), EVA)) == "parameter_changed"
    assert house.parameters.value(Parameter.SECOND_PERSON_ABOVE) == 500
    assert [one.status for one in house.approvals.pending()] == ["pending"]


def test_a_parameter_tells_who_set_it_and_the_trail_what_it_was(house: House) -> None:
    house.set(Parameter.RETENTION_MONTHS, 12)
    house.set(Parameter.RETENTION_MONTHS, 12)
    row = next(one for one in house.parameters.rows() if one.parameter is Parameter.RETENTION_MONTHS)
    assert row.changed is not None
    assert (row.value, row.changed.changed_by, row.changed.changed_at) == (12, "ivo", NOW)
    (line,) = house.ledger.audit_lines("parameter.set")
    assert line.facts == {"before": 60, "after": 12}


def test_a_month_is_charged_anew_only_once_another_manager_confirms_that_very_change(
    tmp_path: Path, ledger_url: str
) -> None:
    home = Home(tmp_path, ledger_url=ledger_url).bill().correct()
    app, before = home.app, home.live()
    app.parameters.change(Parameter.SECOND_PERSON_REVERSAL, 1, IVO, reason="regra da casa")

    def ask() -> int:
        with pytest.raises(ApprovalRequestedError) as caught:
            app.rerating.apply(OCTOBER, IVO, reason="preço corrigido", contracts=["1"])
        assert "retarifar (1 cobrança, de R$ 0,50 para R$ " in text.error(caught.value)
        return int(caught.value.facts["approval"])

    asked = ask()
    assert ask() == asked
    (waiting,) = app.approvals.pending()
    assert text.approval_subject(waiting) == "retarifar out/2026: 1 cobrança, de R$ 0,50 para R$ 1,00"
    assert refused(lambda: app.approvals.approve(asked, IVO)) == "approval_own"
    with pytest.raises(NotFoundError):
        app.rerating.apply(OCTOBER, EVA, reason="x", expected=Centavos(150), approval=asked)

    home.correct("0.30", "2026-10-02")
    assert refused(lambda: app.approvals.approve(asked, EVA)) == "rerate_changed"
    assert (home.live(), len(app.batches.newest())) == (before, 1)
    asked = ask()
    assert app.approvals.approve(asked, EVA).status == "approved"
    after = home.live()
    assert after.pop("1")[1] > 50
    assert after == {contract: before[contract] for contract in ("2", "3")}
    assert refused(lambda: app.approvals.approve(asked, EVA)) == "approval_over"
    home.sound()
    app.database.dispose()
