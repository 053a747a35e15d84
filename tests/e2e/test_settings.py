"""Configurações e auditoria in a real browser: test the platform, close a month, change a parameter, find it all."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.screen import Screen
from tests.e2e.stack import Stack

PATH = "configuracoes"
TABS = ("plataforma", "planos", "competencias", "parametros", "pessoas", "auditoria", "armazenamento")


def test_a_manager_tests_the_platform_changes_a_parameter_and_finds_it_in_the_trail(
    stack: Stack, new_screen: Callable[[Stack], Screen]
) -> None:
    screen = new_screen(stack).known_as("gestor")
    screen.open(PATH).click("Testar agora")
    main = screen.page.get_by_test_id("stMain")
    expect(main).to_contain_text("tudo certo.")
    for step in ("Endereço", "Conexão", "Token", "Listagem do mês"):
        expect(main.get_by_role("row", name=step)).to_contain_text("Certo")

    screen.open(PATH, aba="parametros")
    screen.page.get_by_label("Novo valor").fill("48")
    screen.page.get_by_label("Novo valor").press("Tab")
    screen.settle().click("Alterar")
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text("de 60 meses para 48 meses")
    screen.expect_accessible()
    dialog.get_by_role("textbox").fill("Orientação do jurídico.")
    dialog.get_by_role("button", name="Alterar").dblclick()
    expect(dialog).to_be_hidden()
    expect(main.get_by_role("row", name="Retenção das ligações")).to_contain_text("48 meses")
    expect(main.get_by_role("row", name="Retenção das ligações")).to_contain_text("Esta tela")

    screen.open(PATH, aba="auditoria").click("Conferir integridade")
    expect(main).to_contain_text("Auditoria íntegra")
    screen.search("Orientação do jurídico.")
    assert screen.grid().column(5) == ["Parâmetro alterado"]
    assert stack.run("audit", "verify")["ok"]
    screen.assert_clean()


def test_no_tab_has_an_access_fault_of_ours(stack: Stack, new_screen: Callable[[Stack], Screen]) -> None:
    screen = new_screen(stack).known_as("gestor")
    for tab in TABS:
        screen.open(PATH, aba=tab)
        if tab == "plataforma":
            screen.click("Testar agora")
        if tab == "armazenamento":
            screen.click("Conferir agora")
        screen.expect_accessible()
