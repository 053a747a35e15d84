"""How much memory a worker takes at its peak, for a small batch and for one ten times as large (ARCHITECTURE, costs).

``python bench/memory.py [CONTRACTS]...``: ``stfc worker --until-idle`` as a process of its own, its ``VmHWM`` read
while it runs; the first count is the yardstick of the others.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rig import ROOT, environment, make_erp, make_home, open_batch, platform, warm

COUNTS = (2_000, 20_000)
CALLS = 50


def peak(command: list[str], env: dict[str, str]) -> int:
    """The most KiB that the process held in memory (Linux)."""
    most = 0
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL) as child:
        while child.poll() is None:
            lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
            most = max([most, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
            time.sleep(0.02)
    assert child.returncode == 0
    return most


def measure(folder: Path, contracts: int) -> int:
    """KiB at the peak for a batch of ``contracts``."""
    erp = make_erp(folder, contracts)
    with platform(erp, calls=CALLS) as summit:
        warm(summit.address)
        app = make_home(folder / "home", erp, summit.address)
        batch = open_batch(app)
        command = [sys.executable, "-m", "stfc.cli", "worker", "--until-idle"]
        most = peak(command, environment(app))
        assert app.batches.show(batch).outcomes["charged"] == contracts
    return most


def main() -> None:
    """Measure every count."""
    print(f"{'contracts':>10}{'peak MiB':>10}{'of first':>10}")
    first = 0
    for contracts in map(int, sys.argv[1:] or COUNTS):
        with tempfile.TemporaryDirectory() as folder:
            most = measure(Path(folder), contracts)
        first = first or most
        print(f"{contracts:>10}{most / 1024:>10.0f}{most / first:>10.2f}", flush=True)


if __name__ == "__main__":
    main()
