"""The fiscal export's arithmetic: a charge split over its classes, to the centavo (PRODUCT 8)."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from stfc.domain.money import Centavos

_HUNDREDTH = Decimal("0.01")


def split(amount: Centavos, weights: Sequence[int]) -> list[Centavos]:
    """``amount`` over the classes by their ``weights`` (micros, none negative), in centavos that add up to it exactly.

    What the cut leaves over goes to the largest fractions, of equal ones to the first. Weights that are whole centavos
    and add up to ``amount`` come out as they are. Without any weight the first class takes all.
    """
    whole = sum(weights)
    if whole == 0:
        return [Centavos(amount if index == 0 else 0) for index in range(len(weights))]
    shares = [divmod(amount * weight, whole) for weight in weights]
    left = amount - sum(share for share, _ in shares)
    largest = sorted(range(len(shares)), key=lambda index: (-shares[index][1], index))[:left]
    return [Centavos(share + (index in largest)) for index, (share, _) in enumerate(shares)]


def minutes(seconds: int) -> Decimal:
    """Minutes of ``seconds``, two decimals, half up: a quantity for a document, never multiplied into money."""
    return (Decimal(seconds) / 60).quantize(_HUNDREDTH, ROUND_HALF_UP)
