"""*Gerar Cobrança* in a real browser: the list, a selection that lasts, the preview, one batch whatever is clicked."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.screen import Screen
from tests.e2e.stack import Stack

NAME = "Gerar Cobrança"
PATH = "gerar-cobranca"
_TIMEOUT = 20_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A product of this module's own, with three pages of contracts to bill."""
    running = Stack(tmp_path_factory.mktemp("billing"), contracts=320, months=2)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture
def billing(many: Stack, new_screen: Callable[[Stack], Screen]) -> Screen:
    """An operator on *Gerar Cobrança* of that product."""
    return new_screen(many).known_as("operador").open(PATH)


def bar(screen: Screen) -> Locator:
    """The action bar."""
    return screen.page.locator(".st-key-stfc_action_bar")


def expect_facts(screen: Screen, beginning: str) -> None:
    """Wait until the bar begins so."""
    expect(bar(screen)).to_contain_text(re.compile(rf"^\s*{re.escape(beginning)}"))


def listed(many: Stack, screen: Screen) -> list[str]:
    """What the terminal says is in the list of the screen's month."""
    month = screen.parameter("competencia")
    found: dict[str, Any] = many.run("contracts", "list", "--competence", str(month), "--eligible")
    return [one["contract"] for one in found["contracts"]]


def month(screen: Screen) -> str:
    """The month shown, in the screen's words."""
    return screen.page.locator(".st-key-competence_months button").inner_text().strip()


def turn_to(screen: Screen, page: int) -> None:
    """Press a page's number below the table."""
    screen.page.get_by_test_id("stPagination").get_by_role("button", name=re.compile(rf"\b{page}$")).click()
    screen.settle()


def test_selection_lasts_over_pages_filters_and_order_but_not_over_months(billing: Screen, many: Stack) -> None:
    contracts = listed(many, billing)
    total = f"{len(contracts)} selecionados"
    billing.grid().mark(0).mark(2)
    expect_facts(billing, f"2 de {total}")
    turn_to(billing, 2)
    billing.expect_parameter("pagina", "2")
    assert billing.grid().column(1)[0] == contracts[100]
    billing.grid().mark(0)
    expect_facts(billing, f"3 de {total}")
    billing.grid().order_by(810)  # by expected value, from the first page again
    billing.expect_parameter("ordem", "-expected_amount")
    billing.expect_parameter("pagina", None)
    billing.search(contracts[0])
    expect_facts(billing, f"3 de {total}")
    assert "2 deles fora do filtro atual" in bar(billing).inner_text()
    billing.grid().mark(0)
    expect_facts(billing, f"2 de {total}")
    billing.click("Competência anterior")
    expect_facts(billing, "0 de ")
    billing.click("Próxima competência")
    expect_facts(billing, "0 de ")


def test_all_that_match_the_filter_are_chosen_on_every_page(billing: Screen, many: Stack) -> None:
    contracts = listed(many, billing)
    billing.click(f"Selecionar todos os {len(contracts)} que atendem ao filtro")
    expect_facts(billing, f"{len(contracts)} de {len(contracts)} selecionados")
    assert "Todos os elegíveis, em todas as páginas" in bar(billing).inner_text()
    billing.click("Limpar seleção")
    expect_facts(billing, "0 de ")
    expect(bar(billing).get_by_role("button", name=NAME)).to_be_disabled()


def test_a_pasted_list_says_what_is_unknown_and_what_is_kept_out(billing: Screen, many: Stack) -> None:
    contracts = listed(many, billing)
    billing.page.get_by_role("tab", name="Fora da lista").click()
    billing.settle()
    kept_out = billing.grid().column(0)[0]
    billing.page.get_by_role("tab", name="Elegíveis").click()
    billing.settle().click("Colar lista de contratos")
    dialog = billing.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(f"{contracts[5]}; {contracts[150]}\n{kept_out}, 7777777")
    dialog.get_by_role("button", name="Conferir").click()
    expect(dialog).to_contain_text("2 de 4 números colados na lista.")
    expect(dialog).to_contain_text(f"1 fora da lista em {month(billing)}: {kept_out}")
    expect(dialog).to_contain_text("1 desconhecidos no ERP: 7777777")
    billing.expect_accessible()
    dialog.get_by_role("button", name="Selecionar 2 contratos").click()
    expect(dialog).to_be_hidden()
    billing.settle()
    expect_facts(billing, "2 de ")


def test_reasons_are_counted_filter_the_list_and_lead_to_the_contract(billing: Screen) -> None:
    tab = billing.page.get_by_role("tab", name="Fora da lista")
    tab.click()
    billing.settle()
    pills = billing.page.locator(".st-key-billing_rules").get_by_role("button")
    counts = [int(re.sub(r"\D", "", text)) for text in pills.all_inner_texts()]
    assert sum(counts) == int(re.sub(r"\D", "", tab.inner_text()))
    pills.first.click()
    billing.settle().expect_accessible()
    billing.await_parameter("regra")
    assert f"de {counts[0]} contrato" in billing.text()
    contract = billing.grid().column(0)[0]
    billing.grid().press(0)
    expect(billing.page.get_by_role("heading", level=1)).to_contain_text(contract)
    billing.settle()
    billing.expect_parameter("contrato", contract)


def test_supervisor_sees_list_and_preview_and_why_there_is_no_button(
    many: Stack, new_screen: Callable[[Stack], Screen]
) -> None:
    screen = new_screen(many).known_as("supervisor").open(PATH)
    screen.grid().mark(0)
    expect(bar(screen).get_by_role("button")).to_have_count(1)
    assert "quem gera cobrança é operador ou gestor" in bar(screen).inner_text()
    screen.click("Prévia")
    drawer = screen.page.get_by_role("dialog")
    expect(drawer).to_contain_text("Maiores variações sobre o histórico")
    screen.expect_accessible()
    expect(drawer.get_by_role("button", name=NAME)).to_have_count(0)


def test_a_link_opens_the_same_view_in_another_session(billing: Screen, many: Stack, browser: Browser) -> None:
    billing.page.get_by_role("button", name="Sem avisos").click()
    billing.settle().grid().order_by(810)
    turn_to(billing, 2)
    context = browser.new_context(locale="pt-BR", viewport={"width": 1366, "height": 768})
    other = Screen(context.new_page(), many)
    other.page.goto(billing.page.url)
    other.settle().sign_in("operador")
    assert other.grid().column(1) == billing.grid().column(1)
    expect_facts(other, "0 de ")
    other.assert_clean()
    context.close()


def test_two_tabs_two_clicks_the_back_button_and_a_reload_open_one_batch(
    billing: Screen, many: Stack, new_screen: Callable[[Stack], Screen]
) -> None:
    contract = listed(many, billing)[0]
    twin = new_screen(many).open("gerar-cobranca", q=contract)
    before = {batch["batch"] for batch in many.run("batches", "list")["batches"]}
    for screen in (billing, twin):
        screen.search(contract)
        screen.grid().mark(0)
        bar(screen).get_by_role("button", name=NAME).click()
        expect(screen.page.get_by_role("dialog")).to_contain_text(f"Competência {month(screen)} · 1 contrato")
    billing.page.get_by_role("dialog").get_by_role("button", name=NAME).dblclick()
    expect(billing.page.get_by_role("heading", level=1)).to_have_text("Gerar Cobrança - Acompanhamento")
    billing.settle()
    batch = billing.await_parameter("lote")
    twin.page.get_by_role("dialog").get_by_role("button", name=NAME).click()
    expect(twin.page.get_by_test_id("stToast")).to_contain_text("Nenhum lote aberto")
    billing.page.go_back()
    expect(billing.page.get_by_role("heading", level=1)).to_have_text(NAME)
    billing.settle()
    expect(billing.page.get_by_role("dialog")).to_have_count(0)
    billing.page.reload()
    billing.settle()
    opened = {entry["batch"] for entry in many.run("batches", "list")["batches"]} - before
    assert opened == {int(batch)}


def test_four_clicks_by_keyboard_bill_a_month_and_the_empty_list_says_why(billing: Screen, many: Stack) -> None:
    contracts = listed(many, billing)
    billing.open().count_acts().enter(billing.menu(NAME))
    billing.enter(billing.page.get_by_role("button", name="Selecionar todos os"))
    billing.enter(bar(billing).get_by_role("button", name=NAME))
    dialog = billing.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Competência {month(billing)} · {len(contracts)} contratos")
    billing.expect_accessible()
    billing.enter(dialog.get_by_role("button", name=f"Gerar Cobrança de {len(contracts)} contratos"))
    billing.expect_acts(4)
    expect(billing.page.get_by_role("heading", level=1)).to_have_text("Gerar Cobrança - Acompanhamento")
    billing.settle().go(NAME)
    expect(billing.page.get_by_role("heading", name=f"Nenhum contrato elegível em {month(billing)}")).to_be_visible()
    expect(billing.page.get_by_test_id("stMain")).to_contain_text(re.compile(r"\d+ já cobrados ou na fila"))
    billing.click("Ver motivos")
    billing.expect_parameter("aba", "fora")
