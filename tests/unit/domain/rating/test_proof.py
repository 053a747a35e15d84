"""The proof of a stored call's price leads to the price that the engine stored (PRODUCT 6)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stfc.domain import text
from stfc.domain.call import CallRecord
from stfc.domain.money import Micros
from stfc.domain.plan import PlanVersion, plans_of
from stfc.domain.rating import columns
from stfc.domain.rating.columns import RatedUnder
from stfc.domain.rating.proof import PriceProof, proof
from tests.unit.domain.rating.test_columns import FIRST_DAY, calls, frame, versions
from tests.unit.domain.rating.test_price import a_call, a_plan

PORTUGAL = '[[plan.international]]\nprefix = "351"\nname = "Portugal"\nprice = "0.98"\n'
MOBILES = '[[plan.international]]\nprefix = "3519"\nname = "Portugal móvel"\nprice = "1.10"\n'


@settings(max_examples=100)
@given(st.lists(versions, min_size=1, max_size=4), st.lists(calls, max_size=20))
def test_last_step_of_every_proof_is_the_price_that_the_engine_stored(
    some: list[PlanVersion], records: list[CallRecord]
) -> None:
    plan = next(iter(plans_of({version.key: version for version in some}.values()).values()))
    stored = columns.rate(frame([records]), {0: RatedUnder(plan, FIRST_DAY)})
    for call, row in zip(records, stored.iter_rows(named=True), strict=True):
        if row["plan_version"] is None:
            continue
        found = proof(
            call,
            plan,
            version=row["plan_version"],
            allowance_seconds=row["allowance_seconds"],
            ours=row["our_price"],
        )
        assert found
        assert found.holds
        assert (found.steps.billed_seconds, found.steps.band) == (row["billed_seconds"], row["band"])
        assert found.steps.allowance_seconds == row["allowance_seconds"]


def proven(body: str, call: CallRecord, ours: int, allowance_seconds: int = 0) -> PriceProof:
    plan = a_plan(body)
    found = proof(call, plan, version=plan.versions[0].key, allowance_seconds=allowance_seconds, ours=Micros(ours))
    assert found
    return found


def test_longest_prefix_gives_the_tariff_and_the_proof_names_it() -> None:
    found = proven(PORTUGAL + MOBILES, a_call("0015351912345678"), 1_100_000)
    assert found.holds
    assert ("Tarifa", "R$ 1,10 por minuto para Portugal móvel (prefixo 3519)") in text.price_steps(found.steps)


def test_allowance_is_named_where_only_one_can_have_been_used() -> None:
    one = '[[plan.allowance]]\nclasses = ["LOCAL"]\nminutes = 1\nscope = "contract"\n'
    other = '[[plan.allowance]]\nclasses = ["LOCAL"]\nminutes = 2\nscope = "line"\n'
    call = a_call(duration=67)
    named = text.price_steps(proven(one, call, 10_000, 66).steps)
    assert ("Franquia", "1 min do contrato (Local): 66 s sem custo, restam 6 s") in named
    unnamed = text.price_steps(proven(one + other, call, 10_000, 66).steps)
    assert ("Franquia", "66 s sem custo, restam 6 s") in unnamed


def test_proof_tells_a_stored_price_that_its_steps_do_not_lead_to() -> None:
    found = proven("", a_call(), 110_000)
    assert not found.holds
    assert found.difference == 110_000


def test_call_of_a_version_that_is_not_there_has_no_proof() -> None:
    assert proof(a_call(), a_plan(), version="p@2020-01-01", allowance_seconds=0, ours=Micros(0)) is None


def test_exact_value_without_end_is_shown_as_such() -> None:
    plan = a_plan(head="cadence = { minimum = 1, increment = 1, tolerance = 0 }")
    key = plan.versions[0].key
    found = proof(a_call(duration=31), plan, version=key, allowance_seconds=0, ours=Micros(50_000))
    assert found
    assert text.price_steps(found.steps)[-2:] == [
        ("Valor exato", "R$ 0,10 × 31 s ÷ 60 = R$ 0,05166666…"),
        ("Preço", "R$ 0,05, sem a fração de centavo"),
    ]
