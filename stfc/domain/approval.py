"""What a second person confirms: the same words when it is asked for and when it is done, so that one act stays one."""

from collections.abc import Collection
from typing import Any

from stfc.domain.competence import Competence
from stfc.domain.money import Centavos
from stfc.domain.parameter import Parameter


def reversal_subject(batch: int, contracts: Collection[str] | None) -> dict[str, Any]:
    """The subject of a reversal: all of the batch when ``contracts`` is None."""
    return {"batch": batch, "contracts": None if contracts is None else sorted(set(contracts))}


def parameter_subject(parameter: Parameter, value: int) -> dict[str, Any]:
    """The subject of a change of a parameter."""
    return {"parameter": parameter.value, "value": value}


def correction_subject(correction: int) -> dict[str, Any]:
    """The subject of reversing a charge to charge its corrected file."""
    return {"correction": correction}


def rerate_subject(
    competence: Competence, contracts: Collection[str] | None, plan: str | None, amount: Centavos
) -> dict[str, Any]:
    """The subject of a re-rating: all contracts where None; ``amount`` is what the new charges come to, and must."""
    chosen = None if contracts is None else sorted(set(contracts))
    return {"competence": str(competence), "contracts": chosen, "plan": plan, "amount": amount}


def release_subject(holds: Collection[int]) -> dict[str, Any]:
    """The subject of a release."""
    return {"holds": sorted(set(holds))}
