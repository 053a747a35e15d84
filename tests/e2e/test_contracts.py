"""*Contratos - Telefonia* in a real browser: find a contract, ask why it is not in the list, see all that it has."""

import csv
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.e2e.screen import Screen
from tests.e2e.stack import Stack

LIST = "Contratos - Telefonia"
LIST_PATH = "contratos"
WHY = "Por que não está na lista?"


def listed(stack: Stack, month: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.run("contracts", "list", "--competence", month)["contracts"]
    return found


def shown_total(screen: Screen) -> int:
    """N of ``1–100 de N contratos``."""
    said = re.search(r"de ([\d.]+) contratos?", screen.page.locator(".st-key-stfc_foot_contratos").inner_text())
    assert said
    return int(said[1].replace(".", ""))


def tab(screen: Screen, name: str) -> Screen:
    screen.page.get_by_role("tab", name=name, exact=True).click()
    return screen.settle()


def test_two_clicks_by_keyboard_and_a_number_tell_why_a_contract_is_not_in_the_list(operator: Screen) -> None:
    operator.open().count_acts().enter(operator.menu(LIST))
    expect(operator.page.get_by_role("heading", level=1)).to_have_text(LIST)
    month = operator.parameter("competencia") or ""
    outside = next(one for one in listed(operator.stack, month) if not one["eligible"] and one["status"] != "normal")
    operator.reach(operator.page.get_by_role("searchbox", name="Pesquisar")).page.keyboard.type(outside["contract"])
    operator.page.keyboard.press("Enter")
    operator.expect_parameter("q", outside["contract"]).settle()
    operator.grid().enter(0)
    operator.expect_acts(2)
    heading = operator.page.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"{outside['customer']} · {outside['contract']}")
    explained = operator.stack.run("contracts", "explain", outside["contract"], "--competence", month)
    failed = [rule for rule in explained["rules"] if not rule["holds"]]
    text = operator.text()
    assert f"por {len(failed)} de 8 regras." in text
    assert all(rule["reason"] in text for rule in explained["rules"])
    assert operator.page.locator(".stfc-no").count() == len(failed)
    operator.click("Voltar")
    expect(heading).to_have_text(LIST)
    operator.expect_parameter("q", outside["contract"])
    operator.expect_parameter("contrato", None)


def test_a_copied_address_opens_the_same_filter_page_and_order(operator: Screen) -> None:
    operator.open(LIST_PATH)
    everything = shown_total(operator)
    filters = operator.page.get_by_role("button", name="Filtro avançado")
    filters.click()
    operator.expect_accessible()
    filters.click()
    operator.page.get_by_role("button", name="Não faturados").click()
    operator.settle().grid().order_by(110)
    operator.page.get_by_role("button", name="Página 2", exact=True).click()
    operator.settle()
    month = operator.parameter("competencia") or ""
    indicators = operator.stack.run("indicators", "--competence", month)
    assert shown_total(operator) == indicators["not_invoiced"] <= everything
    operator.expect_parameter("ordem", "customer")
    rows = operator.grid().column(1)
    address = operator.page.url
    operator.page.goto(address)
    operator.settle()
    assert operator.grid().column(1) == rows
    operator.click("Limpar")
    assert shown_total(operator) == everything
    operator.expect_parameter("nao_faturados", None)


def test_the_download_has_the_whole_filter(operator: Screen, tmp_path: Path) -> None:
    operator.open("contratos", integracao="integrated", deletados="1")
    total = shown_total(operator)
    operator.page.get_by_role("button", name="Baixar").click()
    with operator.page.expect_download() as event:
        operator.page.get_by_text("Texto (CSV)").click()
    event.value.save_as(tmp_path / "contracts.csv")
    with (tmp_path / "contracts.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == total > 100
    assert {row["Integração"] for row in rows} == {"Integrado"}


def test_a_double_click_sends_the_integration_once_and_says_what_came_of_it(operator: Screen) -> None:
    month = operator.open(LIST_PATH).parameter("competencia") or ""
    contract = next(one["contract"] for one in listed(operator.stack, month) if one["eligible"])
    operator.open(LIST_PATH, contrato=contract, aba="integracao")
    operator.page.get_by_role("button", name="Reenviar integração").dblclick()
    toast = operator.page.get_by_test_id("stToast")
    expect(toast).to_contain_text(f"Integração do contrato {contract} reenviada")
    operator.settle()
    history = operator.page.get_by_role("table", name="Envios feitos aqui").locator("tbody tr")
    expect(history).to_have_count(1)
    expect(history).to_contain_text("ana.lima")
    operator.page.reload()
    operator.settle()
    expect(history).to_have_count(1)


def test_a_supervisor_reads_the_integration_and_sends_nothing(screen: Screen) -> None:
    screen.known_as("supervisor").open(LIST_PATH)
    screen.grid().press(0)
    tab(screen, "Integração")
    expect(screen.page.get_by_role("button", name="Reenviar integração")).to_have_count(0)
    assert "pede o papel operador" in screen.text()


def test_an_unknown_number_gets_a_card_and_a_way_back(operator: Screen) -> None:
    operator.open(LIST_PATH, contrato="<b>0</b>")
    assert "O contrato <b>0</b> não existe na importação atual do ERP." in operator.text()
    operator.click("Todos os contratos")
    expect(operator.page.get_by_role("heading", level=1)).to_have_text(LIST)
    assert shown_total(operator) > 100


def test_what_was_billed_stands_in_the_contract_and_a_silent_platform_takes_only_its_own_part(
    new_stack: Callable[..., Stack], new_screen: Callable[[Stack], Screen]
) -> None:
    running = new_stack(contracts=8, months=1)
    screen = new_screen(running).known_as("operador").open(LIST_PATH)
    month = screen.parameter("competencia") or ""
    running.run("bill", "--competence", month, "--all", "--wait")
    items = running.run("batches", "show", "1")["items"]
    charged = max((one for one in items if one["outcome"] == "charged"), key=lambda one: one["calls"])
    contract, reais = charged["contract"], f"{Decimal(charged['amount']):,.2f}".translate(str.maketrans(",.", ".,"))

    screen.open(LIST_PATH, contrato=contract, aba="ligacoes")
    calls = f"{charged['calls']:,}".replace(",", ".")
    assert f"{calls} ligações" in screen.text()
    assert f"cobrado: R$ {reais} no lote 1" in screen.text()
    assert "Primeira competência com ligações deste contrato" in screen.text()
    assert all("*" in number or len(number) == 3 for number in screen.grid().column(2))
    screen.expect_accessible()
    for name in ("Linhas",):
        tab(screen, name).expect_accessible()

    tab(screen, "Cobranças").expect_accessible()
    assert screen.grid().column(2)[0] == "Cobrado"
    assert f"R$ {reais} em 1 competência" in screen.text()

    tab(screen, WHY).expect_accessible()
    assert "estornar a cobrança, se ela estiver errada." in screen.text()
    screen.click("Abrir lote 1")
    expect(screen.page.get_by_role("heading", level=1)).to_have_text("Gerar Cobrança - Acompanhamento")
    screen.expect_parameter("lote", "1")

    screen.open(LIST_PATH, contrato=contract, aba="faturas")
    bills = screen.page.get_by_role("table", name=re.compile("Faturas do ERP e da Summit"))
    expect(bills).to_contain_text(f"R$ {reais}")
    screen.expect_accessible()
    running.halt("simulator")
    screen.open(LIST_PATH, contrato=contract, aba="faturas")
    assert "As faturas da Summit não puderam ser consultadas." in screen.text()
    assert "(SUM-NET)" in screen.text()
    tab(screen, "Integração").click("Reenviar integração")
    history = screen.page.get_by_role("table", name="Envios feitos aqui").locator("tbody tr")
    expect(history).to_contain_text("Recusado")
    screen.expect_accessible()
