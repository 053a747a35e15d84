"""What people do to a run: they launch everything twice, reverse, retry, cancel, decide on what is held, and look."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from stfc.domain.competence import Competence
from stfc.errors import NotFoundError, NotPossibleError, StorageError
from stfc.services.ports import Actor
from tests.proof import ledger
from tests.proof.processes import Child
from tests.proof.world import World

_OPERATOR = Actor("prova", "operator", "screen")
_MANAGER = Actor("gestora", "manager", "screen")
_DEEDS = {"launch": 4, "press": 4, "reverse": 4, "retry": 6, "cancel": 1, "decide": 2}
_MOST_COMMANDS = 2
_PAGES = ("", "acompanhamento", "gerar-cobranca", "contratos", "ligacoes")
_SETTLED = "('charged', 'held', 'zero')"


class Operators:
    """Operators at the terminal and on the pages, until told to stop. ``wrong`` is what nobody may ever see."""

    def __init__(self, world: World, chance: random.Random, pace: float) -> None:
        self._world = world
        self._chance = chance
        self._pace = pace
        self._application = world.application()
        self._commands: list[Child] = []
        self._number = count(1)
        self.deeds: Counter[str] = Counter()
        self.wrong: list[str] = []

    def work(self, stop: Event) -> None:
        """Open every month at once, then do one thing after the other."""
        for competence in self._world.competences:
            for _ in range(2):
                self._bill(competence, "--contracts", str(self._some_contracts(competence)))
        self._bill(self._world.competences[-1], "--all", "--wait")
        while not stop.wait(self._chance.uniform(0.2, 1.2) * self._pace):
            self._commands = [one for one in self._commands if one.is_alive]
            if not self._world.waiting():
                self._try("reverse")
                self._try("press")
            self._try(self._chance.choices(list(_DEEDS), list(_DEEDS.values()))[0])
        for command in self._commands:
            if command.is_alive:
                command.kill()
        self._application.database.dispose()

    def _try(self, name: str) -> None:
        deed: Callable[[], None] = getattr(self, f"_{name}")
        self.deeds[name] += 1
        try:
            deed()
        except (NotPossibleError, NotFoundError, StorageError) as error:
            # Somebody else was quicker, or the machine is in trouble: a person reads the sentence and goes on.
            self.deeds[f"{name}: {error.code}"] += 1

    # --- Launching

    def _bill(self, competence: str, *how: str) -> None:
        self._commands.append(self._world.command("bill", "bill", "--competence", competence, *how))

    def _launch(self) -> None:
        if len(self._commands) >= _MOST_COMMANDS:
            return
        competence = self._chance.choice(self._world.competences)
        how = self._chance.choice((("--all",), ("--all", "--wait"), ("--contracts",)))
        file = (str(self._some_contracts(competence)),) if how == ("--contracts",) else ()
        for _ in range(self._chance.choice((1, 2))):
            self._bill(competence, *how, *file)

    def _some_contracts(self, competence: str) -> Path:
        """A file with a random half of the contracts that are listed."""
        listed = self._application.views.eligible(Competence.parse(competence))
        some = [contract for contract in listed if self._chance.random() < 0.5] or listed or ["10001"]
        path = self._world.folder / f"contracts-{next(self._number)}"
        path.write_text("\n".join(some), encoding="ascii")
        return path

    def _press(self) -> None:
        """*Gerar Cobrança* on a page, clicked twice and in two tabs at once: one key, several threads."""
        competence = Competence.parse(self._chance.choice(self._world.competences))
        key = f"press {next(self._number)}"

        def click(_: int) -> int | None:
            return self._application.billing.open(competence, None, _OPERATOR, request_key=key).batch

        with ThreadPoolExecutor(3) as tabs:
            opened = {batch for batch in tabs.map(click, range(3)) if batch is not None}
        if len(opened) > 1:
            self.wrong.append(f"one press opened the batches {sorted(opened)}")

    # --- Afterwards

    def _retry(self) -> None:
        retry_all(self._world, self._application)

    def _cancel(self) -> None:
        self._application.billing.cancel(self._some_batch(), _OPERATOR)

    def _reverse(self) -> None:
        """Reverse some of what a batch charged or holds: a manager may do both."""
        batch = self._some_batch()
        query = (
            f"SELECT contract, reversed FROM items WHERE batch = {batch} AND outcome IN {_SETTLED} ORDER BY contract"
        )
        done = [contract for contract, is_reversed in ledger.rows(self._world.url, query) if not is_reversed]
        some = [contract for contract in done if self._chance.random() < 0.2]
        if some:
            self._application.billing.reverse(batch, _MANAGER, reason="prova", contracts=some)

    def _decide(self) -> None:
        """A manager releases what is held, or rejects it."""
        held = [row.hold for row in self._application.holds.pending() if self._chance.random() < 0.3]
        if held:
            holds = self._application.holds
            self._chance.choice((holds.release, holds.reject))(held, _MANAGER, reason="prova")

    def _some_batch(self) -> int:
        batches = [batch for (batch,) in ledger.rows(self._world.url, "SELECT batch FROM batches ORDER BY batch")]
        return int(self._chance.choice(batches)) if batches else 0


class Visitor:
    """Somebody who looks at one page after the other. ``seen`` counts them, ``broken`` names those that raised."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        self.seen = 0
        self.broken: list[str] = []

    def look(self, stop: Event) -> None:
        """Look until told to stop; an app that is dead is tried again."""
        while not stop.wait(0.5):
            page, competence = self._chance.choice(_PAGES), self._chance.choice(self._world.competences)
            try:
                self._open(page, f"competencia={competence}")
            except (OSError, WebSocketException, TimeoutError):
                continue

    def _open(self, page: str, query: str) -> None:
        address = self._world.app_address
        with connect(f"ws://{address}/_stcore/stream", origin=f"http://{address}", max_size=None) as socket:
            wish = BackMsg()
            wish.rerun_script.page_name = page
            wish.rerun_script.query_string = query
            socket.send(wish.SerializeToString())
            answer = ForwardMsg()
            while answer.WhichOneof("type") != "script_finished":
                answer.ParseFromString(socket.recv(timeout=20))
                if answer.delta.new_element.WhichOneof("type") == "exception":
                    raised = answer.delta.new_element.exception
                    self.broken.append(f"/{page}: {raised.type} {raised.message}")
        self.seen += 1


def retry_all(world: World, application: object) -> int:
    """Lift every pause, and retry what failed and what a further try may change; gives how many items."""
    billing = application.billing  # type: ignore[attr-defined]  # the application as a page has it
    paused = {batch for (batch,) in ledger.rows(world.url, "SELECT batch FROM batches WHERE pause_code IS NOT NULL")}
    failed: dict[int, set[str]] = {}
    query = "SELECT DISTINCT batch, code FROM items WHERE outcome = 'failed' AND code <> 'SUM-SUB'"
    for batch, code in ledger.rows(world.url, query):
        failed.setdefault(batch, set()).add(code)
    return sum(
        billing.retry(batch, _OPERATOR, codes=sorted(failed.get(batch, {"SUM-401"})))
        for batch in sorted(paused | failed.keys())
    )
