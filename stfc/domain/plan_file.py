"""Plans as TOML writes them, read whole: every mistake with its key and cause (PLANS).

The same form, as JSON, is how the ledger keeps a version: ``document`` writes it, ``version_of`` takes it back.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from stfc.domain import text
from stfc.domain.call import CallClass
from stfc.domain.money import MOST_PRICE, PRICE_PLACES
from stfc.domain.plan import Allowance, Band, Cadence, Country, Mode, PlanVersion, Scope
from stfc.errors import PlanProblem, PlansRefusedError

Word = TypeVar("Word", bound=StrEnum)

MOST_SECONDS = 86_400
"""No cadence counts in steps of more than a day."""
MOST_MINUTES = 10_000_000
_LONGEST = 255
_AMOUNT = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)
_PREFIX = re.compile(r"[1-9]\d{0,14}", re.ASCII)
_TOML_PLACE = re.compile(r"at line (\d+), column (\d+)")
_PLAN_KEYS = (
    "code",
    "name",
    "valid_from",
    "mode",
    "cadence",
    "cadences",
    "tolerance_amount",
    "allowance",
    "price",
    "connection",
    "international",
)
_CLASSES = [one for one in CallClass if one is not CallClass.UNKNOWN]


def parse(content: bytes) -> list[PlanVersion]:
    """The versions that a file of plans writes, in its order.

    Raises:
        PlansRefusedError: with every problem.
    """
    problems: list[PlanProblem] = []
    root = _Table("", _toml(content), problems)
    root.only("plan")
    versions = [_version(table) for table in root.tables("plan")]
    if not versions and not problems:
        root.say("plan", "no_plan")
    _same_version_twice(root, versions)
    if problems:
        raise PlansRefusedError(problems=problems)
    return versions


def version_of(document: Mapping[str, Any]) -> PlanVersion:
    """The version that ``document`` (below) describes; ``PlansRefusedError`` when it describes none."""
    problems: list[PlanProblem] = []
    values = {**document, "valid_from": date.fromisoformat(document["valid_from"])}
    version = _version(_Table("plan", values, problems))
    if problems:
        raise PlansRefusedError(problems=problems)
    return version


def document(version: PlanVersion) -> dict[str, Any]:
    """The version as JSON values under the keys of a plan file, equal for versions that are equal in meaning."""
    return {
        "code": version.code,
        "name": version.name,
        "valid_from": version.valid_from.isoformat(),
        "mode": version.mode.value,
        "cadence": vars(version.cadence),
        "cadences": {name: vars(one) for name, one in sorted(version.cadences.items())},
        "tolerance_amount": _written(version.tolerance),
        "allowance": [
            {"classes": sorted(one.classes), "minutes": one.minutes, "scope": one.scope.value}
            for one in version.allowances
        ],
        "price": {
            name: {band.value: _written(amount) for band, amount in prices.items()}
            for name, prices in sorted(version.prices.items())
        },
        "connection": {name: _written(fee) for name, fee in sorted(version.connections.items())},
        "international": [
            {"prefix": one.prefix, "name": one.name, "price": _written(one.price)} for one in version.countries
        ],
    }


class _Table:
    """A table while it is read: gives values by name and writes down what is wrong with them.

    What is wrong reads as something harmless, so that reading goes on to the next mistake.
    """

    def __init__(self, place: str, values: Mapping[str, Any], problems: list[PlanProblem]) -> None:
        self.place = place
        self.values = values
        self.problems = problems

    def say(self, name: str, cause: str, **facts: object) -> None:
        """Write down a problem of ``name``."""
        key = f"{self.place}.{name}" if self.place and name else self.place or name
        self.problems.append(PlanProblem(key, text.plan_cause(cause, **facts)))

    def only(self, *names: str) -> None:
        """No other names may occur."""
        for name in self.values:
            if name not in names:
                self.say(name, "unknown_key", choices=", ".join(names))

    def words(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if value is None:
            self.say(name, "required")
        elif not isinstance(value, str):
            self.say(name, "not_text")
        elif default is None and not value.strip():
            self.say(name, "empty")
        elif value != value.strip() or not value.isprintable():
            self.say(name, "not_plain")
        elif len(value) > _LONGEST:
            self.say(name, "too_long", most=_LONGEST)
        else:
            return value
        return ""

    def day(self, name: str) -> date:
        value = self.values.get(name)
        if value is None:
            self.say(name, "required")
        elif not isinstance(value, date) or isinstance(value, datetime):
            self.say(name, "not_day")
        else:
            return value
        return date.min

    def choice(self, name: str, kind: type[Word], default: Word) -> Word:
        value = self.values.get(name, default.value)
        if isinstance(value, str) and value in set(kind):
            return kind(value)
        self.say(name, "choice", value=value, choices=", ".join(kind))
        return default

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int:
        value = self.values.get(name, default)
        if value is None:
            self.say(name, "required")
        elif isinstance(value, bool) or not isinstance(value, int):
            self.say(name, "not_whole", value=value)
        elif not least <= value <= most:
            self.say(name, "negative" if value < 0 else "range", least=least, most=most)
        else:
            return value
        return least

    def amount(self, name: str, default: str | None = None) -> Decimal:
        value = self.values.get(name, default)
        if value is None:
            self.say(name, "required")
            return Decimal(0)
        if not isinstance(value, str):
            self.say(name, "amount_not_text", value=value)
            return Decimal(0)
        match = _AMOUNT.fullmatch(value)
        if not match:
            self.say(name, "amount", value=value[:_LONGEST])
        elif match[1]:
            self.say(name, "negative")
        elif len(match[3] or "") > PRICE_PLACES:
            self.say(name, "too_precise", places=PRICE_PLACES)
        elif Decimal(value) > MOST_PRICE:
            self.say(name, "too_large", most=MOST_PRICE)
        else:
            return Decimal(value)
        return Decimal(0)

    def table(self, name: str) -> "_Table":
        """The table of that name; an empty one where it is absent."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            self.say(name, "not_table")
            value = {}
        return _Table(f"{self.place}.{name}", value, self.problems)

    def tables(self, name: str) -> "list[_Table]":
        """The tables of an array of tables, their places counted from 1; none where it is absent."""
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.say(name, "not_tables")
            value = []
        place = f"{self.place}.{name}" if self.place else name
        return [_Table(f"{place}[{number}]", one, self.problems) for number, one in enumerate(value, start=1)]

    def classes(self) -> Iterator[CallClass]:
        """The names of the table, which must be classes that may have a price."""
        for name in self.values:
            if name in set(_CLASSES):
                yield CallClass(name)
            else:
                self.say(name, "class_unknown" if name == CallClass.UNKNOWN else "class", choices=", ".join(_CLASSES))


def _version(table: _Table) -> PlanVersion:
    table.only(*_PLAN_KEYS)
    cadence = _cadence(table.table("cadence"), Cadence())
    cadences, connections = table.table("cadences"), table.table("connection")
    if "price" not in table.values:
        table.say("price", "required")
    return PlanVersion(
        code=table.words("code"),
        name=table.words("name"),
        valid_from=table.day("valid_from"),
        mode=table.choice("mode", Mode, Mode.PLATFORM),
        cadence=cadence,
        tolerance=table.amount("tolerance_amount", "0"),
        prices=_prices(table.table("price")),
        cadences={one: _cadence(cadences.table(one), cadence) for one in cadences.classes()},
        connections={one: connections.amount(one) for one in connections.classes()},
        allowances=tuple(_allowance(one) for one in table.tables("allowance")),
        countries=_countries(table.tables("international")),
    )


def _cadence(table: _Table, default: Cadence) -> Cadence:
    table.only("minimum", "increment", "tolerance")
    return Cadence(
        minimum=table.whole("minimum", 0, MOST_SECONDS, default.minimum),
        increment=table.whole("increment", 1, MOST_SECONDS, default.increment),
        tolerance=table.whole("tolerance", 0, MOST_SECONDS, default.tolerance),
    )


def _prices(table: _Table) -> dict[CallClass, dict[Band, Decimal]]:
    prices = {}
    for one in table.classes():
        if isinstance(table.values[one], dict):
            banded = table.table(one)
            banded.only(*Band)
            prices[one] = {band: banded.amount(band) for band in Band}
        else:
            price = table.amount(one)
            prices[one] = dict.fromkeys(Band, price)
    return prices


def _allowance(table: _Table) -> Allowance:
    table.only("classes", "minutes", "scope")
    return Allowance(
        classes=_allowed(table),
        minutes=table.whole("minutes", 0, MOST_MINUTES),
        scope=table.choice("scope", Scope, Scope.CONTRACT),
    )


def _allowed(table: _Table) -> frozenset[CallClass]:
    value = table.values.get("classes")
    if value is None:
        table.say("classes", "required")
        return frozenset()
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        table.say("classes", "not_classes")
        return frozenset()
    named = _Table(f"{table.place}.classes", dict.fromkeys(value), table.problems)
    if len(named.values) < len(value):
        table.say("classes", "class_twice")
    return frozenset(named.classes())


def _countries(tables: list[_Table]) -> tuple[Country, ...]:
    countries: dict[str, Country] = {}
    for table in tables:
        table.only("prefix", "name", "price")
        prefix = table.words("prefix")
        if prefix and not _PREFIX.fullmatch(prefix):
            table.say("prefix", "prefix", value=prefix)
        elif prefix and prefix in countries:
            table.say("prefix", "prefix_twice", value=prefix)
        countries[prefix] = Country(prefix, table.words("name", ""), table.amount("price"))
    return tuple(countries.values())


def _same_version_twice(root: _Table, versions: list[PlanVersion]) -> None:
    first: dict[str, int] = {}
    for number, version in enumerate(versions, start=1):
        if not version.code or version.valid_from == date.min:
            continue
        if version.key in first:
            facts = {"code": version.code, "day": text.day(version.valid_from), "first": first[version.key]}
            root.say(f"plan[{number}]", "version_twice", **facts)
        first.setdefault(version.key, number)


def _toml(content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as cause:
        problem = PlanProblem("", text.plan_cause("encoding"))
        raise PlansRefusedError(problems=[problem]) from cause
    except (tomllib.TOMLDecodeError, RecursionError) as cause:
        place = _TOML_PLACE.search(str(cause))
        line, column = (place[1], place[2]) if place else ("—", "—")
        problem = PlanProblem("", text.plan_cause("toml", line=line, column=column))
        raise PlansRefusedError(problems=[problem]) from cause


def _written(amount: Decimal) -> str:
    """``0.08`` of 0.0800: the shortest exact text."""
    return f"{amount.normalize():f}"
