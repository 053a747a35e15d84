"""*Visão geral* in a real browser: figures lead to their lists, a click in one chart filters the others."""

import csv
import re
import zipfile
from decimal import Decimal
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.e2e.screen import Grid, Screen
from tests.e2e.stack import Stack


def bill_some(stack: Stack, month: str) -> None:
    """Bill some contracts of the month, unless another test did."""
    if stack.run("calls", "--competence", month, "--limit", "1")["total"]:
        return
    listed = stack.run("contracts", "list", "--competence", month, "--eligible")["contracts"]
    chosen = [part for one in listed[-8:] for part in ("--contract", one["contract"])]
    stack.run("bill", "--competence", month, *chosen, "--wait")


def card(screen: Screen, key: str) -> Locator:
    """An indicator card."""
    return screen.page.locator(f".st-key-stfc_kpi_{key}")


def whole(words: str) -> int:
    """The first whole number in ``words``."""
    found = re.search(r"\d[\d.]*", words)
    assert found, words
    return int(found[0].replace(".", ""))


def last_number(words: str) -> int:
    """The number that a pill ends with."""
    return whole(words.split()[-1])


def value(screen: Screen, key: str) -> str:
    """What an indicator card says."""
    return card(screen, key).get_by_test_id("stMetricValue").inner_text()


def listed(screen: Screen) -> int:
    """How many rows the list below has in all."""
    foot = screen.page.locator("[class*=st-key-stfc_foot]").first.inner_text()
    found = re.search(r"de ([\d.]+)", foot)
    assert found, foot
    return whole(found[1])


def ranking(screen: Screen, name: str) -> Grid:
    """One of the two tables at the foot."""
    root = screen.page.locator(f".st-key-stfc_top_{name} [data-testid=stDataFrame]")
    root.scroll_into_view_if_needed()
    return Grid(screen, root)


def press_cell(screen: Screen, weekday: int, hour: int) -> None:
    """Press a cell of the heat map."""
    area = screen.page.locator(".st-key-stfc_chart_overview_hours .nsewdrag")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box
    area.click(position={"x": box["width"] * (hour + 0.5) / 24, "y": box["height"] * (weekday + 0.5) / 7}, force=True)
    screen.settle()


def hand_to_accounting(screen: Screen, target: Path) -> None:
    """Take the month's charges and fiscal table in two clicks, by keyboard alone; they agree."""
    screen.count_acts().enter(screen.page.get_by_role("button", name="Cobranças e fiscal"))
    told = screen.page.locator(".st-key-stfc_export_accounting")
    link = told.get_by_role("link", name=re.compile("^Baixar contabilidade-"))
    expect(told).to_contain_text("zip pronto")
    with screen.page.expect_download() as event:
        screen.enter(link)
    screen.expect_acts(2)
    event.value.save_as(target)
    found = {}
    with zipfile.ZipFile(target) as archive:
        for name in archive.namelist():
            found[name] = list(csv.DictReader(archive.read(name).decode().splitlines()))
    live = [Decimal(row["amount"]) for row in found["charges.csv"] if row["status"] == "live"]
    assert sum(Decimal(row["net"]) for row in found["fiscal.csv"]) == sum(live) > 0
    told.get_by_role("button", name="Descartar").click()
    screen.settle()


def test_figures_lead_to_the_lists_behind_them_and_to_accounting(operator: Screen, tmp_path: Path) -> None:
    bill_some(operator.stack, operator.open().parameter("competencia") or "")
    operator.click("Atualizar")
    expect(operator.page.locator(".st-key-stfc_chart_overview_hours .nsewdrag")).to_be_attached()
    hand_to_accounting(operator.expect_accessible(), tmp_path / "month.zip")
    pills = operator.page.locator(".st-key-stfc_pillrow_not_invoiced button")
    expect(pills.first).to_be_visible()
    assert sum(map(last_number, pills.all_inner_texts())) == whole(value(operator, "not_invoiced"))
    # Of money the note says how many contracts it is of.
    note = card(operator, "amount").get_by_role("button").last
    charged = whole(note.inner_text())
    note.click()
    operator.settle().expect_parameter("situacao", "charged")
    assert listed(operator) == charged
    for row in ("rules", "not_invoiced"):
        operator.go("Visão geral")
        pill = operator.page.locator(f".st-key-stfc_pillrow_{row} button").last
        number = last_number(pill.inner_text())
        pill.click()
        operator.settle()
        assert listed(operator) == number


def test_a_click_in_one_chart_filters_the_others_and_a_second_undoes_it(operator: Screen) -> None:
    month = operator.open().parameter("competencia") or ""
    bill_some(operator.stack, month)
    operator.click("Atualizar")
    read = operator.stack.run("calls", "--competence", month, "--limit", "1")["total"]
    assert whole(value(operator, "calls")) == read

    # Calls to services have no place, so no filter hangs on their row.
    places = ranking(operator, "destinations").column(0)
    row = next(number for number, place in enumerate(places) if "Serviços" not in place)
    ranking(operator, "destinations").press(row)
    operator.await_parameter("destino")
    assert "Gráficos e rankings mostram só o que atende ao filtro" in operator.text()
    assert ranking(operator, "destinations").column(0)[row].startswith("✓ ")
    ranking(operator, "destinations").press(row)
    operator.expect_parameter("destino", None)

    number = ranking(operator, "contracts").column(0)[0]
    ranking(operator, "contracts").press(0, x=160)
    operator.expect_parameter("de_contrato", number)
    expect(operator.page.get_by_role("button", name=f"Contrato: {number}")).to_be_visible()
    press_cell(operator, 1, 9)
    operator.expect_parameter("dia_semana", "1").expect_parameter("hora", "9")
    operator.click("Limpar", exact=True)
    operator.expect_parameter("hora", None).expect_parameter("de_contrato", None)

    operator.search("ninguém assim")
    assert "atende ao filtro" in operator.text()
    operator.click("Limpar o filtro").expect_parameter("q", None)

    bar = operator.page.locator(".st-key-stfc_chart_overview_months .trace.bars").first.locator(".point path").last
    bar.click(force=True)
    operator.settle()
    chosen, deep = operator.await_parameter("classe"), operator.page.url
    operator.page.goto(deep)
    operator.settle()
    operator.expect_parameter("classe", chosen)
    operator.click("Limpar", exact=True)

    ranking(operator, "contracts").press(0)
    operator.settle().expect_parameter("contrato", number)
    expect(operator.page.get_by_role("heading", level=1)).to_contain_text(number)


def test_the_table_behind_the_chart_says_what_the_terminal_says(operator: Screen) -> None:
    month = operator.open().parameter("competencia") or ""
    bill_some(operator.stack, month)
    operator.click("Atualizar")
    operator.page.locator(".st-key-icon_only_overview_hours button").click()
    operator.settle()
    rows = operator.page.get_by_role("table", name="Chamadas por dia da semana e hora").locator("tbody tr")
    cells = [cell for row in rows.all_inner_texts() for cell in row.split("\t")[1:]]
    total = operator.stack.run("calls", "--competence", month, "--limit", "1")["total"]
    assert sum(map(whole, cells)) == total
    operator.page.get_by_role("radio", name="Minutos", exact=True).click()
    operator.settle().expect_parameter("medida", "minutos")
    expect(operator.page.get_by_role("heading", name=re.compile("^Minutos por mês e classe"))).to_be_visible()


def test_an_empty_month_says_why_and_leads_to_billing(operator: Screen) -> None:
    operator.open().page.locator(".st-key-competence_next button").click()
    operator.settle()
    assert "Nenhuma ligação lida em" in operator.text()
    assert "contratos sem arquivo: a cobrar" in operator.text()
    operator.page.get_by_test_id("stMain").get_by_role("button", name="Gerar Cobrança").click()
    operator.settle()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Gerar Cobrança")
