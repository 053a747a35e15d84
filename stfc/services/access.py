"""Who may do what, held in the services and not only in the pages (PRODUCT 1)."""

from stfc.domain.role import Role
from stfc.errors import NotAllowedError
from stfc.services.ports import Actor


def require(actor: Actor, needed: Role, action: str) -> None:
    """Refuse ``action`` to an actor whose role is none, or does not cover ``needed`` (``NotAllowedError``)."""
    if actor.role not in list(Role) or not Role(actor.role).covers(needed):
        raise NotAllowedError(role=actor.role, needed=needed.value, action=action)
