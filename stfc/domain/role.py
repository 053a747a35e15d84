"""Who may do what: three roles, each with all that the one before it may (PRODUCT 1)."""

from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """Supervisor reads, operator also bills, manager also releases and sees the audit; ordered by what they may."""

    SUPERVISOR = "supervisor"
    OPERATOR = "operator"
    MANAGER = "manager"

    @property
    def rank(self) -> int:
        """0 for the role that may least."""
        return _ORDER.index(self)

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do all that ``needed`` may."""
        return self.rank >= needed.rank

    # A StrEnum would compare by spelling, where "manager" < "operator": wrong by luck, so ranks decide.
    def __lt__(self, other: Any) -> bool:
        return self.rank < Role(other).rank

    def __le__(self, other: Any) -> bool:
        return self.rank <= Role(other).rank

    def __gt__(self, other: Any) -> bool:
        return self.rank > Role(other).rank

    def __ge__(self, other: Any) -> bool:
        return self.rank >= Role(other).rank


_ORDER = (Role.SUPERVISOR, Role.OPERATOR, Role.MANAGER)
