"""What a command pays before it does anything: opening a home loads no engine (``stfc.bootstrap``)."""

import subprocess
import sys
from pathlib import Path

from stfc.bootstrap import build
from stfc.settings import Settings

ROOT = Path(__file__).parents[2]
_OPEN = """
import sys
from pathlib import Path
import stfc.cli
from stfc.bootstrap import build
from stfc.settings import Settings
build(Settings(home=Path(sys.argv[1]))).batches.newest()
dear = {"aiohttp", "alembic", "duckdb", "holidays", "httpx", "numpy", "pandas", "phonenumbers", "polars", "pyarrow"}
print(*sorted(dear & sys.modules.keys()))
"""


def test_opening_a_home_that_is_up_to_date_loads_no_engine(tmp_path: Path) -> None:
    build(Settings(home=tmp_path / "home")).database.dispose()
    done = subprocess.run(
        [sys.executable, "-c", _OPEN, str(tmp_path / "home")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
