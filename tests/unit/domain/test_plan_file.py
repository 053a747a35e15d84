"""Plans are read whole: every mistake with its key and cause, or every version (PLANS)."""

import dataclasses
import json
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from stfc.domain import text
from stfc.domain.call import CallClass
from stfc.domain.plan import Allowance, Band, Cadence, Mode, PlanVersion, Scope, plans_of
from stfc.domain.plan_file import document, parse, version_of
from stfc.errors import PlanProblem, PlansRefusedError

PLANS = Path(__file__).parents[3] / "data" / "plans"
HEAD = 'code = "p"\nname = "P"\nvalid_from = 2026-01-01\n'
PRICE = '[plan.price]\nLOCAL = "0.08"\n'


def a_plan(head: str = HEAD, body: str = PRICE) -> str:
    return f"[[plan]]\n{head}{body}"


def problems(content: str | bytes) -> list[PlanProblem]:
    """Why the file is refused."""
    with pytest.raises(PlansRefusedError) as refused:
        parse(content.encode() if isinstance(content, str) else content)
    return list(refused.value.facts["problems"])


@pytest.fixture(scope="module")
def sample() -> PlanVersion:
    return parse((PLANS / "exemplo.toml").read_bytes())[0]


def test_sample_has_every_feature(sample: PlanVersion) -> None:
    assert (sample.key, sample.name, sample.mode) == ("exemplo-500@2026-01-01", "Exemplo 500", Mode.CHECK)
    assert (sample.cadence, sample.tolerance) == (Cadence(30, 6, 0), Decimal("0.05"))
    assert sample.cadence_of(CallClass.LDI) == Cadence(60, 60, 0)
    assert sample.prices[CallClass.VC1] == {Band.NORMAL: Decimal("0.45"), Band.REDUCED: Decimal("0.38")}
    assert sample.prices[CallClass.LOCAL] == dict.fromkeys(Band, Decimal("0.08"))
    assert sample.connections == {CallClass.LDI: Decimal("0.5")}
    assert [country.prefix for country in sample.countries] == ["1", "1809", "351"]
    assert sample.allowances == (
        Allowance(frozenset({CallClass.VC1}), 30, Scope.LINE),
        Allowance(frozenset({CallClass.LOCAL, CallClass.LDN}), 500, Scope.CONTRACT),
    )
    written = tomllib.loads((PLANS / "exemplo.toml").read_text("utf-8"))["plan"][0]
    assert set(written) == set(document(sample))


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.toml")), ids=lambda path: path.name)
def test_every_file_that_ships_is_a_good_one(path: Path) -> None:
    assert parse(path.read_bytes())


def test_what_is_left_out_has_its_default() -> None:
    (version,) = parse(a_plan().encode())
    assert (version.mode, version.cadence, version.tolerance) == (Mode.PLATFORM, Cadence(30, 6, 0), 0)
    assert (version.allowances, version.connections, version.countries) == ((), {}, ())


def test_version_comes_back_from_its_document(sample: PlanVersion) -> None:
    assert version_of(json.loads(json.dumps(document(sample)))) == sample


def test_documents_are_equal_where_the_meaning_is() -> None:
    one = parse(a_plan(body='[plan.price]\nLOCAL = "0.0800"\n[plan.connection]\nLDI = "1.0"').encode())
    other = parse(
        a_plan(
            HEAD + 'mode = "platform"\n',
            '[plan.connection]\nLDI = "1"\n[plan.price]\nLOCAL = {normal = "0.08", reduced = "0.080"}',
        ).encode()
    )
    assert document(one[0]) == document(other[0])


def test_versions_of_a_plan_follow_each_other() -> None:
    days = ("2026-10-05", "2026-01-01")
    plan = plans_of(parse("".join(a_plan(HEAD.replace("2026-01-01", day)) for day in days).encode()))["p"]
    keys = [None if (found := plan.on(date(2026, *day))) is None else found.key for day in ((1, 1), (10, 4), (10, 5))]
    assert keys == ["p@2026-01-01", "p@2026-01-01", "p@2026-10-05"]
    assert plan.on(date(2025, 12, 31)) is None
    assert plan.of_period(date(2025, 12, 21), date(2026, 1, 20)) is plan.versions[0]
    assert plan.of_period(date(2025, 11, 21), date(2025, 12, 20)) is None


MISTAKES = {
    "code missing": (a_plan('name = "P"\nvalid_from = 2026-01-01\n'), "code", "required"),
    "code empty": (a_plan(HEAD.replace('"p"', '" "')), "code", "empty"),
    "code with a space behind": (a_plan(HEAD.replace('"p"', '"p "')), "code", "not_plain"),
    "code a number": (a_plan(HEAD.replace('"p"', "500")), "code", "not_text"),
    "code too long": (a_plan(HEAD.replace('"p"', f'"{"p" * 256}"')), "code", "too_long"),
    "day missing": (a_plan('code = "p"\nname = "P"\n'), "valid_from", "required"),
    "day as text": (a_plan(HEAD.replace("2026-01-01", '"2026-01-01"')), "valid_from", "not_day"),
    "day with an hour": (a_plan(HEAD.replace("2026-01-01", "2026-01-01T00:00:00")), "valid_from", "not_day"),
    "unknown mode": (a_plan(HEAD + 'mode = "both"\n'), "mode", "choice"),
    "unknown key": (a_plan(HEAD + "discount = 1\n"), "discount", "unknown_key"),
    "prices missing": (a_plan(body=""), "price", "required"),
    "unknown class": (a_plan(body='[plan.price]\nVC4 = "1"'), "price.VC4", "class"),
    "price of the unknown": (a_plan(body='[plan.price]\nUNKNOWN = "1"'), "price.UNKNOWN", "class_unknown"),
    "negative price": (a_plan(body='[plan.price]\nLOCAL = "-0.08"'), "price.LOCAL", "negative"),
    "too precise price": (a_plan(body='[plan.price]\nLOCAL = "0.080000001"'), "price.LOCAL", "too_precise"),
    "price too high": (a_plan(body='[plan.price]\nLOCAL = "1000.01"'), "price.LOCAL", "too_large"),
    "price as a float": (a_plan(body="[plan.price]\nLOCAL = 0.08"), "price.LOCAL", "amount_not_text"),
    "price with a comma": (a_plan(body='[plan.price]\nLOCAL = "0,08"'), "price.LOCAL", "amount"),
    "band missing": (a_plan(body='[plan.price]\nVC1 = { normal = "1" }'), "price.VC1.reduced", "required"),
    "unknown band": (
        a_plan(body='[plan.price]\nVC1 = { normal = "1", reduced = "1", night = "1" }'),
        "price.VC1.night",
        "unknown_key",
    ),
    "fee of an unknown class": (a_plan(body=PRICE + '[plan.connection]\nLDX = "1"'), "connection.LDX", "class"),
    "negative fee": (a_plan(body=PRICE + '[plan.connection]\nLDI = "-1"'), "connection.LDI", "negative"),
    "cadence without steps": (a_plan(HEAD + "cadence = { increment = 0 }\n"), "cadence.increment", "range"),
    "negative minimum": (a_plan(HEAD + "cadence = { minimum = -1 }\n"), "cadence.minimum", "negative"),
    "half a second": (a_plan(HEAD + "cadence = { minimum = 0.5 }\n"), "cadence.minimum", "not_whole"),
    "cadence as a number": (a_plan(HEAD + "cadence = 30\n"), "cadence", "not_table"),
    "cadence with another key": (a_plan(HEAD + "cadence = { step = 6 }\n"), "cadence.step", "unknown_key"),
    "cadence of an unknown class": (a_plan(body=PRICE + "[plan.cadences]\nX = {}"), "cadences.X", "class"),
    "negative tolerance": (a_plan(HEAD + 'tolerance_amount = "-0.05"\n'), "tolerance_amount", "negative"),
    "allowance as a table": (a_plan(body=PRICE + "[plan.allowance]\nminutes = 1"), "allowance", "not_tables"),
    "allowance without minutes": (
        a_plan(body=PRICE + '[[plan.allowance]]\nclasses = ["LOCAL"]'),
        "allowance[1].minutes",
        "required",
    ),
    "allowance without classes": (
        a_plan(body=PRICE + "[[plan.allowance]]\nminutes = 1"),
        "allowance[1].classes",
        "required",
    ),
    "allowance of no class": (
        a_plan(body=PRICE + "[[plan.allowance]]\nclasses = []\nminutes = 1"),
        "allowance[1].classes",
        "not_classes",
    ),
    "allowance of an unknown class": (
        a_plan(body=PRICE + '[[plan.allowance]]\nclasses = ["LOCAL", "VC9"]\nminutes = 1'),
        "allowance[1].classes.VC9",
        "class",
    ),
    "class twice in an allowance": (
        a_plan(body=PRICE + '[[plan.allowance]]\nclasses = ["LOCAL", "LOCAL"]\nminutes = 1'),
        "allowance[1].classes",
        "class_twice",
    ),
    "unknown scope": (
        a_plan(body=PRICE + '[[plan.allowance]]\nclasses = ["LOCAL"]\nminutes = 1\nscope = "city"'),
        "allowance[1].scope",
        "choice",
    ),
    "prefix with a plus": (
        a_plan(body=PRICE + '[[plan.international]]\nprefix = "+1"\nprice = "1"'),
        "international[1].prefix",
        "prefix",
    ),
    "prefix twice": (
        a_plan(body=PRICE + '[[plan.international]]\nprefix = "1"\nprice = "1"\n' * 2),
        "international[2].prefix",
        "prefix_twice",
    ),
    "country without a price": (
        a_plan(body=PRICE + '[[plan.international]]\nprefix = "1"'),
        "international[1].price",
        "required",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_named_by_key_and_cause(name: str) -> None:
    content, key, cause = MISTAKES[name]
    (problem,) = problems(content)
    assert problem.key == f"plan[1].{key}"
    shape = text.PLAN_CAUSES[cause].split("{")[0]
    assert problem.cause.startswith(shape)


def test_every_mistake_of_a_file_is_found() -> None:
    found = problems("\n".join(content for content, _, _ in MISTAKES.values()))
    expected = [f"plan[{number}].{key}" for number, (_, key, _) in enumerate(MISTAKES.values(), start=1)]
    twice = [problem for problem in found if problem.key in {f"plan[{number}]" for number in range(1, 100)}]
    assert sorted(problem.key for problem in found if problem not in twice) == sorted(expected)
    assert len(expected) >= 20


@pytest.mark.parametrize(
    ("content", "key", "cause"),
    [
        ("", "plan", "no_plan"),
        ("plan = 1", "plan", "not_tables"),
        (a_plan() + "[settings]\nx = 1", "settings", "unknown_key"),
        ("[[plan]\n", "", "toml"),
        (a_plan().replace("P", "Pá").encode("cp1252"), "", "encoding"),
        (a_plan() + a_plan(HEAD.replace('"P"', '"Q"')), "plan[2]", "version_twice"),
    ],
    ids=["empty", "no table", "another table", "no TOML", "no UTF-8", "version twice"],
)
def test_mistake_of_the_whole_file_is_named(content: str | bytes, key: str, cause: str) -> None:
    (problem,) = problems(content)
    assert problem.key == key
    assert problem.cause.startswith(text.PLAN_CAUSES[cause].split("{")[0])


def test_bad_toml_is_placed() -> None:
    (problem,) = problems("[[plan]]\ncode = \n")
    assert problem.cause == "não é TOML válido (linha 2, coluna 8)"


def test_several_mistakes_of_one_plan_are_all_named() -> None:
    found = problems('[[plan]]\ncode = 1\nmode = "x"\n[plan.price]\nLOCAL = "-1"\nVC9 = "1"')
    assert {problem.key for problem in found} == {
        "plan[1].code",
        "plan[1].name",
        "plan[1].valid_from",
        "plan[1].mode",
        "plan[1].price.LOCAL",
        "plan[1].price.VC9",
    }


def test_version_that_could_never_have_been_imported_is_refused(sample: PlanVersion) -> None:
    dear = dataclasses.replace(sample, tolerance=Decimal(-1))
    with pytest.raises(PlansRefusedError):
        version_of(document(dear))
