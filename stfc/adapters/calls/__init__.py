"""The call store: immutable Parquet parts that the ledger lists."""
