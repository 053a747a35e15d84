"""Names made of markup on every screen: they are shown as they are written, and nothing is made of them."""

import csv
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Dialog, expect

from tests.e2e.screen import Screen
from tests.e2e.stack import Stack
from tests.e2e.test_shell import MENU

NAMES = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[aqui](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    '"><svg onload=alert(1)>',
    "\u202eoirartnoc oa " + "X" * 400,
    "{{7*7}} ${7*7} :red[vermelho] $$x^2$$",
)
MADE = "img[src='x'], img[src*='evil'], svg[onload], a[href^='javascript:'], [onerror], [onload]"


def _rename(erp: Path) -> list[str]:
    """Give the dump's customers the names; gives the contracts."""
    file = erp / "contracts.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for number, row in enumerate(rows):
        row["customer"] = NAMES[number % len(NAMES)]
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return [row["contract"] for row in rows]


def test_names_and_parameters_of_markup_make_no_element_and_no_dialog(
    new_stack: Callable[..., Stack], new_screen: Callable[[Stack], Screen]
) -> None:
    running = new_stack(contracts=30, months=1)
    contracts = _rename(running.erp)
    running.run("import", str(running.erp))
    screen = new_screen(running)
    opened: list[str] = []

    def note(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    screen.page.on("dialog", note)
    screen.open().sign_in("gestor")
    for name in MENU:
        screen.go(name)
        expect(screen.page.locator(MADE)).to_have_count(0)
    for contract in contracts[: len(NAMES)]:
        screen.open("contratos", contrato=contract)
        expect(screen.page.locator(MADE)).to_have_count(0)
    for markup in NAMES[:2]:
        screen.open("contratos", busca=markup, contrato=markup, aba=markup)
        expect(screen.page.locator(MADE)).to_have_count(0)
    assert opened == []
