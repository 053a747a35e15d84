"""The ledger in SQL: SQLite or PostgreSQL through SQLAlchemy Core."""
