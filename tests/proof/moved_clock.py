"""``python -m tests.proof.moved_clock FILE``: ``stfc worker`` on a machine whose clock is wrong, and moves.

FILE holds by how many seconds the clock is ahead (behind when negative); it is read anew for each look at the clock.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from stfc import bootstrap, cli
from stfc.errors import StfcError


def main() -> None:
    """Work until stopped."""
    offset = Path(sys.argv[1])

    def clock() -> datetime:
        return bootstrap.clock() + timedelta(seconds=float(offset.read_text(encoding="ascii") or 0))

    cli._configure_logs()
    application = bootstrap.Application(bootstrap.settings(), clock=clock)
    try:
        cli._run_worker(application.worker(), until_idle=False)
    except StfcError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
