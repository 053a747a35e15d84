"""A manager's decisions on held charges in a real browser: release, reject, each once; an operator is told why not."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from stfc.domain.competence import Competence, local_day
from stfc.ui.format import month
from tests.e2e.screen import Screen
from tests.e2e.stack import Stack
from tests.terminal import Terminal

PATH = "acompanhamento"
LAST = Competence.of(local_day(datetime.now(UTC))).plus(-1)
EARLIER = LAST.plus(-1)


@pytest.fixture(scope="module")
def divergent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A product whose platform declares wrong totals in one file in three; its first batch has ended."""
    running = Stack(
        tmp_path_factory.mktemp("divergent"), contracts=30, months=2, simulator=("--fault", "wrong-totals=0.3@file")
    )
    try:
        running.start().run("bill", "--competence", str(EARLIER), "--all", "--wait")
        yield running
    finally:
        running.stop()


@pytest.fixture
def manager(divergent: Stack, new_screen: Callable[[Stack], Screen]) -> Screen:
    """A manager's tab."""
    return new_screen(divergent).known_as("gestor")


def item_of(stack: Stack, contract: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = stack.run("batches", "show", "1")["items"]
    return next(item for item in items if item["contract"] == contract)


def holds(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.run("holds", "list")["holds"]
    return found


def reais(amount: str) -> str:
    whole, _, cents = amount.partition(".")
    return f"R$ {int(whole):,}".replace(",", ".") + f",{cents}"


def card(screen: Screen) -> Locator:
    return screen.page.locator(".st-key-stfc_batch_1")


def log_panel(screen: Screen) -> Locator:
    return screen.page.locator(".st-key-stfc_log_1")


def decide(screen: Screen, act: str, contract: str, reason: str) -> Locator:
    """Press ``act`` above the contract's log, give a reason and press the dialog's button twice."""
    screen.open(PATH, lote="1", contrato=contract)
    log_panel(screen).get_by_role("button", name=act, exact=True).click()
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Competência {month(EARLIER)} · 1 cobrança")
    button = dialog.get_by_role("button", name=act)
    button.click()
    expect(dialog).to_contain_text("Escreva o motivo.")
    dialog.get_by_role("textbox").fill(reason)
    button.dblclick()
    expect(dialog).to_be_hidden()
    return screen.page.get_by_test_id("stToast")


def test_a_manager_releases_one_and_rejects_another_each_once(manager: Screen) -> None:
    stack = manager.stack
    before = holds(stack)
    one, two = before[0], before[1]
    said = decide(manager, "Liberar", one["contract"], "Conferido com a Summit.")
    expect(said.first).to_contain_text(f"Liberada a cobrança do contrato {one['contract']}: {reais(one['amount'])}")
    expect(log_panel(manager)).to_contain_text("Liberado por ana.lima: Conferido com a Summit.")
    expect(log_panel(manager).get_by_role("button", name="Liberar")).to_have_count(0)
    released = item_of(stack, one["contract"])
    assert (released["outcome"], released["reversed"], released["code"]) == ("charged", False, one["code"])

    said = decide(manager, "Rejeitar", two["contract"], "Totais errados.")
    expect(said.first).to_contain_text(f"Rejeitada a cobrança do contrato {two['contract']}")
    expect(log_panel(manager)).to_contain_text("Rejeitado por ana.lima: Totais errados.")
    expect(card(manager)).to_contain_text("1 estornado")
    rejected = item_of(stack, two["contract"])
    assert (rejected["outcome"], rejected["reversed"]) == ("held", True)
    for contract in (one["contract"], two["contract"]):
        log = [line["message"] for line in item_of(stack, contract)["log"]]
        assert sum(line.startswith(("Liberado", "Rejeitado")) for line in log) == 1
    assert holds(stack) == before[2:]
    assert stack.run("doctor")["ok"]


def test_an_operator_reads_why_it_is_held_and_who_may_decide(
    divergent: Stack, new_screen: Callable[[Stack], Screen]
) -> None:
    hold = holds(divergent)[-1]
    screen = new_screen(divergent).known_as("operador").open(PATH, lote="1", contrato=hold["contract"])
    expect(log_panel(screen)).to_contain_text(f"({hold['code']})")
    expect(log_panel(screen)).to_contain_text("Liberar e rejeitar pedem o papel gestor; você está como operador.")
    for act in ("Liberar", "Rejeitar"):
        expect(log_panel(screen).get_by_role("button", name=act)).to_have_count(0)
    # The whole batch is offered without what is not his to reverse.
    live = [item for item in divergent.run("batches", "show", "1")["items"] if not item["reversed"]]
    free = [item for item in live if item["outcome"] in ("charged", "zero")]
    screen.click("Ações")
    expect(screen.page.get_by_text("que só um gestor estorna.")).to_be_visible()
    screen.click(f"Estornar {len(free)} cobranças")
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Competência {month(EARLIER)} · {len(free)} cobranças")
    expect(dialog).to_contain_text(f"Fora: {sum(item['outcome'] == 'held' for item in live)} cobrança")


BROKEN_PLANS = b"""
[[plan]]
code = "p"
mode = "free"
valid_from = "x"
"""


def answer_approval(screen: Screen, number: int, verb: str, reason: str = "") -> None:
    """Confirm or deny a request on its card."""
    asked = screen.page.locator(f".st-key-stfc_approval_{number}")
    expect(asked).to_contain_text(f"Pedido {number}: liberar cobranças retidas")
    asked.get_by_role("button", name=verb).click()
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Pedido por eva")
    screen.expect_accessible()
    if reason:
        dialog.get_by_role("textbox").fill(reason)
    dialog.get_by_role("button", name=verb).dblclick()
    expect(dialog).to_be_hidden()
    expect(asked).to_have_count(0)


def test_a_second_manager_denies_and_confirms_then_closes_and_reopens_the_month(manager: Screen) -> None:
    stack, page = manager.stack, manager.page
    eva = Terminal(stack.folder / "home", {**stack.environment, "STFC_USER": "eva", "STFC_ROLE": "manager"})
    eva.ask("parameters", "set", "second_person_above", "1", "--reason", "regra da casa")
    waiting = [str(one["id"]) for one in holds(stack)]
    assert eva.refuse("holds", "release", waiting[0], "--reason", "conferido") == "USO-SEG"
    answer_approval(manager.open("conferencia"), 1, "Recusar", "Falta a nota.")
    assert len(holds(stack)) == len(waiting)
    assert eva.refuse("holds", "release", *waiting, "--reason", "conferido") == "USO-SEG"
    answer_approval(manager.open("conferencia"), 2, "Confirmar")
    assert holds(stack) == []

    eva.ask("batches", "cancel", "1")
    manager.open("configuracoes", aba="competencias")
    main, dialog, name = page.get_by_test_id("stMain"), page.get_by_role("dialog"), month(EARLIER)
    manager.click(f"Fechar {name}")
    expect(dialog).to_contain_text(f"Competência {name}")
    manager.expect_accessible()
    dialog.get_by_role("button", name=f"Fechar {name}").dblclick()
    expect(dialog).to_be_hidden()
    expect(main).to_contain_text(f"Soma de verificação (sha256) de {name}")
    expect(main.get_by_role("row", name=name)).to_contain_text("Fechada")
    manager.settle().click(f"Reabrir {name}")
    dialog.get_by_role("button", name=f"Reabrir {name}").click()
    expect(dialog).to_contain_text("Escreva o motivo.")
    manager.expect_accessible()
    dialog.get_by_role("textbox").fill("Arquivo corrigido.")
    dialog.get_by_role("button", name=f"Reabrir {name}").click()
    expect(dialog).to_be_hidden()
    expect(main.get_by_role("button", name=f"Fechar {name}")).to_be_visible()
    assert [one["action"] for one in eva.ask("audit", "list", "--action", "month")["lines"]] == [
        "month.reopen",
        "month.close",
    ]

    known = eva.ask("plans", "list")
    manager.open("configuracoes", aba="planos")
    page.locator("input[type=file]").set_input_files({"name": "p.toml", "mimeType": "", "buffer": BROKEN_PLANS})
    manager.settle().click("Importar planos")
    expect(main).to_contain_text("Planos recusados, nada mudou")
    expect(main.get_by_role("row", name="plan[1].valid_from")).to_be_visible()
    assert eva.ask("plans", "list") == known
