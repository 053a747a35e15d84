"""What subscribers dial: kinds of calls, how each is dialled, its class, its price (PRODUCT 6)."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from stfc.domain.call import CallClass
from stfc.simulator import chance
from stfc.simulator.chance import Ints
from stfc.simulator.universe import AREAS, Profile

CLASSES: tuple[CallClass, ...] = tuple(CallClass)
"""Columns name a class by its place here."""

CARRIERS = ("VIVO", "CLARO", "TIM", "OI", "ALGAR", "SERCOMTEL", "")
NO_CARRIER = len(CARRIERS) - 1
CSPS = ("15", "21", "31", "41", "14", "43", "")
NO_CSP = len(CSPS) - 1
_CARRIER_WEIGHTS = {0: 36, 1: 26, 2: 22, 3: 9, 4: 5, 5: 2}
_CSP_WEIGHTS = {0: 30, 1: 34, 2: 16, 3: 14, 4: 4, 5: 2}


class Target(IntEnum):
    """What kind of number is called."""

    FIXED = 0
    MOBILE = 1
    SPECIAL = 2
    SERVICE = 3
    ABROAD = 4
    UTILITY = 5


class Where(IntEnum):
    """Which CN is called, seen from the line's."""

    HOME = 0
    SAME_REGION = 1
    OTHER_REGION = 2
    ANY_OTHER = 3


class Prefix(IntEnum):
    """What is dialled before the number."""

    NONE = 0
    AREA = 1
    CSP_AREA = 2
    COLLECT_CSP_AREA = 3
    ABROAD = 4
    WORD = 5


@dataclass(frozen=True)
class Kind:
    """A kind of call: its class, what is dialled, and how often each ``Profile`` makes one (parts of the whole)."""

    name: str
    call_class: CallClass
    target: Target
    where: Where
    prefix: Prefix
    weights: tuple[int, int, int, int]
    word: str = ""


_HOME, _SAME, _OTHER, _ANY = Where.HOME, Where.SAME_REGION, Where.OTHER_REGION, Where.ANY_OTHER
KINDS = (
    Kind("local", CallClass.LOCAL, Target.FIXED, _HOME, Prefix.NONE, (170, 190, 170, 90)),
    Kind("local with CN", CallClass.LOCAL, Target.FIXED, _HOME, Prefix.AREA, (70, 90, 80, 60)),
    Kind("400X", CallClass.LOCAL, Target.SPECIAL, _HOME, Prefix.NONE, (20, 25, 20, 5)),
    Kind("long distance", CallClass.LDN, Target.FIXED, _ANY, Prefix.CSP_AREA, (60, 80, 100, 120)),
    Kind("long distance without CSP", CallClass.LDN, Target.FIXED, _ANY, Prefix.AREA, (20, 30, 40, 60)),
    Kind("mobile", CallClass.VC1, Target.MOBILE, _HOME, Prefix.NONE, (250, 220, 200, 130)),
    Kind("mobile with CN", CallClass.VC1, Target.MOBILE, _HOME, Prefix.AREA, (150, 130, 130, 120)),
    Kind("mobile, same region", CallClass.VC2, Target.MOBILE, _SAME, Prefix.CSP_AREA, (60, 70, 80, 150)),
    Kind("mobile, other region", CallClass.VC3, Target.MOBILE, _OTHER, Prefix.CSP_AREA, (50, 50, 70, 200)),
    Kind("abroad", CallClass.LDI, Target.ABROAD, _HOME, Prefix.ABROAD, (8, 10, 12, 2)),
    Kind("0800", CallClass.TOLL_FREE, Target.SERVICE, _HOME, Prefix.WORD, (70, 55, 45, 30), "0800"),
    Kind("0300", CallClass.SHARED, Target.SERVICE, _HOME, Prefix.WORD, (8, 8, 6, 4), "0300"),
    Kind("0303", CallClass.SHARED, Target.SERVICE, _HOME, Prefix.WORD, (3, 3, 3, 2), "0303"),
    Kind("0500", CallClass.SHARED, Target.SERVICE, _HOME, Prefix.WORD, (2, 1, 1, 1), "0500"),
    Kind("0900", CallClass.SHARED, Target.SERVICE, _HOME, Prefix.WORD, (2, 1, 1, 1), "0900"),
    Kind("public utility", CallClass.PUBLIC_UTILITY, Target.UTILITY, _HOME, Prefix.NONE, (40, 25, 25, 15)),
    Kind("collect", CallClass.LOCAL, Target.FIXED, _HOME, Prefix.WORD, (10, 5, 3, 1), "9090"),
    Kind("collect, long distance", CallClass.LDN, Target.FIXED, _ANY, Prefix.COLLECT_CSP_AREA, (5, 3, 2, 1)),
)
ABROAD = next(place for place, kind in enumerate(KINDS) if kind.target is Target.ABROAD)
FREE = chance.wheel(
    {
        place: kind.weights[0]
        for place, kind in enumerate(KINDS)
        if kind.call_class in (CallClass.TOLL_FREE, CallClass.PUBLIC_UTILITY)
    }
)
KIND_WHEELS = np.stack([chance.wheel({k: kind.weights[p] for k, kind in enumerate(KINDS)}) for p in Profile])
"""Per profile a wheel of kinds."""

KIND_CLASS = np.array([CLASSES.index(kind.call_class) for kind in KINDS], dtype=np.int64)
KIND_TARGET = np.array([kind.target for kind in KINDS], dtype=np.int64)
KIND_WHERE = np.array([kind.where for kind in KINDS], dtype=np.int64)
KIND_PREFIX = np.array([kind.prefix for kind in KINDS], dtype=np.int64)
KIND_HAS_CSP = np.isin(KIND_PREFIX, [Prefix.CSP_AREA, Prefix.COLLECT_CSP_AREA, Prefix.ABROAD])
KIND_HAS_CARRIER = np.isin(KIND_TARGET, [Target.FIXED, Target.MOBILE])
CARRIER_WHEEL = chance.wheel(_CARRIER_WEIGHTS)
CSP_WHEEL = chance.wheel(_CSP_WEIGHTS)
UTILITY_WHEEL = chance.wheel(
    {190: 30, 192: 22, 193: 14, 199: 6, 197: 5, 181: 3, 180: 3, 100: 3, 188: 4, 156: 10, 153: 6, 115: 5, 116: 5, 136: 4}
)


@dataclass(frozen=True)
class Country:
    """A country called: its calling code, digits of its numbers, price a minute in 1e-4 reais, weights of use."""

    code: str
    digits: int
    price: int
    weight: int
    fraud_weight: int = 0


COUNTRIES = (
    Country("1", 10, 9_000, 300),
    Country("351", 9, 9_800, 170),
    Country("54", 10, 8_500, 90),
    Country("598", 8, 8_500, 40),
    Country("595", 9, 8_500, 60),
    Country("34", 9, 9_800, 60),
    Country("39", 10, 9_800, 60),
    Country("44", 10, 9_800, 50),
    Country("49", 10, 9_800, 40),
    Country("33", 9, 9_800, 30),
    Country("81", 10, 12_000, 40),
    Country("86", 11, 14_000, 25),
    Country("244", 9, 19_000, 15),
    Country("53", 8, 29_000, 2, 40),
    Country("252", 8, 35_000, 0, 30),
    Country("371", 8, 32_000, 0, 20),
    Country("960", 7, 35_000, 0, 10),
)
COUNTRY_WHEEL = chance.wheel({place: country.weight for place, country in enumerate(COUNTRIES)})
FRAUD_WHEEL = chance.wheel({place: country.fraud_weight for place, country in enumerate(COUNTRIES)})
COUNTRY_SCALE = np.array([10 ** (country.digits - 1) for country in COUNTRIES], dtype=np.int64)
COUNTRY_PRICE = np.array([country.price for country in COUNTRIES], dtype=np.int64)

_PRICES = {
    CallClass.LOCAL: 800,
    CallClass.LDN: 2_000,
    CallClass.VC1: 4_500,
    CallClass.VC2: 7_000,
    CallClass.VC3: 7_900,
    CallClass.SHARED: 3_000,
}
CLASS_PRICE = np.array([_PRICES.get(name, 0) for name in CLASSES], dtype=np.int64)
"""Price a minute per class in 1e-4 reais, that of PLANS' sample plan; ``LDI`` goes by country."""

VC1_REDUCED = 3_800
ABROAD_CONNECTION = 5_000

VC1 = CLASSES.index(CallClass.VC1)
LDI = CLASSES.index(CallClass.LDI)

_WORDS = ("", *dict.fromkeys(kind.word for kind in KINDS if kind.word))
_AREA_AT = len(_WORDS)
_CSP_AREA_AT = _AREA_AT + len(AREAS)
_CSPS_USED = CSPS[:NO_CSP]
_COLLECT_AT = _CSP_AREA_AT + len(_CSPS_USED) * len(AREAS)
_ABROAD_AT = _COLLECT_AT + len(_CSPS_USED) * len(AREAS)
PREFIXES: tuple[str, ...] = (
    *_WORDS,
    *AREAS,
    *(f"0{csp}{area}" for csp in _CSPS_USED for area in AREAS),
    *(f"90{csp}{area}" for csp in _CSPS_USED for area in AREAS),
    *(f"00{csp}{country.code}" for csp in _CSPS_USED for country in COUNTRIES),
)
"""Everything that can stand before a number; ``prefix_place`` finds the place."""

_KIND_WORD = np.array([_WORDS.index(kind.word) for kind in KINDS], dtype=np.int64)


def prefix_place(kind: Ints, area: Ints, csp: Ints, country: Ints) -> Ints:
    """Where in ``PREFIXES`` the dialled prefix of each call stands. ``csp`` counts only where the kind has one."""
    prefix = KIND_PREFIX[kind]
    place = _KIND_WORD[kind]
    place = np.where(prefix == Prefix.AREA, _AREA_AT + area, place)
    place = np.where(prefix == Prefix.CSP_AREA, _CSP_AREA_AT + csp * len(AREAS) + area, place)
    place = np.where(prefix == Prefix.COLLECT_CSP_AREA, _COLLECT_AT + csp * len(AREAS) + area, place)
    return np.where(prefix == Prefix.ABROAD, _ABROAD_AT + csp * len(COUNTRIES) + country, place)


def neighbours() -> Ints:
    """CNs called from each CN: ``[Where, home, 64 slots]``, places in ``AREAS``; big cities stand in more slots."""
    big = {"11": 10, "21": 7, "31": 5, "41": 4, "51": 4, "61": 4, "71": 3, "81": 3, "85": 3, "19": 3, "62": 2, "48": 2}
    table = np.empty((len(Where), len(AREAS), 64), dtype=np.int64)
    for home, code in enumerate(AREAS):
        table[Where.HOME, home] = home
        for where in (Where.SAME_REGION, Where.OTHER_REGION, Where.ANY_OTHER):
            weights = {
                place: big.get(other, 1)
                for place, other in enumerate(AREAS)
                if other != code and (where is Where.ANY_OTHER or (other[0] == code[0]) == (where is Where.SAME_REGION))
            }
            wide = chance.wheel(weights, 1024)
            table[where, home] = wide[chance.below(chance.mix(np.arange(64, dtype=np.uint64)), len(wide))]
    return table
