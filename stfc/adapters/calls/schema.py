"""The form of a part of calls: what a billing file says of a call, and what we derive from it."""

import pyarrow as pa

PART_SCHEMA = pa.schema(
    [
        ("contract", pa.string()),
        ("claim", pa.int64()),
        ("call_id", pa.string()),
        ("line", pa.string()),
        ("caller", pa.string()),
        ("called", pa.string()),
        ("started_at", pa.timestamp("us", "UTC")),
        ("offset_minutes", pa.int16()),
        ("duration", pa.int32()),
        ("platform_class", pa.string()),
        ("carrier", pa.string()),
        ("csp", pa.string()),
        ("amount", pa.int64()),
        ("class", pa.string()),
        ("destination", pa.string()),
        ("local_day", pa.date32()),
        ("hour", pa.int8()),
        ("weekday", pa.int8()),
        ("late", pa.bool_()),
        ("issue", pa.string()),
        ("our_price", pa.int64()),
        ("band", pa.string()),
        ("billed_seconds", pa.int32()),
        ("allowance_seconds", pa.int32()),
        ("plan_version", pa.string()),
    ]
)
"""A row per kept call, by contract, then start.

``claim`` names item and attempt; ``offset_minutes`` is the file's own; ``duration`` in seconds, ``amount`` in micros;
``destination`` is a CN (``"11"``), a country (``"+351"``) or empty; ``local_day``, ``hour`` and ``weekday`` (0 Monday)
are those of the line's CN; ``late`` means started before the file's period; ``issue`` is ``CTR-LIN``, ``CTR-DIV`` or
null. The competence is the folder's, not a column.

The last five are our own rating (PRODUCT 6), all null where the contract has no plan: ``our_price`` in micros, always
whole centavos, null where the plan has no price; ``band`` is ``normal`` or ``reduced``; ``allowance_seconds`` are those
of ``billed_seconds`` that an allowance took; ``plan_version`` is code and first day, ``empresarial-500@2026-01-01``.
"""

DELTA_ENCODINGS = {"call_id": "DELTA_BYTE_ARRAY", "started_at": "DELTA_BINARY_PACKED"}
"""Columns that say little more than the row before: a part stores what changed, 5 bytes a call instead of 7.5."""

DICTIONARY_COLUMNS = [
    name for name in PART_SCHEMA.names if name not in DELTA_ENCODINGS and name not in ("called", "late")
]
"""Columns of few values, which a part stores as numbers into a list. Called numbers are too many, flags too small."""
