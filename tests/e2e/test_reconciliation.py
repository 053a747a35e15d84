"""Conferência in a real browser: find the riskiest held charge, read why, release it, reject others, each once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from stfc.domain.competence import Competence, local_day
from tests.e2e.screen import Screen
from tests.e2e.stack import ROOT, Stack
from tests.e2e.test_holds import reais

PATH = "conferencia"
LAST = Competence.of(local_day(datetime.now(UTC))).plus(-1)


@pytest.fixture(scope="module")
def divergent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A product whose platform declares wrong totals in one file in three; two months have been billed, and some of the
    files corrected since."""
    wrong = ("--fault", "wrong-totals=0.3@file")
    running = Stack(tmp_path_factory.mktemp("conferencia"), contracts=30, months=2, simulator=wrong)
    try:
        running.start()
        for month in (LAST.plus(-1), LAST):
            running.run("bill", "--competence", str(month), "--all", "--wait")
        running.exchange_platform(*wrong, "--fault", "corrected=0.3")
        yield running
    finally:
        running.stop()


@pytest.fixture
def manager(divergent: Stack, new_screen: Callable[[Stack], Screen]) -> Screen:
    """A manager's tab."""
    return new_screen(divergent).known_as("gestor")


def holds(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.run("holds", "list")["holds"]
    return found


def case(screen: Screen) -> Locator:
    return screen.page.locator(".st-key-stfc_case")


def bar(screen: Screen) -> Locator:
    return screen.page.locator(".st-key-stfc_action_bar")


def decide(screen: Screen, act: str, facts: str, reason: str) -> None:
    """Press ``act`` in the bar, give a reason and press the dialog's button twice."""
    bar(screen).get_by_role("button", name=act).click()
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text(facts)
    screen.expect_accessible()
    button = dialog.get_by_role("button", name=act)
    button.click()
    expect(dialog).to_contain_text("Escreva o motivo.")
    dialog.get_by_role("textbox").fill(reason)
    button.dblclick()
    expect(dialog).to_be_hidden()
    screen.settle()


def test_a_manager_reads_the_riskiest_releases_it_and_rejects_two_others_each_once(manager: Screen) -> None:
    stack = manager.stack
    before = holds(stack)
    manager.open(PATH)
    first = before[0]
    expect(case(manager)).to_contain_text(first["contract"])
    for words in ("Declarado pelo arquivo", "Soma dos registros", "Nossa tarifação", f"({first['code']})"):
        expect(case(manager)).to_contain_text(words)
    expect(case(manager)).to_contain_text(f"Se liberada, cobra {reais(first['amount'])}")
    decide(manager, "Liberar", "1 cobrança · " + reais(first["amount"]), "Conferido com a Summit.")
    expect(manager.page.get_by_test_id("stToast").first).to_contain_text(f"contrato {first['contract']}")
    expect(manager.page.get_by_role("tab", name=f"Retidas {len(before) - 1}")).to_be_visible()
    expect(case(manager)).to_contain_text(before[1]["contract"])

    grid = manager.grid()
    grid.mark(0)
    grid.mark(1)
    expect(bar(manager)).to_contain_text("2 retidas selecionadas")
    decide(manager, "Rejeitar", "2 cobranças", "Totais errados.")
    expect(manager.page.get_by_role("tab", name=f"Retidas {len(before) - 3}")).to_be_visible()
    assert holds(stack) == before[3:]

    manager.page.get_by_role("tab", name="Decididas").click()
    manager.expect_parameter("aba", "decididas").settle()
    assert manager.grid().column(3) == ["Rejeitada", "Rejeitada", "Liberada"]
    assert manager.grid().column(7) == ["Totais errados.", "Totais errados.", "Conferido com a Summit."]
    assert stack.run("doctor")["ok"]


def test_a_manager_keeps_one_charge_takes_that_back_and_charges_a_corrected_file_again(manager: Screen) -> None:
    stack, page = manager.stack, manager.page
    manager.open(PATH, aba="corrigidos", competencia=str(LAST))
    expect(page.get_by_role("heading", name="Nenhum arquivo corrigido espera decisão")).to_be_visible()
    manager.click("Procurar agora")
    waiting = stack.run("files", "list")["corrected"]
    tab = page.get_by_role("tab", name=f"Arquivos corrigidos {len(waiting)}")
    expect(tab).to_be_visible()
    first = waiting[0]
    expect(case(manager)).to_contain_text(first["contract"])
    expect(case(manager)).to_contain_text("+R$ 1,00")
    expect(case(manager).get_by_role("table", name="Por ligação")).to_contain_text("Alterada")
    decide(manager, "Manter a cobrança", first["contract"], "Um real, acordado.")
    expect(page.get_by_role("tab", name=f"Arquivos corrigidos {len(waiting) - 1}")).to_be_visible()
    page.get_by_role("button", name="Desfazer").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("Engano.")
    dialog.get_by_role("button", name="Desfazer").click()
    expect(tab).to_be_visible()
    manager.settle()
    # By keyboard alone, from the button on.
    bar(manager).get_by_role("button", name="Estornar e cobrar").focus()
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text(f"Estorna {reais(first['charged'])}")
    dialog.get_by_role("textbox").focus()
    page.keyboard.type("Nova versão da Summit.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name=f"Arquivos corrigidos {len(waiting) - 1}")).to_be_visible()
    expect(page.get_by_test_id("stMain")).to_contain_text(f"Contrato {first['contract']}: cobrança estornada")
    assert [one["id"] for one in stack.run("files", "list")["corrected"]] == [one["id"] for one in waiting[1:]]


def test_the_queue_is_narrowed_and_a_link_opens_the_same_charge(manager: Screen) -> None:
    waiting = holds(manager.stack)
    chosen = waiting[-1]
    manager.open(PATH, retida=str(chosen["id"]))
    expect(case(manager)).to_contain_text(chosen["contract"])
    manager.search(chosen["contract"])
    same = [one for one in waiting if one["contract"] == chosen["contract"]]
    amounts = [reais(one["amount"]) for one in same]
    assert manager.grid().column(5) == amounts
    manager.open(PATH, mes="1", competencia=str(LAST))
    of_month = [one for one in waiting if one["competence"] == str(LAST)]
    expect(manager.page.get_by_test_id("stMain")).to_contain_text(f"{len(of_month)} de ")
    manager.open(PATH, q="nada disso")
    expect(manager.page.get_by_role("heading", name="Nenhuma cobrança retida atende ao filtro")).to_be_visible()
    manager.click("Limpar o filtro")
    expect(case(manager)).to_contain_text(waiting[0]["contract"])
    manager.click("Ver as ligações")
    expect(manager.page.get_by_role("heading", level=1)).to_have_text("Registros de ligações")
    manager.expect_parameter("de_contrato", waiting[0]["contract"])
    manager.expect_parameter("competencia", waiting[0]["competence"])


def test_an_operator_reads_who_may_decide(divergent: Stack, new_screen: Callable[[Stack], Screen]) -> None:
    screen = new_screen(divergent).known_as("operador").open(PATH)
    expect(case(screen)).to_contain_text("Nossa tarifação")
    expect(bar(screen)).to_contain_text("Liberar e rejeitar pedem o papel gestor; você está como operador.")
    for act in ("Liberar", "Rejeitar"):
        expect(screen.page.get_by_role("button", name=act)).to_have_count(0)


def test_conferencia_has_no_access_fault_of_ours(manager: Screen) -> None:
    for tab in ("retidas", "corrigidos", "completude", "retarifacao", "decididas"):
        manager.open(PATH, aba=tab).expect_accessible()


def test_a_manager_sees_what_a_corrected_plan_changes_and_charges_it_anew(manager: Screen) -> None:
    stack = manager.stack
    corrected = (ROOT / "data" / "plans" / "demonstracao.toml").read_text(encoding="utf-8")
    corrected = corrected.replace("2020-01-01", LAST.first_day.isoformat()).replace('LOCAL = "0.08"', 'LOCAL = "0.40"')
    (stack.folder / "corrected.toml").write_text(corrected, encoding="utf-8")
    stack.run("plans", "import", str(stack.folder / "corrected.toml"))
    expected = stack.run("rerate", str(LAST))
    assert expected["contracts"]

    manager.open(PATH, aba="retarifacao", competencia=str(LAST))
    manager.click("Calcular a prévia")
    count = expected["contracts"]
    verb = f"Retarifar {count} contrato" + ("s" if count > 1 else "")
    expect(bar(manager)).to_contain_text(f"de {reais(expected['charged'])} para {reais(expected['amount'])}")
    expect(manager.page.get_by_test_id("stMain")).to_contain_text("só o preço das ligações")
    expect(manager.page.get_by_test_id("stDataFrame").locator("canvas").first).to_be_visible()
    manager.settle().shot("conferencia-retarifacao")
    assert manager.grid().column(7)[0] == f"01/01/2020 → {LAST.first_day:%d/%m/%Y}"
    manager.grid().press(0)
    drawer = manager.page.get_by_role("dialog")
    expect(drawer.get_by_role("row", name="Planos da cobrança")).to_contain_text("@2020-01-01")
    manager.expect_accessible()
    manager.page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    decide(manager, verb, reais(expected["amount"]), "Preço local corrigido.")
    expect(manager.page.get_by_text("retarifado", exact=False).first).to_be_visible()
    assert stack.run("rerate", str(LAST))["effects"]["changed"] == 0
    assert stack.run("doctor")["ok"]
