"""``python -m stfc.simulator``: the simulator without the rest of the product."""

import argparse
import sys
from datetime import date
from pathlib import Path

from stfc.domain.competence import Competence
from stfc.errors import InvalidInputError
from stfc.simulator.server import SimulatorOptions, serve
from stfc.simulator.traffic import TrafficOptions


def main(arguments: list[str] | None = None) -> int:
    """Serve as the arguments say; 0 when told to end, 2 for wrong usage."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        serve(
            SimulatorOptions(
                port=given.port,
                token=given.token,
                erp=given.erp,
                contracts=given.contracts,
                until=Competence.parse(given.until) if given.until else None,
                as_of=given.as_of,
                traffic=TrafficOptions(given.seed, given.clean, given.scale, given.calls_per_contract),
                latency_ms=given.latency,
                faults=tuple(given.fault),
                fault_seed=given.fault_seed,
                fault_log=given.fault_log,
            )
        )
    except InvalidInputError as error:
        listed = f" ({error.facts['choices']})" if "choices" in error.facts else ""
        parser.error(f"{error.facts['field']}: {error.facts['value']!r} {error.facts['cause']}{listed}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stfc.simulator")
    parser.add_argument("--port", type=int, default=8601)
    parser.add_argument("--token")
    parser.add_argument("--erp", type=Path)
    parser.add_argument("--contracts", type=int, default=1_500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until")
    parser.add_argument("--as-of", type=date.fromisoformat)
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--calls-per-contract", type=int)
    parser.add_argument("--latency", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=RATE[@SCOPE]")
    parser.add_argument("--fault-seed", type=int, default=0)
    parser.add_argument("--fault-log", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
