"""Our own rating of calls (PRODUCT 6): ``price`` defines it, call by call, and ``columns`` computes it for many."""
