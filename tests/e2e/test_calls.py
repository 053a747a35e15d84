"""*Registros de ligações*, *Faturas fechadas* in a browser: a search, one record, a brushed period, the ways on."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from stfc.ui.downloads import AT_ONCE
from stfc.ui.format import count
from tests.e2e.screen import Screen
from tests.e2e.stack import Stack

INVOICES_PATH = "faturas"
TITLE = "Registros de ligações"
PATH = "ligacoes"


def shown(screen: Screen) -> int:
    """How many calls the totals say."""
    said = screen.page.locator(".stfc-totals dd")
    expect(said).to_have_count(3)
    return int(said.first.inner_text().split()[0].replace(".", ""))


def take_the_whole_month(screen: Screen, whole: int, target: Path) -> None:
    """A workbook is begun and cancelled, then the text is made and taken."""
    told = screen.page.locator(".st-key-stfc_export_registros")
    screen.page.get_by_role("button", name="Baixar").click()
    screen.page.get_by_role("button", name="Planilha (XLSX)").click()
    expect(told).to_contain_text("Preparando registros.xlsx")
    # On a quick machine it may be ready by now.
    told.get_by_role("button", name=re.compile("Cancelar|Descartar")).click()
    expect(told).to_have_count(0)

    screen.page.get_by_role("button", name="Baixar").click()
    screen.page.get_by_role("button", name="Texto (CSV)").click()
    expect(told).to_contain_text("registros.csv pronto")
    with screen.page.expect_download() as event:
        told.get_by_role("link", name="Baixar registros.csv").click()
    assert event.value.suggested_filename == "registros.csv"
    event.value.save_as(target)
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == whole
    assert all("*" in row["Número chamado"] or len(row["Número chamado"]) == 3 for row in rows)
    told.get_by_role("button", name="Descartar").click()
    expect(told).to_have_count(0)


def reveal_as_manager(screen: Screen, running: Stack, contract: str, number: int, target: Path) -> None:
    """One record's number is shown in its drawer alone, the selection's in a file; each leaves its audit line first."""
    address = screen.page.url
    screen.page.context.clear_cookies()
    screen.page.goto(address)
    screen.settle().sign_in("gestor")
    masked = next(place for place, one in enumerate(screen.grid().column(3)) if "*" in one)
    hidden = screen.grid().column(3)[masked]
    screen.grid().press(masked)
    drawer = screen.page.get_by_role("dialog")
    row = drawer.get_by_role("row", name=re.compile("^Número chamado"))
    expect(row).to_contain_text(hidden)
    drawer.get_by_role("button", name="Revelar número").click()
    expect(drawer).to_contain_text("Escreva o motivo.")
    expect(row).to_contain_text(hidden)
    screen.expect_accessible()
    drawer.get_by_role("textbox").fill("contestação 12")
    drawer.get_by_role("button", name="Revelar número").click()
    expect(drawer).to_contain_text("Número completo até esta gaveta fechar")
    expect(row).to_contain_text(re.compile(r"\d{4}-" + hidden[-4:]))
    screen.page.keyboard.press("Escape")
    screen.settle().expect_parameter("ligacao", None)
    assert hidden in screen.grid().column(3)
    screen.grid().press(masked)
    expect(row).to_contain_text(hidden)
    screen.page.keyboard.press("Escape")
    screen.settle()

    screen.page.get_by_role("button", name="Exportar com números completos").click()
    screen.page.get_by_role("button", name="Texto (CSV)").click()
    dialog = screen.page.get_by_test_id("stDialog")
    expect(dialog).to_contain_text(f"{count(number)} ligações")
    expect(dialog).to_contain_text(f"Filtro: “{contract}”")
    screen.expect_accessible()
    dialog.get_by_role("textbox").fill("ofício 7")
    dialog.get_by_role("button", name="Exportar com números completos").click()
    told = screen.page.locator(".st-key-stfc_export_registros-completos")
    expect(told).to_contain_text("registros-completos.csv pronto")
    with screen.page.expect_download() as event:
        told.get_by_role("link", name="Baixar registros-completos.csv").click()
    event.value.save_as(target)
    with target.open(encoding="utf-8", newline="") as file:
        called = [row["Número chamado"] for row in csv.DictReader(file)]
    assert len(called) == number
    assert not [one for one in called if "*" in one]
    # For the terminal alone: the processes have long read theirs.
    running.environment["STFC_ROLE"] = "manager"
    lines = [one for one in running.run("audit", "list")["lines"] if one["action"].startswith("calls.reveal")]
    assert [(one["action"], one["reason"], one["facts"]["calls"]) for one in lines] == [
        ("calls.reveal_all", "ofício 7", number),
        ("calls.reveal", "contestação 12", 1),
    ]
    told.get_by_role("button", name="Descartar").click()
    expect(told).to_have_count(0)


def test_calls_of_a_billed_month_are_searched_read_and_taken_along(
    new_stack: Callable[..., Stack], new_screen: Callable[[Stack], Screen], tmp_path: Path
) -> None:
    running = new_stack(contracts=140, months=2)
    screen = new_screen(running).known_as("supervisor").open(PATH)
    month = screen.parameter("competencia") or ""
    assert "As ligações chegam com os arquivos da Summit" in screen.text()
    expect(screen.page.get_by_test_id("stMain").get_by_role("button", name="Gerar Cobrança")).to_be_visible()

    running.run("bill", "--competence", month, "--all", "--wait")
    items = running.run("batches", "show", "1")["items"]
    contract, number = max((one["calls"], one["contract"]) for one in items if one["calls"])[::-1]
    screen.click("Atualizar")
    whole = sum(one["calls"] or 0 for one in items)
    assert shown(screen) == whole > AT_ONCE
    screen.expect_accessible()
    take_the_whole_month(screen, whole, tmp_path / "month.csv")

    screen.search(contract)
    assert shown(screen) == number
    assert f"Pesquisa pelo contrato {contract}" in screen.text()
    assert set(screen.grid().column(1)) == {contract}
    assert all("*" in called or len(called) == 3 for called in screen.grid().column(3))

    expect(screen.page.get_by_role("button", name="Exportar com números completos")).to_have_count(0)
    screen.grid().press(0)
    drawer = screen.page.get_by_role("dialog")
    expect(drawer).to_contain_text("Lote 1")
    expect(drawer.get_by_role("button", name="Revelar número")).to_have_count(0)
    record, address = screen.await_parameter("ligacao"), screen.page.url
    screen.page.keyboard.press("Escape")
    screen.settle().expect_parameter("ligacao", None)
    screen.page.goto(address)
    screen.settle()
    expect(drawer).to_contain_text(record.split("~")[-1])
    screen.page.keyboard.press("Escape")
    screen.settle()

    screen.page.get_by_role("button", name="Baixar").click()
    with screen.page.expect_download() as event:
        screen.page.get_by_text("Texto (CSV)").click()
    event.value.save_as(tmp_path / "calls.csv")
    with (tmp_path / "calls.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == number
    assert {row["Contrato"] for row in rows} == {contract}
    assert all("*" in row["Número chamado"] or len(row["Número chamado"]) == 3 for row in rows)

    reveal_as_manager(screen, running, contract, number, tmp_path / "full.csv")

    chart = screen.page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert chart
    screen.page.mouse.move(chart["x"] + chart["width"] / 3, chart["y"] + 10)
    screen.page.mouse.down()
    screen.page.mouse.move(chart["x"] + chart["width"] * 2 / 3, chart["y"] + 30, steps=5)
    screen.page.mouse.up()
    chip = screen.page.get_by_role("button", name="De ", exact=False).filter(has_text="/")
    expect(chip).to_be_visible()
    assert 0 < shown(screen.settle()) < number

    screen.open(PATH, competencia=month, q="zzzz")
    assert "Nenhum contrato, cliente ou documento do ERP atende a “zzzz”." in screen.text()
    screen.click("Limpar o filtro")
    assert shown(screen) > number


def test_an_invoice_of_another_month_is_found_and_leads_to_contract_and_calls(operator: Screen) -> None:
    operator.open(INVOICES_PATH, todas="1")
    number, contract, _, month = (operator.grid().column(place)[0] for place in range(4))
    operator.open(INVOICES_PATH, competencia="2027-12", q=number)
    operator.click("Ver em todas as competências e situações")
    assert operator.grid().column(0) == [number]

    operator.grid().press(0)
    operator.expect_parameter("fatura", number)
    expect(operator.page.get_by_role("dialog")).to_contain_text(f"Cobrança de {month}")
    operator.page.get_by_role("button", name="Abrir contrato").click()
    heading = operator.page.get_by_role("heading", level=1)
    expect(heading).to_contain_text(contract)
    expect(operator.page.locator(".st-key-competence_months button")).to_contain_text(month)

    operator.open(INVOICES_PATH, competencia="2027-12", fatura=number)
    operator.page.get_by_role("button", name="Ver ligações do contrato").click()
    expect(heading).to_have_text(TITLE)
    operator.expect_parameter("q", contract)
