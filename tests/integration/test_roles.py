"""The role matrix: every act of every service, in every role; none is allowed that should not be (PRODUCT 1)."""

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from stfc import bootstrap, services
from stfc.bootstrap import Application
from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.correction import Remedy
from stfc.domain.money import Centavos
from stfc.domain.parameter import Parameter
from stfc.domain.rerating import RerateTotals
from stfc.domain.role import Role
from stfc.errors import NotAllowedError, StfcError
from stfc.services.health import Diagnosis
from stfc.services.ports import Actor, CorrectionRow
from stfc.services.queries import CallQuery
from stfc.settings import Settings
from tests.ledgers import Ledger

OCTOBER = Competence(2026, 10)
ONE = CallQuery(contracts=("1",))
CORRECTION = CorrectionRow(1, 1, 1, "1", OCTOBER, "", "", Centavos(0), None, False, datetime(2026, 11, 1, tzinfo=UTC))
NO_CHANGES = RerateTotals(0, 0, Centavos(0), Centavos(0))
Act = Callable[[Application, Actor], object]


@dataclass(frozen=True)
class Case:
    """The least role that may do an act, and the act with arguments that come to nothing in an empty home."""

    needed: Role
    act: Act


OPERATOR, MANAGER = Role.OPERATOR, Role.MANAGER
MATRIX: dict[str, Case] = {
    "Approvals.approve": Case(MANAGER, lambda app, who: app.approvals.approve(1, who)),
    "Approvals.deny": Case(MANAGER, lambda app, who: app.approvals.deny(1, who, reason="x")),
    "Audit.actions": Case(MANAGER, lambda app, who: app.audit_trail.actions(who)),
    "Audit.page": Case(MANAGER, lambda app, who: app.audit_trail.page(who)),
    "Audit.people": Case(MANAGER, lambda app, who: app.audit_trail.people(who)),
    "Backup.make": Case(OPERATOR, lambda app, who: app.backup.make(app.settings.home.parent / "copy.tar", who)),
    "Billing.cancel": Case(OPERATOR, lambda app, who: app.billing.cancel(1, who)),
    "Billing.open": Case(OPERATOR, lambda app, who: app.billing.open(OCTOBER, ["1"], who)),
    "Billing.retry": Case(OPERATOR, lambda app, who: app.billing.retry(1, who)),
    "Billing.reverse": Case(OPERATOR, lambda app, who: app.billing.reverse(1, who, reason="x")),
    "Billing.reverse as the second person": Case(
        MANAGER, lambda app, who: app.billing.reverse(1, who, reason="x", approval=1)
    ),
    "CallSearch.reveal": Case(OPERATOR, lambda app, who: app.call_search.reveal(OCTOBER, ONE, who, reason="x")),
    "CallSearch.reveal in bulk": Case(
        MANAGER, lambda app, who: app.call_search.reveal(OCTOBER, CallQuery(), who, reason="x")
    ),
    "CallSearch.reveal_all": Case(MANAGER, lambda app, who: app.call_search.reveal_all(OCTOBER, ONE, who, reason="x")),
    "CorrectedFiles.check": Case(OPERATOR, lambda app, who: app.corrected_files.check(OCTOBER, who)),
    "CorrectedFiles.settle": Case(
        MANAGER, lambda app, who: app.corrected_files.settle(1, Remedy.DISMISS, who, reason="x")
    ),
    "CorrectedFiles.undo": Case(MANAGER, lambda app, who: app.corrected_files.undo(1, who, reason="x")),
    "Doctor.repair": Case(OPERATOR, lambda app, who: app.doctor.repair(Diagnosis((), ()), who)),
    "Holds.reject": Case(MANAGER, lambda app, who: app.holds.reject([1], who, reason="x")),
    "Holds.release": Case(MANAGER, lambda app, who: app.holds.release([1], who, reason="x")),
    "Importing.run": Case(OPERATOR, lambda app, who: app.importing.run(app.settings.home / "nowhere", who)),
    "Months.close": Case(MANAGER, lambda app, who: app.months.close(OCTOBER, who)),
    "Months.reopen": Case(MANAGER, lambda app, who: app.months.reopen(OCTOBER, who, reason="x")),
    "Parameters.change": Case(
        MANAGER, lambda app, who: app.parameters.change(Parameter.APPROVAL_HOURS, 72, who, reason="x")
    ),
    "Plans.import_": Case(OPERATOR, lambda app, who: app.plans.import_(b"", who)),
    "ProvisioningService.send": Case(OPERATOR, lambda app, who: asyncio.run(app.provisioning.send("1", who))),
    "Rerating.apply": Case(MANAGER, lambda app, who: app.rerating.apply(OCTOBER, who, reason="x")),
    "SecondPerson.before_charging_again": Case(
        MANAGER, lambda app, who: app.second_person.before_charging_again(CORRECTION, who, reason="x")
    ),
    "SecondPerson.before_release": Case(
        MANAGER, lambda app, who: app.second_person.before_release([], who, reason="x")
    ),
    "SecondPerson.before_rerating": Case(
        MANAGER,
        lambda app, who: app.second_person.before_rerating(OCTOBER, None, None, NO_CHANGES, who, reason="x"),
    ),
    "SecondPerson.before_reversal": Case(
        OPERATOR, lambda app, who: app.second_person.before_reversal(1, None, who, reason="x")
    ),
    "Retention.apply": Case(MANAGER, lambda app, who: app.retention.apply(who, reason="x")),
    "Restoring.run": Case(
        OPERATOR, lambda app, who: bootstrap.restoring(app.settings).run(app.settings.home / "nothing.tar", who)
    ),
}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """The product over a home in which nothing has happened yet."""
    return bootstrap.build(Settings(home=tmp_path_factory.mktemp("roles") / "home"))


def acts_of_services() -> set[str]:
    """``Class.method`` of all that a service offers to an actor."""
    found = set()
    for module in pkgutil.iter_modules(services.__path__):
        if module.name == "ports":
            continue
        for name, kind in vars(importlib.import_module(f"stfc.services.{module.name}")).items():
            if not inspect.isclass(kind) or kind.__module__ != f"stfc.services.{module.name}":
                continue
            for method, function in inspect.getmembers(kind, inspect.isfunction):
                # Ports and queries know Arrow's name only while types are checked.
                said = inspect.get_annotations(function, locals={"pa": pa}, eval_str=True)
                if not method.startswith("_") and Actor in said.values():
                    found.add(f"{name}.{method}")
    return found


def test_the_matrix_knows_every_act() -> None:
    assert {name.split(" ")[0] for name in MATRIX} == acts_of_services()


@pytest.mark.parametrize("role", [*Role, "root", ""])
@pytest.mark.parametrize("name", MATRIX)
def test_nobody_does_what_the_role_does_not_allow(application: Application, name: str, role: str) -> None:
    case = MATRIX[name]
    ledger = Ledger(application.database)
    before = ledger.dump()
    actor = Actor("eva", role, "tela")
    if role in list(Role) and Role(role).covers(case.needed):
        # Let through; whether there is anything to do it to is another matter.
        assert not isinstance(_refusal(case, application, actor), NotAllowedError)
        return
    refusal = _refusal(case, application, actor)
    assert isinstance(refusal, NotAllowedError)
    assert "{" not in text.error(refusal)
    assert ledger.dump() == before


def _refusal(case: Case, application: Application, actor: Actor) -> StfcError | None:
    """The error that the act ends with."""
    try:
        case.act(application, actor)
    except StfcError as error:
        return error
    return None


def test_a_home_is_closed_to_other_accounts(application: Application) -> None:
    assert application.settings.home.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("secret", ['summit_token = "t0k3n"', 'ledger_url = "postgresql+psycopg://a:b@/c"'])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_settings_file_with_a_secret_that_others_may_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, mode: int
) -> None:
    file = tmp_path / "stfc.toml"
    file.write_text(f"{secret}\n")
    file.chmod(mode)
    monkeypatch.setenv("STFC_HOME", str(tmp_path))
    with pytest.raises(StfcError) as caught:
        bootstrap.settings()
    assert caught.value.code == "CFG-INV"
    assert "chmod 600" in text.error(caught.value)
    assert "t0k3n" not in text.error(caught.value)
    file.chmod(0o600)
    assert bootstrap.settings().home == tmp_path


def test_a_settings_file_without_a_secret_may_be_read_by_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stfc.toml").write_text("chunks = 3\n")
    (tmp_path / "stfc.toml").chmod(0o644)
    monkeypatch.setenv("STFC_HOME", str(tmp_path))
    assert bootstrap.settings().chunks == 3
