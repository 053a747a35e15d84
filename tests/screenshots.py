"""Pictures of every screen, state, size and theme: ``make screenshots`` (``python -m tests.screenshots [NAME…]``).

A product of its own on invented contracts (``tests.e2e.stack``) is billed, held, reversed and broken as a month does
it; each picture goes to ``docs/screenshots/THEME/SIZE/NAME.png``. Those that README and help show are made smaller
and put where they belong. With names only those are taken, by their beginnings (``acompanhamento``).
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Error, sync_playwright

from stfc.domain.competence import Competence, local_day
from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.e2e.screen import Screen
from tests.e2e.stack import ROOT, TOKEN, Stack
from tests.terminal import Terminal

OUT: Final = ROOT / "docs" / "screenshots"
HELP: Final = ROOT / "data" / "help"
IMAGES: Final = ROOT / "docs" / "images"
README: Final = ("visao-geral", "gerar-cobranca", "acompanhamento-logs")
# What the help of each screen begins with, by the name of its file.
HELPED: Final = {
    "overview": "visao-geral",
    "contracts": "contratos",
    "billing": "gerar-cobranca",
    "tracking": "acompanhamento-logs",
    "calls": "ligacoes",
    "invoices": "faturas",
    "reconciliation": "conferencia",
    "settings": "configuracoes-competencias",
}
# Of the screen 1024 wide: what stands right of the menu, as much of it as a drawer shows at a glance.
_HELP_PART: Final = (242, 0, 1024, 640)
LAST: Final = Competence.of(local_day(datetime.now(UTC))).plus(-1)
CONTRACTS, MONTHS = 400, 7
_PATIENCE: Final = 120.0
Theme = Literal["light", "dark"]
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")


@dataclass(frozen=True)
class Size:
    """A window; ``whole`` lets it grow as high as what it shows, up to ``_HIGHEST``."""

    width: int
    height: int
    whole: bool = False

    @property
    def name(self) -> str:
        """``1366x768``, or ``1366`` of a whole screen."""
        return f"{self.width}" if self.whole else f"{self.width}x{self.height}"


SIZES: Final = (Size(1366, 768), Size(1920, 1080), Size(1366, 768, True), Size(1024, 768, True), Size(390, 844, True))
_HIGHEST: Final = 2600
# How much higher the window has to be for nothing to scroll.
_HIDDEN = """() => Math.max(0, ...[...document.querySelectorAll('[data-testid=stMain], [data-testid=stDialog] *')]
    .filter(one => /auto|scroll/.test(getComputedStyle(one).overflowY))
    .map(one => one.scrollHeight - one.clientHeight))"""


@dataclass(frozen=True)
class Shot:
    """One state of a screen: its address, who looks, and what they do there before the picture."""

    name: str
    path: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    act: Callable[[Screen], object] | None = None
    role: str = "gestor"

    def show(self, screen: Screen) -> None:
        """Bring the tab there."""
        screen.page.context.clear_cookies()
        if self.role:
            screen.known_as(self.role)
        screen.open(self.path, **self.parameters)
        if self.act:
            self.act(screen)
            screen.settle()


# --- The month that is shown -----------------------------------------------------------------------------------------


def _faults(*kinds: str) -> tuple[str, ...]:
    """Faults of the platform's files, as options of the simulator."""
    return tuple(part for kind in kinds for part in ("--fault", f"{kind}@file"))


_FAULTS: Final = ("--unknown", "0.01", *_faults("wrong-totals=0.02", "bad-line=0.01"))


class Month:
    """The product that is photographed: billed months, the last one billed in part and with failures."""

    def __init__(self, folder: Path) -> None:
        self.stack = Stack(
            folder,
            contracts=CONTRACTS,
            months=MONTHS,
            simulator=(*_FAULTS, *_faults("500=0.15")),
            settings={"STFC_RETRY_TRIES": "2"},
        )

    def bill(self) -> "Month":
        """Bill all months but the last, and two thirds of that; decide on a few holds, reverse a charge."""
        stack = self.stack.start()
        for back in range(MONTHS - 1, 0, -1):
            stack.run("bill", "--competence", str(LAST.plus(-back)), "--all", "--wait")
        self.bill_some([one for number, one in enumerate(self.eligible()) if number % 3], "--wait")
        held = self.held(str(LAST.plus(-1)))
        manager = self.as_("bia.rocha")
        manager.ask("holds", "release", held[-1], "--reason", "Conferido com a Summit, totais reenviados.")
        manager.ask("holds", "reject", held[-2], "--reason", "Arquivo trocado pela Summit.")
        wrong = self.item("charged", 3)
        manager.ask("batches", "reverse", str(MONTHS), "--contract", wrong, "--reason", "Plano errado.")
        oldest = str(LAST.plus(-MONTHS + 1))
        manager.ask("holds", "release", *self.held(oldest), "--reason", "Conferido com a Summit.")
        manager.ask("competence", "close", oldest)
        return self

    def eligible(self) -> list[str]:
        """The contracts that can be billed in the last month."""
        found = self.stack.run("contracts", "list", "--competence", str(LAST), "--eligible")["contracts"]
        return [str(one["contract"]) for one in found]

    def bill_some(self, contracts: list[str], *options: str) -> int:
        """A batch of the last month; gives its number."""
        listed = self.stack.folder / "some.txt"
        listed.write_text("\n".join(contracts))
        return int(self.stack.run("bill", "--competence", str(LAST), "--contracts", str(listed), *options)["batch"])

    def as_(self, who: str) -> Terminal:
        """A manager's terminal beside the screens."""
        settings = {**self.stack.environment, "STFC_USER": who, "STFC_ROLE": "manager"}
        return Terminal(self.stack.folder / "home", settings)

    def item(self, outcome: str, number: int = 0) -> str:
        """A contract of the last batch with that outcome."""
        items = self.stack.run("batches", "show", str(MONTHS))["items"]
        return str([one["contract"] for one in items if one["outcome"] == outcome and not one["reversed"]][number])

    def held(self, month: str) -> list[str]:
        """The open holds of a month."""
        return [str(one["id"]) for one in self.stack.run("holds", "list")["holds"] if one["competence"] == month]

    def kept_out(self) -> str:
        """A contract that more than one rule keeps out of the last month."""
        listed = self.stack.run("contracts", "list", "--competence", str(LAST))["contracts"]
        return str(next(one["contract"] for one in listed if one["status"] == "suspended"))

    def ask_for_a_second_person(self) -> None:
        """Two requests of another manager wait: to release a held charge, to reverse a batch."""
        bia = self.as_("bia.rocha")
        for name in ("second_person_above", "second_person_reversal"):
            bia.ask("parameters", "set", name, "1", "--reason", "Regra da casa.")
        held = str(self.stack.run("holds", "list")["holds"][0]["id"])
        bia.refuse("holds", "release", held, "--reason", "Conferido com a Summit.")
        bia.refuse("batches", "reverse", str(MONTHS - 1), "--reason", "Tarifa errada no plano.")

    def correct(self) -> None:
        """The platform sends other versions of a few files, and a plan of the last month gets another price."""
        self.platform_again(*_FAULTS, *_faults("corrected=0.02"))
        self.stack.run("files", "check", str(LAST.plus(-1)))
        plans = (ROOT / "data" / "plans" / "demonstracao.toml").read_text(encoding="utf-8")
        plans = plans.replace("2020-01-01", LAST.first_day.isoformat()).replace('LOCAL = "0.08"', 'LOCAL = "0.40"')
        (self.stack.folder / "corrected.toml").write_text(plans, encoding="utf-8")
        self.stack.run("plans", "import", str(self.stack.folder / "corrected.toml"))

    def run_a_batch(self) -> int:
        """A batch that stands at two thirds: what the platform refused waits long for its next try."""
        self.stack.halt("worker")
        self.platform_again(*_faults("500=0.35"))
        self.stack.environment |= {"STFC_RETRY_FIRST": "900", "STFC_RETRY_MOST": "900", "STFC_RETRY_TRIES": "5"}
        self.stack.launch("worker")
        # One is left for ``break_the_platform``.
        batch = self.bill_some(self.eligible()[1:])
        self._wait_until(batch, lambda shown: shown["outcomes"]["charged"] > 0 and not shown["outcomes"]["running"])
        return batch

    def break_the_platform(self, batch: int) -> None:
        """The platform is silent; the next contract that is asked for notices, and the running batch pauses."""
        self.stack.halt("simulator")
        self.bill_some(self.eligible()[:1])
        self._wait_until(batch, lambda shown: shown["status"] == "paused")

    def _wait_until(self, batch: int, holds: Callable[[dict[str, Any]], bool]) -> None:
        until = time.monotonic() + _PATIENCE
        while not holds(self.stack.run("batches", "show", str(batch))):
            if time.monotonic() > until:
                raise TimeoutError(f"batch {batch}")
            time.sleep(0.5)

    def platform_again(self, *options: str) -> None:
        """The same platform at the same port, with other faults."""
        port = str(urlsplit(self.stack.environment["STFC_SUMMIT_URL"]).port)
        self.stack.halt("simulator")
        self.stack.launch("simulator", "--port", port, "--erp", str(self.stack.erp), "--token", TOKEN, *options)


# --- What is photographed --------------------------------------------------------------------------------------------


def _press(*names: str) -> Callable[[Screen], object]:
    """Press buttons by their words, one after the other."""

    def act(screen: Screen) -> None:
        for name in names:
            screen.page.get_by_role("button", name=name).first.click()
            screen.settle()

    return act


def _open_row(row: int = 0, x: int = 40) -> Callable[[Screen], object]:
    return lambda screen: screen.grid().press(row, x=x)


def _mark(*rows: int, then: str = "") -> Callable[[Screen], object]:
    def act(screen: Screen) -> None:
        for row in rows:
            screen.grid().mark(row)
        if then:
            _press(then)(screen)

    return act


def _confirm_bulk_reveal(screen: Screen) -> None:
    _press("Exportar com números completos", "Texto (CSV)")(screen)


def _change_parameter(screen: Screen) -> None:
    screen.page.get_by_label("Novo valor").fill("48")
    screen.page.get_by_label("Novo valor").press("Tab")
    screen.settle().click("Alterar")


def _reverse(screen: Screen) -> None:
    screen.click("Estornar", exact=True)


def _bill_all(screen: Screen) -> None:
    _press("Selecionar todos os")(screen)
    screen.page.locator(".st-key-stfc_action_bar").get_by_role("button", name="Gerar Cobrança").click()


def steady(month: Month) -> Iterator[Shot]:
    """Every screen as it is on a quiet day, its drawers and dialogs, and what is empty."""
    charged, failed, out = month.item("charged"), month.item("failed"), month.kept_out()
    following, batch = str(LAST.plus(1)), str(MONTHS)
    yield Shot("entrar", role="")
    yield Shot("visao-geral")
    yield Shot("visao-geral-filtro", parameters={"classe": "VC1"})
    yield Shot("visao-geral-vazia", parameters={"competencia": following})
    yield Shot("contratos", "contratos")
    yield Shot("contratos-filtro", "contratos", {"nao_faturados": "1"}, _press("Filtro avançado"))
    yield Shot("contratos-nenhum", "contratos", {"q": "ninguém assim"})
    for tab in ("linhas", "ligacoes", "faturas", "cobrancas", "integracao", "por-que"):
        yield Shot(f"contrato-{tab}", "contratos", {"contrato": charged, "aba": tab})
    yield Shot("contrato-fora-da-lista", "contratos", {"contrato": out, "aba": "por-que"})
    yield Shot("contrato-desconhecido", "contratos", {"contrato": "0"})
    yield Shot("gerar-cobranca", "gerar-cobranca", act=_mark(0, 1, 3))
    yield Shot("gerar-cobranca-fora", "gerar-cobranca", {"aba": "fora"})
    yield Shot("gerar-cobranca-previa", "gerar-cobranca", act=_mark(0, 1, 3, then="Prévia"))
    yield Shot("gerar-cobranca-colar", "gerar-cobranca", act=_press("Colar lista de contratos"))
    yield Shot("gerar-cobranca-confirmar", "gerar-cobranca", act=_bill_all)
    yield Shot("gerar-cobranca-nenhum", "gerar-cobranca", {"q": "ninguém assim"})
    yield Shot("gerar-cobranca-supervisor", "gerar-cobranca", act=_mark(0), role="supervisor")
    yield Shot("acompanhamento", "acompanhamento")
    yield Shot("acompanhamento-logs", "acompanhamento", {"lote": batch, "contrato": failed})
    yield Shot("acompanhamento-acoes", "acompanhamento", act=_press("Ações"))
    yield Shot("acompanhamento-contratos", "acompanhamento", {"aba": "contratos"})
    reverse = {"lote": batch, "contrato": charged, "resultado": "todos"}
    yield Shot("acompanhamento-estornar", "acompanhamento", reverse, _reverse)
    yield Shot("ligacoes", "ligacoes")
    yield Shot("ligacao", "ligacoes", act=_open_row(2))
    yield Shot("ligacoes-exportar", "ligacoes", act=_confirm_bulk_reveal)
    yield Shot("ligacoes-nenhuma", "ligacoes", {"competencia": following})
    yield Shot("faturas", "faturas", {"todas": "1"})
    yield Shot("fatura", "faturas", {"todas": "1"}, _open_row())
    yield Shot("conferencia", "conferencia")
    yield Shot("conferencia-completude", "conferencia", {"aba": "completude"})
    yield Shot("conferencia-decididas", "conferencia", {"aba": "decididas"})
    yield Shot("conferencia-liberar", "conferencia", act=_press("Liberar"))
    yield Shot("configuracoes", "configuracoes", act=_press("Testar agora"))
    for tab in ("planos", "competencias", "parametros", "pessoas", "auditoria", "armazenamento"):
        yield Shot(f"configuracoes-{tab}", "configuracoes", {"aba": tab})
    yield Shot("configuracoes-alterar", "configuracoes", {"aba": "parametros"}, _change_parameter)
    yield Shot("configuracoes-negada", "configuracoes", role="operador")
    for path in ("", "contratos", "gerar-cobranca", "acompanhamento", "ligacoes", "faturas", "conferencia"):
        yield Shot(f"ajuda-{path or 'visao-geral'}", path, act=_press("Ajuda"))
    yield Shot("ajuda-configuracoes", "configuracoes", act=_press("Ajuda"))


def asked() -> Iterator[Shot]:
    """While two acts wait for a second person."""
    yield Shot("segunda-pessoa-conferencia", "conferencia")
    yield Shot("segunda-pessoa-confirmar", "conferencia", act=_press("Confirmar"))
    yield Shot("segunda-pessoa-acompanhamento", "acompanhamento")


def corrected() -> Iterator[Shot]:
    """After the platform corrected files and a plan's price was corrected here."""
    files = {"aba": "corrigidos"}
    yield Shot("conferencia-corrigidos", "conferencia", files)
    yield Shot("conferencia-corrigidos-cobrar", "conferencia", files, _press("Estornar e cobrar"))
    prices = {"aba": "retarifacao"}
    yield Shot("conferencia-retarifacao-vazia", "conferencia", prices)
    yield Shot("conferencia-retarifacao", "conferencia", prices, _press("Calcular a prévia"))
    yield Shot("conferencia-retarifacao-confirmar", "conferencia", prices, _press("Calcular a prévia", "Retarifar"))


def running(batch: int) -> Iterator[Shot]:
    """While a batch runs."""
    yield Shot("lote-em-andamento", "acompanhamento", {"lote": str(batch), "resultado": "todos"}, role="operador")
    yield Shot("lote-em-andamento-visao-geral", role="operador")


def broken(batch: int) -> Iterator[Shot]:
    """While the platform is silent."""
    yield Shot("plataforma-fora-acompanhamento", "acompanhamento", {"lote": str(batch)}, role="operador")
    yield Shot("plataforma-fora-gerar-cobranca", "gerar-cobranca", role="operador")
    yield Shot("plataforma-fora-visao-geral", role="operador")


# --- What README and help show ----------------------------------------------------------------------------------------


def publish() -> None:
    """Put the pictures that README and help show where they belong, in 128 colours."""
    for name in README:
        _write(OUT / "light" / SIZES[0].name / f"{name}.png", IMAGES / f"{name}.png")
    for theme in THEMES:
        for page, name in HELPED.items():
            _write(OUT / theme / "1024" / f"{name}.png", HELP / f"{page}-{theme}.png", _HELP_PART)


def _write(source: Path, target: Path, part: tuple[int, int, int, int] | None = None) -> None:
    with Image.open(source) as picture:
        shown = picture.convert("RGB")
    if part:
        shown = shown.crop((*part[:3], min(part[3], shown.height)))
    shown.quantize(128, dither=Image.Dither.NONE).save(target, optimize=True)


# --- Taking them -----------------------------------------------------------------------------------------------------


@dataclass
class Camera:
    """Takes pictures into ``OUT``; ``names`` are the beginnings of those wanted, none for all."""

    browser: Browser
    names: tuple[str, ...]
    failed: list[str] = field(default_factory=list)

    def take(self, stack: Stack, shots: Iterator[Shot]) -> None:
        """Each shot in both themes and all sizes; one that cannot be taken is named at the end."""
        wanted = [shot for shot in shots if not self.names or shot.name.startswith(self.names)]
        for theme in THEMES:
            with self._tab(stack, theme) as screen:
                for shot in wanted:
                    self._all_sizes(screen, shot, theme)

    @contextmanager
    def _tab(self, stack: Stack, theme: Theme) -> Iterator[Screen]:
        context = self.browser.new_context(
            locale="pt-BR", timezone_id="America/Sao_Paulo", color_scheme=theme, reduced_motion="reduce"
        )
        context.set_default_timeout(15_000)
        yield Screen(context.new_page(), stack)
        context.close()

    def _all_sizes(self, screen: Screen, shot: Shot, theme: Theme) -> None:
        try:
            self._resize(screen, SIZES[0])
            shot.show(screen)
            for size in SIZES:
                self._resize(screen, size)
                path = OUT / theme / size.name / f"{shot.name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                screen.page.screenshot(path=path, animations="disabled")
            print(f"{theme} {shot.name}", flush=True)
        except (Error, AssertionError) as error:
            self.failed.append(f"{theme} {shot.name}: {str(error).splitlines()[0]}")
            print(self.failed[-1], flush=True)

    def _resize(self, screen: Screen, size: Size) -> None:
        page = screen.page
        page.set_viewport_size({"width": size.width, "height": size.height})
        if page.url == "about:blank":
            return
        screen.settle()
        # What is drawn for the first time may still be fetched.
        page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
        if size.whole:
            height = min(size.height + page.evaluate(_HIDDEN), _HIGHEST)
            page.set_viewport_size({"width": size.width, "height": height})
            screen.settle()


def main() -> int:
    """Take the pictures; 1 when one could not be taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="the beginning of a picture's name; all without one")
    names = tuple(parser.parse_args().names)
    if not names:
        shutil.rmtree(OUT, ignore_errors=True)
    since = time.monotonic()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        month = Month(Path(folder))
        camera = Camera(playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS), names)
        try:
            month.bill()
            camera.take(month.stack, steady(month))
            month.correct()
            camera.take(month.stack, corrected())
            month.ask_for_a_second_person()
            camera.take(month.stack, asked())
            batch = month.run_a_batch()
            camera.take(month.stack, running(batch))
            month.break_the_platform(batch)
            camera.take(month.stack, broken(batch))
        finally:
            month.stack.stop()
    if not names and not camera.failed:
        publish()
    print(f"{OUT.relative_to(ROOT)}: {time.monotonic() - since:.0f} s", *camera.failed, sep="\n")
    return 1 if camera.failed else 0


if __name__ == "__main__":
    sys.exit(main())
