"""The shell in a real browser: menu, roles, competence in the address, themes, and nothing from outside."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.screen import Screen
from tests.e2e.stack import Stack

MENU = [
    "Visão geral",
    "Contratos - Telefonia",
    "Gerar Cobrança",
    "Gerar Cobrança - Acompanhamento",
    "Registros de ligações",
    "Faturas fechadas",
    "Conferência",
]
PATHS = ["", "contratos", "gerar-cobranca", "acompanhamento", "ligacoes", "faturas", "conferencia", "configuracoes"]
MANAGERS = "Configurações e auditoria"


def test_deep_links_ask_for_a_role_instead_of_showing_the_page(screen: Screen) -> None:
    for path in PATHS:
        screen.open(path)
        expect(screen.page.get_by_role("heading", level=1)).to_have_text("Quem está usando o Dashboard?")
        assert "Resumo da rotina" not in screen.text()
    screen.expect_accessible()


def test_menu_is_the_routines_letter_for_letter(operator: Screen) -> None:
    links = operator.open().page.get_by_test_id("stSidebarNavLink")
    assert [" ".join(text.split("\n")[-1].split()) for text in links.all_inner_texts()] == [*MENU, MANAGERS]
    for name in MENU:
        operator.go(name)
        assert "Resumo da rotina:" in operator.text()
        for words in ("Ajuda", "Atualizar"):
            expect(operator.page.get_by_role("button", name=words)).to_be_visible()
    operator.open("configuracoes")
    assert "Resumo da rotina:" not in operator.text()


def test_a_reload_keeps_the_role(screen: Screen) -> None:
    operator = screen.open().sign_in("operador")
    operator.page.reload()
    operator.settle()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Visão geral")
    assert "ana.lima · operador" in operator.text()


def test_competence_lives_in_the_address(operator: Screen) -> None:
    operator.open("contratos", competencia="2026-08")
    months = operator.page.locator(".st-key-competence_months button")
    expect(months).to_contain_text("ago/2026")
    operator.click("Competência anterior")
    operator.expect_parameter("competencia", "2026-07")
    operator.go("Gerar Cobrança")
    operator.expect_parameter("competencia", "2026-07")
    operator.page.go_back()
    operator.settle()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Contratos - Telefonia")
    expect(months).to_contain_text("jul/2026")


def test_the_shell_and_its_help_drawer_have_no_access_fault_of_ours(operator: Screen) -> None:
    operator.open("gerar-cobranca").expect_accessible().click("Ajuda")
    drawer = operator.page.get_by_role("dialog")
    expect(drawer).to_contain_text("Quem está na lista")
    expect(drawer.get_by_role("img", name="A tela Gerar Cobrança")).to_be_visible()
    operator.expect_accessible().enter(drawer.get_by_role("button", name="Fechar a ajuda"))
    expect(drawer).to_be_hidden()


def test_page_speaks_portuguese_and_the_server_answers_its_health(operator: Screen) -> None:
    page = operator.open("contratos").page
    assert page.locator("html").get_attribute("lang") == "pt-BR"
    # Words of Streamlit's own.
    expect(page.get_by_role("button", name="Próxima página")).to_be_visible()
    expect(page.get_by_test_id("stSkipToContent")).to_have_text("Ir para o conteúdo")
    answer = operator.page.request.get(f"{operator.stack.url}/api/healthz")
    assert answer.json() == {"status": "ok"}


def test_role_can_be_changed_at_the_foot(operator: Screen) -> None:
    operator.open().click("ana.lima · operador")
    operator.page.get_by_text("gestor", exact=True).click()
    operator.settle()
    assert "ana.lima · gestor" in operator.text()


def test_without_a_platform_every_screen_says_who_enables_it(
    new_stack: Callable[..., Stack], new_screen: Callable[[Stack], Screen]
) -> None:
    running = new_stack(contracts=5, months=1, platform=False)
    screen = new_screen(running).known_as("supervisor").open()
    for name in MENU:
        screen.go(name)
        assert "A integração STFC - Summit não está habilitada" in screen.text()
        assert "STFC_SUMMIT_URL" in screen.text()
