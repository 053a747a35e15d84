"""Use cases: one service per idea, ports in ``ports``; dependencies come in by constructor."""
