"""Values and rules of the product: no I/O, no clock, no SQL (ARCHITECTURE, layers)."""
