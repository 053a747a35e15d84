"""*Acompanhamento* in a real browser: a batch that runs, its causes and logs, retry and reversal, a silent platform."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, expect

from stfc.domain.competence import Competence, local_day
from stfc.ui.format import month
from tests.e2e.screen import Screen
from tests.e2e.stack import TOKEN, Stack

PATH = "acompanhamento"
LAST = Competence.of(local_day(datetime.now(UTC))).plus(-1)
EARLIER = LAST.plus(-1)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A product whose platform spoils one file in five; its first batch has ended."""
    running = Stack(
        tmp_path_factory.mktemp("faulty"), contracts=40, months=2, simulator=("--fault", "bad-line=0.2@file")
    )
    try:
        running.start().run("bill", "--competence", str(EARLIER), "--all", "--wait")
        yield running
    finally:
        running.stop()


@pytest.fixture
def tracking(faulty: Stack, new_screen: Callable[[Stack], Screen]) -> Screen:
    """An operator's tab."""
    return new_screen(faulty).open().sign_in("operador")


def batch(stack: Stack, number: int = 1) -> dict[str, Any]:
    return stack.run("batches", "show", str(number))


def with_code(stack: Stack, code: str, number: int = 1) -> list[dict[str, Any]]:
    return [item for item in batch(stack, number)["items"] if item["code"] == code]


def card(screen: Screen, number: int = 1) -> Locator:
    return screen.page.locator(f".st-key-stfc_batch_{number}")


def open_logs(screen: Screen, number: int = 1) -> Locator:
    card(screen, number).get_by_text("Logs de processamento").click()
    screen.settle()
    return card(screen, number)


def log_panel(screen: Screen, number: int = 1) -> Locator:
    return screen.page.locator(f".st-key-stfc_log_{number}")


def test_an_operator_finds_what_failed_reads_why_and_retries_only_that(tracking: Screen) -> None:
    before = {item["contract"]: item for item in batch(tracking.stack)["items"]}
    failed = with_code(tracking.stack, "ARQ-FMT")
    opened = open_logs(tracking.go("Gerar Cobrança - Acompanhamento"))
    tracking.expect_parameter("lote", "1")
    expect(opened).to_contain_text("Arquivo fora do formato combinado")
    expect(opened).to_contain_text("Abrir chamado na Summit com o anexo")
    number = opened.locator("[class*=st-key-tracking_cause_1_ARQ-FMT] button").first
    expect(number).to_have_text(str(len(failed)))
    number.click()
    tracking.settle()
    visible = tracking.grid().column(1)
    assert visible == [item["contract"] for item in failed][: len(visible)]
    tracking.grid().press(1, x=150)
    for line in failed[1]["log"]:
        expect(log_panel(tracking)).to_contain_text(line["message"])
    with tracking.page.expect_download() as event:
        tracking.page.get_by_role("button", name="Baixar log").click()
    assert event.value.suggested_filename == f"log-lote-1-contrato-{failed[1]['contract']}.txt"

    tracking.page.goto(tracking.page.url)
    tracking.settle()
    expect(log_panel(tracking)).to_contain_text(failed[1]["contract"])
    tracking.page.locator("[class*=st-key-tracking_retry_1_ARQ-FMT] button").first.dblclick()
    expect(tracking.page.get_by_test_id("stToast").first).to_contain_text(f"{len(failed)} contratos de volta à fila")
    expect(card(tracking)).to_contain_text("Com pendências")
    after = {item["contract"]: item for item in batch(tracking.stack)["items"]}
    spoilt = {item["contract"] for item in failed}
    assert [after[c] for c in after if c not in spoilt] == [before[c] for c in before if c not in spoilt]
    assert all(len(after[contract]["log"]) > len(before[contract]["log"]) for contract in spoilt)


def test_reversal_needs_a_reason_and_happens_once(tracking: Screen) -> None:
    charged = next(item for item in batch(tracking.stack)["items"] if item["outcome"] == "charged")
    contract, value = charged["contract"], f"R$ {charged['amount'].replace('.', ',')}"
    tracking.open(PATH, lote="1", contrato=contract, resultado="todos").click("Estornar", exact=True)
    dialog = tracking.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Competência {month(EARLIER)} · 1 cobrança")
    expect(dialog).to_contain_text(value)
    dialog.get_by_role("button", name="Estornar").click()
    expect(dialog).to_contain_text("Escreva o motivo.")
    dialog.get_by_role("textbox").fill("Cobrado em duplicidade pelo ERP antigo.")
    dialog.get_by_role("button", name="Estornar").dblclick()
    expect(dialog).to_be_hidden()
    expect(tracking.page.get_by_test_id("stToast")).to_contain_text("1 cobrança")
    expect(card(tracking)).to_contain_text("1 estornado")
    expect(log_panel(tracking)).to_contain_text("Estornado por ana.lima: Cobrado em duplicidade pelo ERP antigo.")
    assert [item["contract"] for item in batch(tracking.stack)["items"] if item["reversed"]] == [contract]


def test_a_supervisor_finds_a_customer_and_reads_the_log_but_acts_on_nothing(
    faulty: Stack, new_screen: Callable[[Stack], Screen]
) -> None:
    items = batch(faulty)["items"]
    screen = new_screen(faulty).open().sign_in("supervisor").open(PATH, aba="contratos")
    expect(screen.page.get_by_role("tab", name="Contratos")).to_have_text(f"Contratos {len(items)}")
    customer = screen.grid().column(1)[2]
    screen.search(customer)
    assert set(screen.grid().column(1)) == {customer}
    screen.grid().press(0)
    expect(log_panel(screen)).to_contain_text(customer)
    screen.expect_parameter("lote", "1")
    expect(card(screen).get_by_role("button", name=re.compile("Reprocessar|Cancelar|Estornar"))).to_have_count(0)
    screen.click("Ações")
    expect(screen.page.get_by_text("pedem o papel operador; você está como supervisor").last).to_be_visible()
    expect(screen.page.get_by_role("button", name="Baixar CSV")).to_be_visible()


def test_a_batch_that_a_silent_platform_pauses_goes_on_where_it_was(tracking: Screen) -> None:
    stack = tracking.stack
    port = str(urlsplit(stack.environment["STFC_SUMMIT_URL"]).port)
    stack.halt("simulator")
    number = stack.run("bill", "--competence", str(LAST), "--all")["batch"]
    tracking.open(PATH, lote=str(number))
    expect(card(tracking, number)).to_contain_text("Pausado: SUM-NET")
    expect(tracking.page.locator(".st-key-stfc_error_paused")).to_contain_text("A Summit não responde desde")
    stack.launch("simulator", "--port", port, "--erp", str(stack.erp), "--token", TOKEN)
    tracking.click("Tentar agora")
    expect(card(tracking, number)).to_contain_text("100%")
    expect(tracking.page.locator(".st-key-stfc_error_paused")).to_have_count(0)
    expect(card(tracking, number)).to_contain_text("Cobrados")
    assert batch(stack, number)["outcomes"]["charged"] > 0
