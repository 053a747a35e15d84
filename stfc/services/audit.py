"""The audit trail for people: read by managers, verified by anybody (PRODUCT 9)."""

from stfc.domain.role import Role
from stfc.services import access
from stfc.services.ports import EVERY_LINE, Actor, AuditFilter, AuditLine, AuditTrail, AuditVerdict, Person


class Audit:
    """The use cases *read the trail* and *verify it*."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    def page(
        self,
        actor: Actor,
        *,
        search: str = "",
        chosen: AuditFilter = EVERY_LINE,
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[int, list[AuditLine]]:
        """How many lines of ``chosen`` hold ``search``, and a page of them, newest first.

        Raises:
            NotAllowedError: the actor is no manager.
        """
        access.require(actor, Role.MANAGER, "read_audit")
        return self._trail.page(search=search.strip(), chosen=chosen, offset=offset, limit=limit)

    def people(self, actor: Actor) -> list[Person]:
        """Everybody who ever acted, a row a role, the last act first (``NotAllowedError``: no manager)."""
        access.require(actor, Role.MANAGER, "read_audit")
        return self._trail.people()

    def actions(self, actor: Actor) -> list[str]:
        """The names of all acts in the trail, in order (``NotAllowedError``: no manager)."""
        access.require(actor, Role.MANAGER, "read_audit")
        return self._trail.actions()

    def verify(self) -> AuditVerdict:
        """Whether the trail is whole; tells nothing of what is in it, and is for every role."""
        return self._trail.verify()
