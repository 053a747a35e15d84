"""``docs/performance-calls.md``: every bench of the call store and the screens puts its own sections there."""

import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

PAGE = Path(__file__).parents[1] / "docs" / "performance-calls.md"
_LOAD = "Load of the machine meanwhile: {load:.1f} on {cores} cores."
_HEAD = f"""# Calls at scale

Homes by `python bench/call_history.py HOME CALLS CONTRACTS`; below each heading, the command that wrote it.
{platform.machine()}, Python {platform.python_version()}, DuckDB {duckdb.__version__}, Polars {pl.__version__}, \
PyArrow {pa.__version__}; 2 cores, shared with others.
"""


def put(title: str, lines: Sequence[str]) -> None:
    """Write the section ``title`` anew, in its place or at the end, with how busy the machine was."""
    sections = _sections()
    body = "\n".join(lines).strip()
    sections[title] = f"{body}\n\n{_LOAD.format(load=os.getloadavg()[1], cores=os.cpu_count())}"
    text = "\n".join(f"\n## {name}\n\n{body}" for name, body in sections.items())
    PAGE.write_text(f"{_HEAD}{text}\n", encoding="utf-8")


def _sections() -> dict[str, str]:
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    _, *found = re.split(r"^## ", text, flags=re.MULTILINE)
    return {title.strip(): body.strip() for title, _, body in (one.partition("\n") for one in found)}
