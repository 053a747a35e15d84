"""Login by an OIDC provider in a real browser: who gets in as what, who does not, and how a login ends."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Error, expect

from tests.e2e import oidc
from tests.e2e.screen import Screen
from tests.e2e.stack import ROOT, Stack
from tests.e2e.test_shell import MENU, PATHS

LOGIN = "Entre para usar o Dashboard"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The provider's address."""
    port = _free_port()
    issuer = f"http://127.0.0.1:{port}"
    child = subprocess.Popen([sys.executable, "-m", "tests.e2e.oidc", str(port), issuer], cwd=ROOT)
    try:
        _await(f"{issuer}/jwks")
        yield issuer
    finally:
        child.terminate()
        child.wait(15)


def _await(url: str) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            assert time.monotonic() < until, url


def _with_login(folder: Path, issuer: str, **settings: str) -> Stack:
    port = _free_port()
    login = {
        "STFC_OIDC_ISSUER": issuer,
        "STFC_OIDC_CLIENT_ID": oidc.CLIENT,
        "STFC_OIDC_CLIENT_SECRET": oidc.SECRET,
        "STFC_OIDC_COOKIE_SECRET": "a-cookie-secret-of-the-tests-0123456789",
        "STFC_OIDC_ROLES": oidc.ROLES,
        "STFC_PUBLIC_URL": f"http://127.0.0.1:{port}",
        # Neither opens anything where a provider is set.
        "STFC_ROLE": "manager",
    }
    return Stack(folder, contracts=20, months=1, settings={**login, **settings}, port=port)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[Stack]:
    """A product that asks the provider who it is."""
    running = _with_login(tmp_path_factory.mktemp("login"), provider)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture
def door(closed: Stack, new_screen: Callable[[Stack], Screen]) -> Screen:
    """A tab where nobody has logged in."""
    return new_screen(closed)


def enter(screen: Screen, person: str, verb: str = "Entrar") -> Screen:
    """Press the login's button, then the person's at the provider."""
    screen.page.get_by_role("button", name=verb).click()
    screen.page.get_by_role("button", name=person, exact=True).click()
    screen.page.wait_for_url(f"{screen.stack.url}/**")
    return screen.settle()


def test_a_deep_link_shows_the_login_and_nothing_else(door: Screen) -> None:
    for path in PATHS:
        door.open(path, competencia="2026-10", contrato="1")
        expect(door.page.get_by_role("heading", level=1)).to_have_text(LOGIN)
        expect(door.page.get_by_test_id("stSidebarNavLink")).to_have_count(0)
        assert not any(words in door.text() for words in ("Summit", "Resumo da rotina", *MENU[1:]))
    door.expect_accessible()


@pytest.mark.parametrize(("person", "role"), [("sofia", "supervisor"), ("otavio", "operador"), ("gilda", "gestor")])
def test_a_group_gives_its_role_and_the_deep_link_opens_after_the_login(person: str, role: str, door: Screen) -> None:
    enter(door.open("contratos", competencia="2026-08", busca="fibra & cia"), person)
    expect(door.page.get_by_role("heading", level=1)).to_have_text("Contratos - Telefonia")
    door.expect_parameter("competencia", "2026-08").expect_parameter("busca", "fibra & cia")
    expect(door.page.get_by_test_id("stSidebar")).to_contain_text(f"{person}.teste · {role}")
    door.page.reload()
    expect(door.settle().page.get_by_role("heading", level=1)).to_have_text("Contratos - Telefonia")
    if role == "gestor":
        upload_plans(door)


def upload_plans(screen: Screen) -> None:
    """A manager whom the provider knows uploads plans, which the lock opens to managers only."""
    screen.open("configuracoes", aba="planos")
    screen.page.locator("input[type=file]").set_input_files(ROOT / "data" / "plans" / "exemplo.toml")
    screen.settle().click("Importar planos")
    expect(screen.page.get_by_test_id("stToast").first).to_contain_text("2 versões")
    codes = {one["code"] for one in screen.stack.run("plans", "list")["plans"]}
    assert "exemplo-500" in codes


def test_whoever_has_no_mapped_group_sees_that_and_nothing_else(door: Screen) -> None:
    enter(door.open("contratos"), "nina")
    expect(door.page.get_by_role("heading", level=1)).to_have_text("Sua conta não tem acesso ao Dashboard")
    expect(door.page.get_by_test_id("stMain")).to_contain_text("nina.teste")
    door.expect_accessible()
    expect(door.page.get_by_test_id("stSidebarNavLink")).to_have_count(0)


def test_a_token_that_is_not_the_providers_own_opens_nothing(door: Screen) -> None:
    door.open("contratos")
    for forged in oidc.FORGED:
        enter(door, forged)
        expect(door.page.get_by_role("heading", level=1)).to_have_text(LOGIN)
        expect(door.page.get_by_test_id("stAlert")).to_contain_text("não confirmou a entrada")
        assert door.page.url.split("?")[0].endswith("/contratos")
    _forget_log(door)


def _forget_log(screen: Screen) -> None:
    # Streamlit logs why a token was refused, with its traceback.
    assert "OAuth token exchange failed" in screen.stack.log("app")
    screen._log_from = len(screen.stack.log("app"))


def test_leaving_ends_the_login_for_every_copy_of_its_cookie(door: Screen) -> None:
    enter(door.open("contratos"), "otavio")
    cookies = door.page.context.cookies()
    door.page.get_by_role("button", name="Sair").click()
    expect(door.page.get_by_role("heading", level=1)).to_have_text(LOGIN)
    door.page.context.add_cookies(cookies)
    door.open("contratos")
    expect(door.page.get_by_role("heading", level=1)).to_have_text("Sua sessão terminou")
    expect(door.page.get_by_test_id("stSidebarNavLink")).to_have_count(0)


def test_files_and_figures_of_the_server_open_to_a_login_only(door: Screen) -> None:
    enter(door.open("contratos"), "sofia")
    jar = {one["name"]: one["value"] for one in door.page.context.cookies()}
    forged = {**jar, "_streamlit_user": jar["_streamlit_user"][:-6] + "AAAAAA"}
    for path in ("/media/0123.csv", "/_stcore/metrics", "/api/exports/0123"):
        statuses = [httpx.get(door.stack.url + path, cookies=one).status_code for one in ({}, forged, jar)]
        assert statuses[:2] == [403, 403]
        assert statuses[2] != 403
    upload = f"{door.stack.url}/_stcore/upload_file/0123/4567"
    assert [httpx.put(upload, cookies=one).text for one in ({}, forged, jar)] == ["403"] * 3
    assert json.loads(httpx.get(f"{door.stack.url}/api/healthz").text) == {"status": "ok"}


def test_a_login_ends_when_nobody_uses_it_and_when_its_time_is_over_and_comes_back_to_its_address(
    tmp_path: Path, provider: str, new_screen: Callable[[Stack], Screen]
) -> None:
    running = _with_login(tmp_path, provider, STFC_SESSION_IDLE="5", STFC_SESSION_MOST="14")
    try:
        screen = enter(new_screen(running.start()).open("faturas", competencia="2026-08"), "otavio")
        heading = screen.page.get_by_role("heading", level=1)
        expect(heading).to_have_text("Sua sessão terminou por falta de uso")
        expect(screen.page.get_by_test_id("stSidebarNavLink")).to_have_count(0)
        screen.expect_parameter("competencia", "2026-08")
        enter(screen, "otavio", "Entrar novamente")
        expect(heading).to_have_text("Faturas fechadas")
        screen.expect_parameter("competencia", "2026-08")
        # Each press is an act, so it is not for want of use that this one ends.
        refresh = screen.page.get_by_role("button", name="Atualizar")
        while refresh.count():
            with suppress(Error):
                refresh.click(timeout=2_000)
        expect(heading).to_have_text("Sua sessão terminou")
        expect(screen.page.get_by_test_id("stSidebarNavLink")).to_have_count(0)
    finally:
        running.stop()
