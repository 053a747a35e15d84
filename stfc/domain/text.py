"""Every Portuguese sentence that screen and terminal share, from codes and facts (ARCHITECTURE, layers)."""
