"""Repeated calls, found in columns: ``stfc.domain.billing_file.deduplicate`` for many files at once (SUMMIT_API)."""

import polars as pl
import pyarrow as pa

_EVENT = ["contract", "line", "called", "started_at", "duration"]
_ID = ["contract", "call_id"]


def is_repeat(calls: pl.DataFrame, earlier: pa.Table) -> pl.Series:
    """Which of ``calls`` (contract, call_id, line, called, started_at, duration, in file order) repeat one seen before.

    Seen are the ``earlier`` ones (same columns) and all before it in ``calls``, dropped or not.
    """
    repeats = pl.Series("repeat", [False]).new_from_index(0, calls.height)
    for key in (_ID, _EVENT):
        # Equal keys have equal hashes: where all hashes differ there is nothing to compare.
        hashes = calls.select(pl.struct(key).hash().alias("hash"))["hash"]
        if hashes.n_unique() < calls.height:
            repeats = repeats | ~calls.select(pl.struct(key).is_first_distinct().alias("first"))["first"]
        if earlier.num_rows:
            known = pl.DataFrame(earlier.select(key))
            seen = calls.select(key).with_row_index("row").join(known, on=key, how="semi")["row"]
            repeats = repeats | pl.int_range(calls.height, eager=True).is_in(seen.cast(pl.Int64).implode())
    return repeats
