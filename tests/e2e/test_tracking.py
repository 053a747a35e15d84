"""*Acompanhamento* in a real browser: a batch that runs, causes and logs, retry and reversal, what stops billing."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from stfc.domain.competence import Competence, local_day
from stfc.ui.format import month
from tests.e2e.screen import Screen
from tests.e2e.stack import TOKEN, Stack

PATH = "acompanhamento"
LAST = Competence.of(local_day(datetime.now(UTC))).plus(-1)
EARLIER = LAST.plus(-1)
EARLIEST = LAST.plus(-2)
_PART_ENDED = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A product whose platform spoils one file in five and fails at others; its first batch has ended."""
    running = Stack(
        tmp_path_factory.mktemp("faulty"),
        contracts=40,
        months=2,
        simulator=("--fault", "bad-line=0.2@file", "--fault", "500=0.3@file"),
        settings={"STFC_RETRY_TRIES": "1"},
    )
    try:
        running.start().run("bill", "--competence", str(EARLIER), "--all", "--wait")
        yield running
    finally:
        running.stop()


@pytest.fixture
def tracking(faulty: Stack, new_screen: Callable[[Stack], Screen]) -> Screen:
    """An operator's tab."""
    return new_screen(faulty).known_as("operador")


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


def pause(screen: Screen) -> Locator:
    return screen.page.locator("[class*=st-key-stfc_error_paused]")


def full_runs(page: Page) -> list[int]:
    """Grows with every run of a whole page that the server ends for ``page``; not with those of a part of it."""
    ended: list[int] = []

    def on_frame(data: str | bytes) -> None:
        message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
        if message.WhichOneof("type") == "script_finished" and message.script_finished != _PART_ENDED:
            ended.append(message.script_finished)

    page.on("websocket", lambda socket: socket.on("framereceived", on_frame))
    return ended


def test_what_can_succeed_is_retried_in_three_clicks_by_keyboard(tracking: Screen) -> None:
    before = {item["contract"]: item for item in batch(tracking.stack)["items"]}
    likely = {contract for contract, item in before.items() if item["code"] == "SUM-5XX"}
    tracking.open().count_acts().enter(tracking.menu("Gerar Cobrança - Acompanhamento"))
    opened = card(tracking)
    tracking.enter(opened.locator("summary"))
    expect(opened).to_contain_text("Erro no servidor da Summit")
    expect(opened).to_contain_text("Pode dar certo")
    expect(opened).to_contain_text("Só depois de corrigir")
    tracking.enter(tracking.page.get_by_role("button", name=f"Reprocessar os {len(likely)} que podem dar certo"))
    expect(tracking.page.get_by_test_id("stToast").first).to_contain_text(f"{len(likely)} contratos de volta à fila")
    tracking.expect_acts(3)
    expect(card(tracking)).to_contain_text("Com pendências")
    after = {item["contract"]: item for item in batch(tracking.stack)["items"]}
    assert {c for c, item in after.items() if len(item["log"]) > len(before[c]["log"])} == likely


def test_an_operator_finds_what_failed_reads_why_and_retries_only_that(tracking: Screen) -> None:
    before = {item["contract"]: item for item in batch(tracking.stack)["items"]}
    failed = with_code(tracking.stack, "ARQ-FMT")
    opened = open_logs(tracking.open(PATH))
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
    tracking.expect_accessible()
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
    tracking.expect_accessible()
    dialog.get_by_role("button", name="Estornar").click()
    expect(dialog).to_contain_text("Escreva o motivo.")
    dialog.get_by_role("textbox").fill("Cobrado em duplicidade pelo ERP antigo.")
    dialog.get_by_role("button", name="Estornar").dblclick()
    expect(dialog).to_be_hidden()
    expect(tracking.page.get_by_test_id("stToast")).to_contain_text("1 cobrança")
    expect(card(tracking)).to_contain_text("1 estornado")
    expect(log_panel(tracking)).to_contain_text("Estornado por ana.lima: Cobrado em duplicidade pelo ERP antigo.")
    assert [item["contract"] for item in batch(tracking.stack)["items"] if item["reversed"]] == [contract]


def test_two_tabs_retry_cancel_and_reverse_once(
    tracking: Screen, faulty: Stack, new_screen: Callable[[Stack], Screen]
) -> None:
    faulty.halt("worker")
    twin = new_screen(faulty).open(PATH, lote="1")
    tracking.open(PATH, lote="1")
    failed = with_code(faulty, "ARQ-FMT")
    for screen, said in ((tracking, f"{len(failed)} contratos de volta à fila"), (twin, "Nada a reprocessar")):
        screen.page.locator("[class*=st-key-tracking_retry_1_ARQ-FMT] button").first.click()
        expect(screen.page.get_by_test_id("stToast").first).to_contain_text(said)
    for screen in (tracking, twin):
        screen.page.reload()
        screen.settle().click(f"Cancelar {len(failed)} na fila")
        facts = f"Competência {month(EARLIER)} · lote 1 · {len(failed)} contratos"
        expect(screen.page.get_by_role("dialog")).to_contain_text(facts)
    tracking.expect_accessible()
    tracking.page.get_by_role("dialog").get_by_role("button", name="Cancelar").dblclick()
    expect(tracking.page.get_by_test_id("stToast").first).to_contain_text(f"{len(failed)} contratos")
    # The other tab notices by itself that nothing is left to cancel.
    expect(twin.page.get_by_role("dialog")).to_have_count(0)
    assert batch(faulty)["outcomes"]["cancelled"] == len(failed)
    faulty.launch("worker")


def test_marked_contracts_are_reversed_together_and_listed_with_their_sum(tracking: Screen) -> None:
    tracking.open(PATH, lote="1", resultado="charged")
    charged = [item for item in batch(tracking.stack)["items"] if item["outcome"] == "charged" and not item["reversed"]]
    tracking.grid().mark(0).mark(2)
    expect(card(tracking)).to_contain_text("2 escolhidos")
    tracking.click("Estornar 2 cobranças", exact=True)
    dialog = tracking.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Competência {month(EARLIER)} · 2 cobranças")
    chosen = [charged[0]["contract"], charged[2]["contract"]]
    expect(dialog).to_contain_text(", ".join(chosen))
    dialog.get_by_role("textbox").fill("Plano errado.")
    dialog.get_by_role("button", name="Estornar").dblclick()
    expect(tracking.page.get_by_test_id("stToast").first).to_contain_text("2 cobranças")
    tracking.page.go_back()
    tracking.page.go_forward()
    tracking.settle()
    expect(card(tracking).get_by_text("escolhidos")).to_have_count(0)
    reversed_ones = {item["contract"] for item in batch(tracking.stack)["items"] if item["reversed"]}
    assert set(chosen) <= reversed_ones


def test_a_supervisor_finds_a_customer_and_reads_the_log_but_acts_on_nothing(
    faulty: Stack, new_screen: Callable[[Stack], Screen]
) -> None:
    items = batch(faulty)["items"]
    screen = new_screen(faulty).known_as("supervisor").open(PATH, aba="contratos")
    expect(screen.page.get_by_role("tab", name="Contratos")).to_have_text(f"Contratos {len(items)}")
    customer = screen.expect_accessible().grid().column(1)[2]
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
    expect(pause(tracking)).to_contain_text("A Summit não responde desde")
    tracking.expect_accessible()
    stack.launch("simulator", "--port", port, "--erp", str(stack.erp), "--token", TOKEN)
    tracking.click("Tentar agora")
    expect(card(tracking, number)).to_contain_text("100%")
    expect(pause(tracking)).to_have_count(0)
    expect(card(tracking, number)).to_contain_text("Cobrados")
    assert batch(stack, number)["outcomes"]["charged"] > 0


def test_a_refused_credential_is_said_on_every_screen_until_it_is_mended(tracking: Screen) -> None:
    stack = tracking.stack
    port = str(urlsplit(stack.environment["STFC_SUMMIT_URL"]).port)
    stack.halt("simulator")
    stack.launch("simulator", "--port", port, "--erp", str(stack.erp), "--token", "another")
    number = stack.run("bill", "--competence", str(EARLIEST), "--all")["batch"]
    for path in ("", "contratos", "gerar-cobranca", "ligacoes", "faturas", PATH):
        tracking.open(path)
        expect(pause(tracking)).to_contain_text("A Summit recusa a credencial desde")
        expect(pause(tracking)).to_contain_text(f"O lote {number} está pausado")
        expect(pause(tracking).get_by_role("button", name="Tentar agora")).to_be_visible()
    tracking.open("contratos").click(f"Ver lote {number}")
    tracking.expect_parameter("lote", str(number))
    expect(card(tracking, number)).to_contain_text("Pausado: SUM-401")
    stack.halt("simulator")
    stack.launch("simulator", "--port", port, "--erp", str(stack.erp), "--token", TOKEN)
    pause(tracking).get_by_role("button", name="Tentar agora").dblclick()
    expect(card(tracking, number)).to_contain_text("100%")
    expect(pause(tracking)).to_have_count(0)
    assert batch(stack, number)["outcomes"]["failed"] == 0


def test_a_running_batch_refreshes_without_moving_anything_under_the_reader(
    new_stack: Callable[..., Stack], new_screen: Callable[[Stack], Screen]
) -> None:
    waits = {"STFC_RETRY_FIRST": "60", "STFC_RETRY_MOST": "60"}
    stack = new_stack(contracts=30, months=2, simulator=("--fault", "500=0.6@file"), settings=waits)
    stack.run("bill", "--competence", str(LAST), "--all")
    screen = new_screen(stack).known_as("operador")
    screen.page.set_viewport_size({"width": 1366, "height": 500})
    runs = full_runs(screen.page)
    screen.open(PATH, lote="1", resultado="todos")
    expect(card(screen)).to_contain_text(re.compile(r"\d%.*próxima tentativa em \d+"))
    expect(card(screen)).to_contain_text("Nada a fazer: próxima tentativa em")
    expect(screen.page.get_by_test_id("stSidebar")).to_contain_text("próxima tentativa em")
    main, field = screen.page.get_by_test_id("stMain"), card(screen).get_by_role("searchbox")
    field.fill("100")
    main.evaluate("element => { element.scrollTop = 330 }")
    log_panel(screen).evaluate("element => { element.dataset.kept = 'yes' }")
    whole, progress = len(runs), card(screen).locator(".stfc-batch")
    for _ in range(4):
        expect(progress).not_to_have_text(progress.inner_text())
    assert main.evaluate("element => element.scrollTop") == 330
    expect(log_panel(screen)).to_have_attribute("data-kept", "yes")
    expect(field).to_have_value("100")
    expect(field).to_be_focused()
    assert len(runs) == whole > 0
