"""Which contract a line belongs to on a day, from an ERP snapshot (PRODUCT 10, CTR-LIN and CTR-DIV)."""

from functools import lru_cache
from pathlib import Path

import polars as pl

from stfc.domain.contract import SUMMIT_INTEGRATOR, TELEPHONY_KIND
from stfc.errors import StorageError

NO_CONTRACT, OTHER_CONTRACT = "CTR-LIN", "CTR-DIV"


class LineDirectory:
    """The lines of a snapshot's Summit services, deleted ones too, each with contract and days ``[since, until)``."""

    def __init__(self, lines: pl.DataFrame, services: pl.DataFrame) -> None:
        """``lines`` (number, service, since, until) and ``services`` (service, contract, integrator, kind)."""
        summit = services.filter(integrator=SUMMIT_INTEGRATOR, kind=TELEPHONY_KIND).select("service", "contract")
        self._spans = (
            lines.join(summit, on="service")
            .select(line="number", owner="contract", since="since", until="until")
            .sort("since", "line")
        )

    def owners(self, calls: pl.DataFrame) -> pl.Series:
        """The contract that each call's ``line`` belongs to on its ``local_day``; null where there is none."""
        days = calls.select("line", "local_day").unique()
        spans = self._spans.join(days.select("line").unique(), on="line", how="semi")
        found = (
            days.sort("local_day")
            .join_asof(
                spans.sort("since"),
                left_on="local_day",
                right_on="since",
                by="line",
                strategy="backward",
                check_sortedness=False,
            )
            .filter(pl.col("until").is_null() | (pl.col("local_day") < pl.col("until")))
            .select("line", "local_day", "owner")
        )
        return calls.select("line", "local_day").join(
            found, on=["line", "local_day"], how="left", maintain_order="left"
        )["owner"]


def issues(owners: pl.Series, contracts: pl.Series) -> pl.Series:
    """What is wrong with each call's line: ``CTR-LIN`` (no contract's), ``CTR-DIV`` (another contract's) or null."""
    frame = pl.DataFrame({"owner": owners, "contract": contracts})
    found = (
        pl.when(pl.col("owner").is_null())
        .then(pl.lit(NO_CONTRACT))
        .when(pl.col("owner") != pl.col("contract"))
        .then(pl.lit(OTHER_CONTRACT))
    )
    return frame.select(issue=found)["issue"]


@lru_cache(maxsize=2)
def line_directory(snapshot: Path) -> LineDirectory:
    """The directory of the snapshot in that folder; read once, a snapshot never changes.

    Raises:
        StorageError: the snapshot cannot be read.
    """
    try:
        lines = pl.read_parquet(snapshot / "lines.parquet", columns=["number", "service", "since", "until"])
        services = pl.read_parquet(snapshot / "services.parquet", columns=["service", "contract", "integrator", "kind"])
    except (OSError, pl.exceptions.ComputeError) as cause:
        raise StorageError(place=str(snapshot), cause=str(cause)) from cause
    return LineDirectory(lines, services)
