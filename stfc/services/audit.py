"""The audit trail for people: read by managers, verified by anybody (PRODUCT 9)."""

from stfc.domain.role import Role
from stfc.services import access
from stfc.services.ports import Actor, AuditLine, AuditTrail, AuditVerdict


class Audit:
    """The use cases *read the trail* and *verify it*."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    def page(
        self, actor: Actor, *, search: str = "", offset: int = 0, limit: int | None = None
    ) -> tuple[int, list[AuditLine]]:
        """How many lines hold ``search``, and a page of them, newest first.

        Raises:
            NotAllowedError: the actor is no manager.
        """
        access.require(actor, Role.MANAGER, "read_audit")
        return self._trail.page(search=search.strip(), offset=offset, limit=limit)

    def verify(self) -> AuditVerdict:
        """Whether the trail is whole; tells nothing of what is in it, and is for every role."""
        return self._trail.verify()
