"""The proof harness: seeded runs of the real product under kills, faults and impatient people, counted apart.

``python -m tests.proof`` (``make proof``) runs it; ``docs/proof.md`` says what it does and what was seen.
"""
