"""The ERP dump: reading, validating, and the snapshot store."""
