"""What machines do to a run: processes die at any moment, disks are full, clocks move, a worker stands still."""

import random
import time
from collections import Counter
from collections.abc import Callable
from threading import Event

from tests.proof import ledger
from tests.proof.processes import Child
from tests.proof.world import LEASE, World

_KILLS = {"worker": 70, "simulator": 7, "app": 4, "command": 19}
_DEEDS = {"freeze": 2, "fill": 4, "clock": 3, "stop": 1}
_ROOM = (0, 4_096, 20_000, 60_000)
"""Bytes that are left on a full disk: for nothing, or for half a part."""
_CLOCK_MOVES = (-25.0, -5.0, 0.0, 0.0, 5.0, 25.0)
_CHUNKS = 2
_LONGEST = 10.0
"""Kills follow work, not the clock: so many chunks after the last one, or so many seconds when nothing moves."""
_MOMENTS = (0.0, 0.0, 0.002, 0.01, 0.03)
"""Seconds between a new part on the disk and the kill."""


class Machines:
    """Does harm until ``kills`` processes have been killed.

    ``kills`` counts by process, ``deeds`` the rest; ``deaths`` are workers that ended without being told to.
    """

    def __init__(self, world: World, faults: tuple[str, ...], chance: random.Random, pace: float) -> None:
        self._world = world
        self._faults = faults
        self._chance = chance
        self._pace = pace
        self._due: list[tuple[float, Callable[[], object]]] = []
        self._last_kill, self._parts = time.monotonic(), 0
        self.kills: Counter[str] = Counter()
        self.deeds: Counter[str] = Counter()
        self.deaths: list[str] = []

    def harm(self, kills: int, half_way: Callable[[], None], stop: Event) -> None:
        """Go on until ``kills`` kills, or ``stop``; ``half_way`` is called once in between."""
        is_half = False
        next_deed = time.monotonic() + self._pace
        while self.kills.total() < kills and not stop.wait(self._chance.uniform(0.002, 0.03)):
            now = time.monotonic()
            self._catch_up(now)
            if self._is_ripe(now):
                self._kill()
                self._last_kill, self._parts = time.monotonic(), self._world.parts()
            elif now >= next_deed:
                self._do()
                next_deed = now + self._chance.uniform(1, 3) * self._pace
            if not is_half and self.kills.total() * 2 >= kills:
                is_half = True
                # A worker frozen within a transaction holds what an import waits for, and nobody frees it meanwhile.
                self.end()
                half_way()

    def end(self) -> None:
        """Undo what only time undoes: the frozen go on, the disk has room, the clock is right."""
        for _, act in sorted(self._due, key=lambda one: one[0]):
            act()
        self._due.clear()
        self._free_disk()
        self._set_clock(0)

    def _catch_up(self, now: float) -> None:
        for one in [one for one in self._due if one[0] <= now]:
            self._due.remove(one)
            one[1]()
        for worker in self._world.workers:
            if not worker.is_alive and not worker.is_killed:
                self.deaths.append(f"{worker.name} ended by itself with {worker.status}")
                worker.fork()

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        self._due.append((time.monotonic() + seconds, act))

    def _do(self) -> None:
        name = self._chance.choices(list(_DEEDS), list(_DEEDS.values()))[0]
        self.deeds[name] += 1
        deed: Callable[[], None] = getattr(self, f"_{name}")
        deed()

    # --- Kills

    def _is_ripe(self, now: float) -> bool:
        """Whether it is time to kill: the last one is a moment ago, and the workers have done something since."""
        since = now - self._last_kill
        return since > self._chance.uniform(0.3, 1.5) * self._pace and (
            since > _LONGEST or self._world.parts() >= self._parts + _CHUNKS
        )

    def _kill(self) -> None:
        match self._chance.choices(list(_KILLS), list(_KILLS.values()))[0]:
            case "worker":
                worker = self._chance.choice(self._world.workers)
                if self._chance.random() < 0.5:
                    self._await_part()
                self._kill_and_restart(worker, worker.fork)
            case "simulator":
                self._kill_and_restart(self._world.simulator, lambda: self._world.start_simulator(self._faults))
            case "app":
                self._kill_and_restart(self._world.app, self._world.app.start)
            case _:
                command = self._some_command()
                self._later(self._chance.uniform(0.1, 1.0), lambda: self._kill_command(command))

    def _kill_and_restart(self, child: Child, start: Callable[[], object]) -> None:
        if not child.is_alive:
            return
        child.kill()
        self.kills[child.name.partition("-")[0]] += 1
        self._later(self._chance.uniform(0, 0.5), lambda: child.is_alive or start())

    def _await_part(self) -> None:
        """Wait a little for a new file among the calls: the moment between a part and its transaction."""
        before = self._files()
        until = time.monotonic() + 1
        while time.monotonic() < until and self._files() <= before:
            time.sleep(0.001)
        time.sleep(self._chance.choice(_MOMENTS))

    def _files(self) -> int:
        return sum(1 for _ in self._world.disk.folder.glob("competence=*/*"))

    def _some_command(self) -> Child:
        """A command of the terminal that is to die somewhere between its start and its end."""
        batches = [batch for (batch,) in ledger.rows(self._world.url, "SELECT batch FROM batches ORDER BY batch")]
        batch, month = str(self._chance.choice(batches or [1])), self._chance.choice(self._world.competences)
        arguments = self._chance.choice(
            (
                ("bill", "--competence", month, "--all"),
                ("bill", "--competence", month, "--all", "--wait"),
                ("batches", "reverse", batch, "--reason", "prova"),
                ("batches", "retry", batch),
                ("import", str(self._world.current_erp)),
                ("compact",),
            )
        )
        return self._world.command("doomed", *arguments)

    def _kill_command(self, command: Child) -> None:
        if command.is_alive:
            command.kill()
            self.kills["command"] += 1

    # --- The rest

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
            worker.fork()

    def _fill(self) -> None:
        """No room on the disk for a second or two: on that of the calls, or for one worker's files, the ledger too."""
        room = self._chance.choice(_ROOM)
        worker = self._chance.choice(self._world.workers)
        if self._world.disk.can_fill and self._chance.random() < 0.5:
            self._world.disk.fill(room)
            self.deeds["fill: the disk"] += 1
        elif worker.is_alive:
            worker.limit_files(room)
            self.deeds["fill: one worker"] += 1
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
