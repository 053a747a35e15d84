"""What happens to a run: kills at random moments, a full disk, a moving clock, people who press everything twice."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from stfc.domain.competence import Competence
from stfc.errors import NotPossibleError
from stfc.services.ports import Actor
from tests.proof import ledger
from tests.proof.processes import Child
from tests.proof.world import COMPETENCES, LEASE, World

_OPERATOR = Actor("prova", "operator", "screen")
_LITTLE = (0, 4_096, 20_000, 60_000)
_CLOCK_MOVES = (-25.0, -5.0, 0.0, 0.0, 5.0, 25.0)
_KILLS = {"worker": 60, "simulator": 14, "app": 6, "command": 20}
_DEEDS = {"launch": 5, "press": 4, "reverse": 4, "retry": 5, "cancel": 1, "freeze": 2, "fill": 3, "clock": 3, "stop": 1}
_MOST_COMMANDS = 2


class Trouble:
    """Does harm until ``kills`` processes have been killed.

    ``kills`` counts by process, ``deeds`` the rest; ``deaths`` are workers that ended without being told to.
    """

    def __init__(self, world: World, faults: tuple[str, ...], chance: random.Random, pace: float) -> None:
        self._world = world
        self._faults = faults
        self._chance = chance
        self._pace = pace
        self._application = world.application()
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._commands: list[tuple[Child, float | None]] = []
        self._number = count(1)
        self.kills: Counter[str] = Counter()
        self.deeds: Counter[str] = Counter()
        self.deaths: list[str] = []
        self.settled_at_import: frozenset[int] = frozenset()

    # --- The run

    def cause(self, kills: int) -> None:
        """Go on until ``kills`` kills; the ERP's next dump is imported half way."""
        self._open_all()
        is_imported = False
        next_kill = next_deed = time.monotonic() + self._pace
        while self.kills.total() < kills:
            now = time.monotonic()
            self._catch_up(now)
            if now >= next_kill:
                self._kill()
                next_kill = time.monotonic() + self._chance.uniform(0.2, 1.8) * self._pace
            elif now >= next_deed:
                self._chosen(_DEEDS)()
                next_deed = time.monotonic() + self._chance.uniform(0.5, 1.5) * self._pace
            if not is_imported and self.kills.total() * 2 >= kills:
                self.import_next()
                is_imported = True
            time.sleep(self._chance.uniform(0.002, 0.03))
        if not is_imported:
            self.import_next()

    def end(self) -> None:
        """Undo what is undone by time: the frozen go on, the disk has room, the clock is right, commands are over."""
        for _, act in sorted(self._due, key=lambda one: one[0]):
            act()
        self._due.clear()
        for command, _ in self._commands:
            if command.is_alive:
                command.kill()
        self._free_disk()
        self._set_clock(0)
        self._application.database.dispose()

    def _open_all(self) -> None:
        """Half of each month twice at once, all of it by a command that waits, beside workers."""
        for competence in COMPETENCES:
            for _ in range(2):
                self._launch(competence, "--contracts", str(self._some_contracts(competence)))
        self._launch(COMPETENCES[-1], "--all", "--wait")

    def _catch_up(self, now: float) -> None:
        for one in [one for one in self._due if one[0] <= now]:
            self._due.remove(one)
            one[1]()
        for place, (command, death) in list(enumerate(self._commands)):
            if command.is_alive and death is not None and now >= death:
                command.kill()
                self.kills["command"] += 1
                self._commands[place] = (command, None)
        self._commands = [one for one in self._commands if one[0].is_alive]
        for worker in self._world.workers:
            if not worker.is_alive and not worker.is_killed:
                self.deaths.append(f"{worker.name} ended by itself with {worker.status}")
                worker.start()
        if self._world.is_idle():
            self._reverse()
            self._press()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._due.append((time.monotonic() + seconds, act))

    def _chosen(self, weights: dict[str, int]) -> Callable[[], None]:
        name = self._chance.choices(list(weights), list(weights.values()))[0]
        self.deeds[name] += 1
        deed: Callable[[], None] = getattr(self, f"_{name}")
        return deed

    # --- Kills

    def _kill(self) -> None:
        whom = self._chance.choices(list(_KILLS), list(_KILLS.values()))[0]
        match whom:
            case "worker":
                self._kill_worker()
            case "simulator":
                self._kill_and_restart(self._world.simulator, lambda: self._world.start_simulator(self._faults))
            case "app":
                self._kill_and_restart(self._world.app, self._world.app.start)
            case _:
                self._launch_and_kill()

    def _kill_worker(self) -> None:
        worker = self._chance.choice(self._world.workers)
        if self._chance.random() < 0.5:
            self._await_part()
        self._kill_and_restart(worker, worker.start)

    def _kill_and_restart(self, child: Child, start: Callable[[], object]) -> None:
        if not child.is_alive:
            return
        child.kill()
        self.kills[child.name.partition("-")[0]] += 1
        self._later(self._chance.uniform(0, 1), lambda: None if child.is_alive else (start(), None)[1])

    def _await_part(self) -> None:
        """Wait a little for a new file among the calls: the moment between a part and its transaction."""
        before = self._files()
        until = time.monotonic() + 1.5
        while time.monotonic() < until and self._files() <= before:
            time.sleep(0.001)
        time.sleep(self._chance.choice((0, 0, 0.002, 0.01, 0.03)))

    def _files(self) -> int:
        return sum(1 for _ in self._world.disk.folder.glob("competence=*/*"))

    def _launch_and_kill(self) -> None:
        """A command that dies somewhere between its start and its end."""
        deed = self._chance.choice(
            (self._launch_all, self._reverse_by_command, self._import_again, self._retry_by_command)
        )
        self._commands.append((deed(), time.monotonic() + self._chance.uniform(0.8, 2.5)))

    # --- What people do

    def _launch(self, competence: str = "", *how: str) -> Child:
        month = competence or self._chance.choice(COMPETENCES)
        chosen = how or self._chance.choice((("--all",), ("--all", "--wait"), self._file_option(month)))
        command = self._command("bill", "--competence", month, *chosen)
        self._commands.append((command, None))
        return command

    def _launch_all(self) -> Child:
        return self._command("bill", "--competence", self._chance.choice(COMPETENCES), "--all")

    def _file_option(self, competence: str) -> tuple[str, str]:
        return "--contracts", str(self._some_contracts(competence))

    def _some_contracts(self, competence: str) -> Path:
        """A file with a random half of the contracts that are listed."""
        listed = self._application.views.eligible(Competence.parse(competence))
        some = [contract for contract in listed if self._chance.random() < 0.5] or listed or ["10001"]
        path = self._world.folder / f"contracts-{next(self._number)}"
        path.write_text("\n".join(some), encoding="ascii")
        return path

    def _press(self) -> None:
        """*Gerar Cobrança* on a page, clicked twice and in two tabs at once: one key, several threads."""
        competence = Competence.parse(self._chance.choice(COMPETENCES))
        key = f"press {next(self._number)}"

        def click(_: int) -> int | None:
            return self._application.billing.open(competence, None, _OPERATOR, request_key=key).batch

        with ThreadPoolExecutor(3) as tabs:
            opened = {batch for batch in tabs.map(click, range(3)) if batch is not None}
        assert len(opened) <= 1, f"one press opened the batches {sorted(opened)}"

    def _retry(self) -> None:
        """Retry what failed and lift every pause."""
        for (batch,) in ledger.rows(
            self._world.url,
            "SELECT batch FROM batches WHERE pause_code = 'SUM-401' UNION "
            "SELECT DISTINCT batch FROM items WHERE outcome = 'failed' AND code <> 'SUM-SUB'",
        ):
            self._application.billing.retry(batch, _OPERATOR)

    def _retry_by_command(self) -> Child:
        return self._command("batches", "retry", str(self._some_batch()))

    def _cancel(self) -> None:
        self._application.billing.cancel(self._some_batch(), _OPERATOR)

    def _reverse(self) -> None:
        """Reverse some of what a batch charged."""
        batch = self._some_batch()
        done = self._settled(f"batch = {batch}")
        some = [contract for contract, _ in done if self._chance.random() < 0.2]
        try:
            if some:
                self._application.billing.reverse(batch, _OPERATOR, reason="prova", contracts=some)
        except NotPossibleError:
            # Somebody else has reversed one of them in between.
            self.deeds["reverse refused"] += 1

    def _reverse_by_command(self) -> Child:
        return self._command("batches", "reverse", str(self._some_batch()), "--reason", "prova")

    def _import_again(self) -> Child:
        """The dump that is current, once more: a new snapshot that says the same."""
        return self._command("import", str(self._current_erp))

    @property
    def _current_erp(self) -> Path:
        return self._world.next_erp if self.settled_at_import else self._world.erp

    def import_next(self) -> None:
        """The ERP's next dump, in mid-batch."""
        for command, _ in self._commands:
            if "import" in command.arguments:
                command.kill()
        self._world.ask("import", str(self._world.next_erp))
        rows = self._settled("1 = 1")
        self.settled_at_import = frozenset({item for _, item in rows} | {0})

    def _settled(self, where: str) -> list[tuple[str, int]]:
        rows = ledger.rows(
            self._world.url,
            "SELECT contract, item, reversed FROM items "
            f"WHERE outcome IN ('charged', 'held', 'zero') AND {where} ORDER BY contract",
        )
        return [(contract, item) for contract, item, is_reversed in rows if not is_reversed]

    def _some_batch(self) -> int:
        batches = [batch for (batch,) in ledger.rows(self._world.url, "SELECT batch FROM batches ORDER BY batch")]
        return int(self._chance.choice(batches)) if batches else 0

    def _command(self, *arguments: str) -> Child:
        return self._world.command(f"command-{arguments[0]}", *arguments)

    # --- What machines do

    def _freeze(self) -> None:
        """A worker stands still for longer than its lease, and then goes on as if nothing had been."""
        worker = self._chance.choice(self._world.workers)
        if worker.is_alive:
            worker.freeze()
            self._later(LEASE * 1.5, worker.thaw)

    def _stop(self) -> None:
        """An orderly end of a worker, as at an update."""
        worker = self._chance.choice(self._world.workers)
        if worker.is_alive:
            worker.thaw()
            worker.stop()
            worker.is_killed = True
            worker.start()

    def _fill(self) -> None:
        """No room on the disk for a second or two: of the calls, or of one worker's files, its ledger's too."""
        left = self._chance.choice(_LITTLE)
        if self._world.disk.can_fill and self._chance.random() < 0.5:
            self._world.disk.fill(left)
            self.deeds["fill the disk"] += 1
        else:
            worker = self._chance.choice(self._world.workers)
            if worker.is_alive:
                worker.limit_files(left)
                self.deeds["limit a worker's files"] += 1
        self._later(self._chance.uniform(0.5, 2), self._free_disk)

    def _free_disk(self) -> None:
        self._world.disk.free()
        for worker in self._world.workers:
            if worker.is_alive:
                worker.limit_files(None)

    def _clock(self) -> None:
        self._set_clock(self._chance.choice(_CLOCK_MOVES))

    def _set_clock(self, seconds: float) -> None:
        fresh = self._world.clock.with_suffix(".new")
        fresh.write_text(str(seconds), encoding="ascii")
        fresh.replace(self._world.clock)


def retry_all(world: World) -> int:
    """Lift every pause, and retry what failed and what a further try may change; gives how many items."""
    application = world.application()
    paused = {batch for (batch,) in ledger.rows(world.url, "SELECT batch FROM batches WHERE pause_code IS NOT NULL")}
    failed: dict[int, set[str]] = {}
    query = "SELECT DISTINCT batch, code FROM items WHERE outcome = 'failed' AND code <> 'SUM-SUB'"
    for batch, code in ledger.rows(world.url, query):
        failed.setdefault(batch, set()).add(code)
    try:
        return sum(
            application.billing.retry(batch, _OPERATOR, codes=sorted(failed.get(batch, {"SUM-401"})))
            for batch in sorted(paused | failed.keys())
        )
    finally:
        application.database.dispose()
