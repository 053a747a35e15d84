"""The read model: an in-memory DuckDB over snapshot, calls and the ledger's tables (ARCHITECTURE, four stores)."""
