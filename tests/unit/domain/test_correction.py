"""Two versions of a file, call by call (PRODUCT 5)."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.correction import Change, FiledCall, difference
from stfc.domain.money import Micros

START = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)
ONE = FiledCall("a", "1133334444", "11999990001", START, 60, "LOCAL", Micros(100_000))
TWO = replace(ONE, call_id="b", called="21999990002", call_class="VC2", amount=Micros(500_000))

_calls = st.lists(
    st.builds(
        FiledCall,
        call_id=st.sampled_from("abcdef"),
        line=st.just("1133334444"),
        called=st.sampled_from(["1", "2"]),
        started_at=st.just(START),
        duration=st.integers(0, 3),
        call_class=st.sampled_from(["LOCAL", "VC2"]),
        amount=st.integers(0, 5).map(Micros),
    ),
    unique_by=(lambda call: call.call_id, lambda call: call.event),
)


def test_a_call_is_new_gone_or_changed() -> None:
    dearer, third = replace(ONE, amount=Micros(1_100_000)), replace(TWO, call_id="c", called="31999990003")
    found = difference([ONE, TWO], [dearer, third])
    assert {(one.change, one.call.call_id) for one in found.calls} == {
        (Change.CHANGED, "a"),
        (Change.GONE, "b"),
        (Change.NEW, "c"),
    }
    assert [(one.call_class, one.before, one.after) for one in found.classes] == [
        ("LOCAL", 100_000, 1_100_000),
        ("VC2", 500_000, 500_000),
    ]


def test_another_id_alone_is_no_change() -> None:
    assert difference([ONE], [replace(ONE, call_id="z")]).calls == ()


@given(_calls, _calls)
def test_the_changes_explain_the_difference_to_the_micro(before: list[FiledCall], after: list[FiledCall]) -> None:
    found = difference(before, after)
    by_call = sum(
        (one.after.amount if one.after else 0) - (one.before.amount if one.before else 0) for one in found.calls
    )
    assert by_call == sum(call.amount for call in after) - sum(call.amount for call in before)
    assert by_call == sum(one.after - one.before for one in found.classes)
    assert len(after) - len(before) == sum((one.before is None) - (one.after is None) for one in found.calls)
