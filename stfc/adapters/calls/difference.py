"""A corrected file beside the calls that were charged (ports.FileComparer)."""

from dataclasses import replace

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from stfc.adapters.calls.store import ParquetCallStore
from stfc.domain.correction import FiledCall, difference
from stfc.services.ports import Arrived, CallAssessor, ChunkSpec, ComparedFile, LiveCalls

_COLUMNS = ["call_id", "line", "called", "started_at", "duration", "class", "amount"]


class ColumnarComparison:
    """Reads the new file as a worker would, without the charge that it corrects."""

    def __init__(self, store: ParquetCallStore, assessor: CallAssessor) -> None:
        self._store = store
        self._assessor = assessor

    def compare(self, spec: ChunkSpec, arrived: Arrived) -> ComparedFile:
        """What the file of the one item in ``spec`` comes to, and how it differs from the calls of the item's claim.

        Raises:
            StorageError: a part or the snapshot cannot be read.
        """
        (item,) = spec.items
        # Its own calls must not count as seen before: the new file repeats nearly all of them.
        others = LiveCalls(spec.calls.revision, spec.calls.parts, spec.calls.excluded | {item.claim})
        found = self._assessor.assess(replace(spec, calls=others), {item.item: arrived})
        charged = self._store.calls_of([item.contract], _of_month(spec))
        before = charged.filter(pc.field("claim") == item.claim)
        return ComparedFile(found.outcomes[item.item], difference(_filed(before), _filed(found.calls)))


def _of_month(spec: ChunkSpec) -> LiveCalls:
    return replace(spec.calls, parts=tuple(part for part in spec.calls.parts if part.competence == spec.competence))


def _filed(calls: pa.Table) -> list[FiledCall]:
    rows = pl.DataFrame(calls.select(_COLUMNS)).iter_rows()
    return [FiledCall(*row) for row in rows]
