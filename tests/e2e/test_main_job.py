"""The main job, as a person does it: from signing in to the charge in the contract's page."""

import re
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Locator, expect

from stfc.domain.competence import Competence, local_day
from stfc.ui.format import count, month
from tests.e2e.screen import Screen
from tests.e2e.stack import Stack
from tests.e2e.test_holds import reais

# Not the month that other tests of this product look at.
MONTH = Competence.of(local_day(datetime.now(UTC))).plus(-2)
TITLE = re.compile(r"^Gerar Cobrança - Acompanhamento$")
BILL = "Gerar Cobrança de 3 contratos"


def pick_month(screen: Screen) -> None:
    """Choose the month in the head of the screen."""
    screen.page.locator(".st-key-competence_months button").click()
    screen.page.get_by_role("radio", name=month(MONTH), exact=True).click()
    screen.settle()
    screen.expect_parameter("competencia", str(MONTH))


def select_on_two_pages(screen: Screen) -> list[str]:
    """Filter, then mark two contracts on the first page and one on the second; gives their numbers."""
    screen.page.get_by_role("button", name="Sem avisos").click()
    screen.settle()
    grid = screen.grid()
    chosen = [grid.column(1)[0], grid.column(1)[3]]
    grid.mark(0).mark(3)
    screen.page.get_by_role("button", name="Página 2", exact=True).click()
    screen.settle()
    chosen.append(screen.grid().column(1)[1])
    screen.grid().mark(1)
    expect(screen.page.locator(".st-key-stfc_action_bar")).to_contain_text(re.compile(r"^3 de \d+ selecionados"))
    return chosen


def preview(screen: Screen) -> Locator:
    """Open the preview of the selection."""
    screen.click("Prévia")
    drawer = screen.page.get_by_role("dialog")
    expect(drawer).to_contain_text(f"Prévia da cobrança · {month(MONTH)}")
    expect(drawer).to_contain_text("3 pela Summit")
    expect(drawer.get_by_text("Maiores variações sobre o histórico")).to_be_visible()
    return drawer


def launch(screen: Screen, drawer: Locator) -> int:
    """From the preview through the confirmation to *Acompanhamento*; gives the batch."""
    drawer.get_by_role("button", name=BILL).click()
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Competência {month(MONTH)} · 3 contratos · cerca de R$")
    dialog.get_by_role("button", name=BILL, exact=True).click()
    expect(screen.page.get_by_role("heading", level=1)).to_have_text(TITLE)
    screen.settle()
    batch = int(screen.await_parameter("lote"))
    toast = screen.page.get_by_test_id("stToast")
    expect(toast).to_contain_text(f"Lote {batch} aberto com 3 contratos de {month(MONTH)}.")
    return batch


def the_charge(stack: Stack, batch: int, chosen: list[str]) -> dict[str, Any]:
    """The batch's first charge, as the terminal tells it."""
    shown = stack.run("batches", "show", str(batch))
    assert shown["status"] == "done"
    assert [item["contract"] for item in shown["items"]] == sorted(chosen)
    return next(item for item in shown["items"] if item["outcome"] == "charged")


def test_an_operator_bills_contracts_and_finds_the_charge(operator: Screen, stack: Stack) -> None:
    operator.open("gerar-cobranca")
    pick_month(operator)
    chosen = select_on_two_pages(operator)
    batch = launch(operator, preview(operator))

    card = operator.page.locator(f".st-key-stfc_batch_{batch}")
    expect(card).to_contain_text("3 de 3 · 100%", timeout=30_000)
    expect(card).to_contain_text("Concluído")
    charge = the_charge(stack, batch, chosen)
    expanded = card.get_by_test_id("stExpanderDetails")
    if not expanded.is_visible():
        card.get_by_text("Logs de processamento").click()
    expect(expanded).to_be_visible()
    operator.settle()
    operator.grid().press(sorted(chosen).index(charge["contract"]), x=150)
    log = operator.page.locator(f".st-key-stfc_log_{batch}")
    expect(log).to_contain_text(charge["contract"])
    for line in charge["log"]:
        expect(log).to_contain_text(line["message"])
    assert "As 8 regras foram conferidas na mesma transação" in charge["log"][-1]["message"]

    operator.click("Abrir contrato")
    expect(operator.page.get_by_role("heading", level=1)).to_contain_text(charge["contract"])
    operator.page.get_by_role("tab", name="Cobranças").click()
    operator.settle()
    assert str(batch) in operator.grid().column(0)
    row = operator.grid().column(0).index(str(batch))
    assert operator.grid().column(1)[row] == month(MONTH)
    assert operator.grid().column(3)[row] == reais(charge["amount"])
    assert operator.grid().column(4)[row] == count(charge["calls"])
    operator.shot("main-job")
