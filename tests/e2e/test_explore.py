"""*Visão geral*, *Registros de ligações* and *Faturas fechadas* in a real browser: figures agree, filters narrow."""

from playwright.sync_api import expect

from tests.e2e.screen import Screen


def figure(screen: Screen, label: str) -> int:
    """The whole number of an indicator card."""
    card = screen.page.get_by_test_id("stMetric").filter(has_text=label)
    return int(card.get_by_test_id("stMetricValue").inner_text().replace(".", ""))


def totals(screen: Screen) -> tuple[int, str]:
    """Calls and value of the selection."""
    said = screen.page.locator(".stfc-totals dd")
    expect(said).to_have_count(3)
    calls, _, value = said.all_inner_texts()
    return int(calls.split()[0].replace(".", "")), value


def bill_some(screen: Screen, month: str) -> None:
    """Bill five contracts of the month, once for the session's stack."""
    listed = screen.stack.run("contracts", "list", "--competence", month, "--eligible")["contracts"]
    chosen = [part for one in listed[-5:] for part in ("--contract", one["contract"])]
    if chosen:
        screen.stack.run("bill", "--competence", month, *chosen, "--wait")


def test_the_indicators_are_those_of_the_terminal_and_lead_to_their_lists(operator: Screen) -> None:
    operator.open()
    month = operator.parameter("competencia") or ""
    said = operator.stack.run("indicators", "--competence", month)
    assert figure(operator, "Novos Assinantes") == said["new_subscribers"]
    assert figure(operator, "Não Faturados") == said["not_invoiced"]
    operator.page.locator(".st-key-kpi_not_invoiced button").click()
    operator.settle()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Contratos - Telefonia")
    operator.expect_parameter("nao_faturados", "1")


def test_a_class_narrows_the_calls_and_four_clicks_by_keyboard_show_how_one_was_priced(operator: Screen) -> None:
    month = operator.open().parameter("competencia") or ""
    bill_some(operator, month)
    operator.count_acts().enter(operator.menu("Registros de ligações"))
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Registros de ligações")
    operator.enter(operator.page.get_by_role("button", name="Atualizar"))
    everything, _ = totals(operator)
    assert everything == operator.stack.run("calls", "--competence", month, "--limit", "1")["total"]
    operator.enter(operator.page.get_by_role("button", name="Local", exact=True))
    operator.expect_parameter("classe", "LOCAL")
    local, _ = totals(operator)
    assert 0 < local < everything
    operator.grid().enter(0)
    drawer = operator.page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="Como o preço foi formado")).to_be_visible()
    for step in ("Número", "Horário", "Cadência", "Cobrado pela Summit", "Diferença"):
        expect(drawer.get_by_role("cell", name=step, exact=True)).to_be_visible()
    expect(drawer.get_by_text("nenhuma: os dois valores são iguais")).to_be_visible()
    operator.shot("ligacao-preco")
    operator.expect_acts(4)
    expect(drawer.get_by_text("Nossa classe")).to_be_visible()
    expect(drawer.get_by_text("****").first).to_be_visible()


def test_invoices_of_all_months_are_searched_and_opened(operator: Screen) -> None:
    operator.open("faturas")
    operator.page.get_by_role("button", name="Todas as competências").first.click()
    operator.settle().expect_parameter("todas", "1")
    number = operator.grid().column(0)[0]
    operator.search(number)
    assert "1 fatura do ERP em todas as competências" in operator.text()
    operator.grid().press(0)
    expect(operator.page.get_by_role("dialog").get_by_text("Valores eventuais da competência")).to_be_visible()
    operator.expect_accessible()
