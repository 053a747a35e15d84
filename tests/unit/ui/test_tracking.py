"""Where a batch stands, in words and figures, and which batches a filter shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.forecast import BatchForecast
from stfc.domain.money import Centavos
from stfc.domain.outcome import ItemOutcome
from stfc.services.ports import BatchSummary, PlatformState, RecentWork
from stfc.ui import alerts, labels, states, tracking, tracking_rows
from stfc.ui.filters import Chosen
from stfc.ui.tracking import NO_PULSE, Cause, Pulse

START = datetime(2026, 11, 24, 17, 21, tzinfo=UTC)
OCTOBER = Competence(2026, 10)
PENDING = ("waiting_file", "failed", "held")


def a_batch(
    number: int = 47, status: str = "running", *, changes: dict[str, Any] | None = None, **outcomes: int
) -> Any:
    counts = dict.fromkeys((outcome.value for outcome in ItemOutcome), 0) | outcomes
    whole = BatchSummary(
        batch=number,
        competence=OCTOBER,
        snapshot=1,
        status=status,
        pause_code=None,
        paused_at=None,
        created_at=START,
        created_by="marina.duarte",
        started_at=START,
        ended_at=None,
        outcomes=counts,
        live=counts,
        amount=4011852,  # type: ignore[arg-type]  # centavos
        calls=1,
        reversed=0,
    )
    return replace(whole, **(changes or {}))


def chosen(**values: Any) -> Chosen:
    empty: dict[str, Any] = {
        "search": "",
        "only_month": False,
        "who": "",
        "since": None,
        "until": None,
        "situation": (),
    }
    return Chosen(tuple((empty | values).items()), ())


counts = st.fixed_dictionaries({outcome.value: st.integers(0, 50) for outcome in ItemOutcome})


# --- One batch -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcomes", "kind", "badge"),
    [
        ("waiting", {"waiting": 2}, "execucao", "Na fila"),
        ("running", {"waiting": 2, "failed": 1}, "execucao", "Em execução"),
        ("done", {"charged": 2}, "concluidos", "Concluído"),
        ("done", {"charged": 2, "refused": 1}, "concluidos", "Concluído"),
        ("done", {"charged": 2, "held": 1}, "pendencias", "Com pendências"),
        ("done", {"charged": 2, "waiting_file": 1}, "pendencias", "Com pendências"),
        ("done", {"failed": 1}, "pendencias", "Com pendências"),
        ("cancelled", {"cancelled": 1}, "cancelled", "Cancelado"),
    ],
)
def test_batch_falls_under_one_pill_and_says_its_state(
    status: str, outcomes: dict[str, int], kind: str, badge: str
) -> None:
    batch = a_batch(status=status, **outcomes)
    assert tracking.kind(batch) == kind
    tone, words = tracking.state(batch)
    assert words == badge
    assert tone in states.TONES


def test_batch_whose_only_hold_was_rejected_has_nothing_pending() -> None:
    batch = a_batch(status="done", charged=2, held=1)
    rejected = replace(batch, live={**batch.outcomes, "held": 0}, reversed=1)
    assert tracking.kind(rejected) == "concluidos"
    assert tracking.shown_outcomes(rejected, ()) == ()
    assert tracking.shown_outcomes(rejected, ("held", "reversed")) == ("reversed",)


def test_paused_batch_runs_on_and_names_the_code() -> None:
    batch = a_batch(status="paused", waiting=3, changes={"pause_code": "SUM-NET"})
    assert tracking.kind(batch) == "execucao"
    assert tracking.state(batch) == ("paused", "Pausado: SUM-NET")


@given(counts)
def test_percent_is_whole_only_when_nothing_is_open(outcomes: dict[str, int]) -> None:
    batch = a_batch(**outcomes)
    assert 0 <= tracking.percent_done(batch) <= 100
    assert (tracking.percent_done(batch) == 100) == (batch.open_items == 0)


def test_progress_says_how_much_how_long_and_what_is_left() -> None:
    batch = a_batch(charged=336, waiting=146, running=4)
    now = START + timedelta(minutes=10, seconds=42)
    pulse = Pulse(RecentWork(75, now - timedelta(minutes=9)))
    assert tracking.progress(batch, now, pulse) == ["de 486", "69%", "10 min 42 s", "faltam cerca de 4 min"]


def test_ended_batch_keeps_its_duration_and_says_nothing_of_the_rest() -> None:
    ended = a_batch(status="done", charged=1188, changes={"ended_at": START + timedelta(seconds=1868), "reversed": 2})
    parts = tracking.progress(ended, START + timedelta(days=30))
    assert parts == ["de 1.188", "100%", "31 min 08 s", "2 estornados"]


def test_queued_batch_says_since_when_it_waits() -> None:
    queued = a_batch(status="waiting", waiting=5, changes={"started_at": None})
    assert tracking.progress(queued, START + timedelta(minutes=3)) == ["de 5", "0%", "na fila há 3 min"]


def test_paused_batch_does_not_grow_older() -> None:
    paused = a_batch(status="paused", waiting=5, changes={"paused_at": START + timedelta(seconds=4)})
    assert tracking.seconds_spent(paused, START + timedelta(hours=5)) == 4
    assert tracking.seconds_left(paused, START + timedelta(hours=5), Pulse(RecentWork(9, START))) is None


def test_the_end_is_foretold_from_the_last_minutes_however_old_the_batch() -> None:
    batch = a_batch(charged=900, waiting=99, running=1)
    now = START + timedelta(days=3)
    assert tracking.seconds_left(batch, now, Pulse(RecentWork(50, now - timedelta(seconds=10)))) == 20
    assert tracking.seconds_left(batch, now, Pulse(RecentWork(50, START))) == 240


def test_nothing_is_promised_of_a_batch_in_which_nothing_ended_lately() -> None:
    batch = a_batch(charged=900, waiting=99, running=1)
    assert tracking.seconds_left(batch, START + timedelta(minutes=1), NO_PULSE) is None
    assert tracking.outlook(batch, START + timedelta(minutes=1), NO_PULSE) == ""
    unattended = a_batch(charged=900, waiting=100)
    assert tracking.outlook(unattended, START + timedelta(minutes=1), Pulse(RecentWork(900, START))) == ""


def test_a_batch_that_only_waits_for_its_next_try_counts_down_to_it() -> None:
    now = START + timedelta(seconds=30)
    pulse = Pulse(RecentWork(900, START), now + timedelta(seconds=11.2))
    assert tracking.outlook(a_batch(charged=900, waiting=3), now, pulse) == "próxima tentativa em 12 s"
    assert tracking.outlook(a_batch(charged=900, waiting=3, running=1), now, pulse) == "falta menos de 1 min"
    assert tracking.progress(a_batch(charged=7, waiting=3), now, pulse)[1:] == ["70%", "próxima tentativa em 12 s"]


@given(counts, st.integers(0, 100_000), st.integers(1, 500), st.integers(0, 400))
def test_what_is_left_is_never_negative(outcomes: dict[str, int], spent: int, ended: int, ago: int) -> None:
    batch = a_batch(**outcomes)
    now = START + timedelta(seconds=spent)
    left = tracking.seconds_left(batch, now, Pulse(RecentWork(ended, now - timedelta(seconds=ago))))
    assert left is None or left >= 0


@given(st.floats(-100, 10_000, allow_nan=False))
def test_a_countdown_never_says_less_than_is_left(seconds: float) -> None:
    said = tracking.countdown(START + timedelta(seconds=seconds), START)
    assert (said == "0 s") == (timedelta(seconds=seconds) <= timedelta())


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ({"waiting": 146}, "Cancelar 146 na fila"),
        ({"waiting_file": 41}, "Cancelar 41 sem arquivo"),
        ({"waiting": 1200, "waiting_file": 41}, "Cancelar 1.241 que esperam"),
    ],
)
def test_cancel_says_what_it_would_reach(outcomes: dict[str, int], words: str) -> None:
    assert tracking.cancel_words(a_batch(running=7, charged=3, **outcomes)) == words


def test_reversal_reaches_what_was_charged_and_not_reversed_yet() -> None:
    batch = a_batch(status="done", charged=10, zero=2, held=1, failed=4)
    left = {**batch.outcomes, "charged": 8, "held": 0}
    assert tracking.reversible(replace(batch, live=left, reversed=3)) == 10
    assert tracking.reversible(batch) == 13
    assert tracking.reversible(batch, decides=False) == 12


def test_card_escapes_who_opened_the_batch() -> None:
    batch = a_batch(status="done", charged=1, changes={"created_by": "<script>"})
    card = tracking_rows.head_html(batch, START)
    assert "<script>" not in card
    assert "&lt;script&gt;" in card
    assert "R$\xa040.118,52" in card


def test_card_compares_what_was_foreseen_over_the_same_contracts() -> None:
    opened = BatchForecast(Centavos(4826), Centavos(4000), Centavos(5600), 3, 0, Centavos(0), Centavos(0), 0)
    later = replace(opened, settled=2, settled_expected=Centavos(3000), settled_amount=Centavos(3150), within=1)
    batch = a_batch(status="done", charged=38, changes={"forecast": opened})
    assert "previsto R$\xa048,26 em 3<" in tracking_rows.head_html(batch, START)
    card = tracking_rows.head_html(replace(batch, forecast=later), START)
    assert "em 2: +5,0% sobre o previsto<" in card
    assert "Previsto na abertura, em 3 de 38 contratos: R$ 48,26" in card
    assert "em 2 já cobrados: R$ 31,50 de R$ 30,00 previstos" in card


# --- Causes ----------------------------------------------------------------------------------------------------------


def test_causes_of_the_outcomes_shown_come_most_first_with_what_to_do() -> None:
    rows = [
        ("SUM-TMO", "failed", 3),
        ("SUM-404", "waiting_file", 41),
        ("SUM-5XX", "waiting", 2),
        ("ARQ-TOT", "held", 6),
    ]
    assert [cause.code for cause in tracking.causes_of(rows, ())] == ["SUM-404", "ARQ-TOT", "SUM-TMO", "SUM-5XX"]
    assert [cause.code for cause in tracking.causes_of(rows, ("failed", "held"))] == ["ARQ-TOT", "SUM-TMO"]
    assert Cause("SUM-TMO", "failed", 3).remedy(START) == "Reprocessar agora"


def test_what_waits_after_a_failure_says_when_it_is_tried_again() -> None:
    due = {"SUM-5XX": START + timedelta(seconds=12), "SUM-TMO": START + timedelta(seconds=1)}
    waiting, failed = tracking.causes_of([("SUM-5XX", "waiting", 2), ("SUM-TMO", "failed", 1)], (), due)
    assert waiting.remedy(START) == "Nada a fazer: próxima tentativa em 12 s"
    assert waiting.remedy(START + timedelta(minutes=1)) == "Nada a fazer: próxima tentativa agora"
    assert Cause("SUM-5XX", "waiting", 2).remedy(START) == "Nada a fazer: o processador tenta de novo sozinho"
    assert failed.remedy(START) == "Reprocessar agora"


def test_files_that_are_late_say_when_they_are_looked_for_again() -> None:
    due = {"SUM-404": START + timedelta(minutes=30)}
    (late,) = tracking.causes_of([("SUM-404", "waiting_file", 41)], (), due)
    assert late.remedy(START) == "Nada a fazer: nova consulta à Summit às 14:51"
    assert late.remedy(START - timedelta(days=1)) == "Nada a fazer: nova consulta à Summit em 24/11/2026 14:51"
    assert Cause("SUM-404", "waiting_file", 41).remedy(START) == text.REMEDIES["SUM-404"]


@pytest.mark.parametrize(
    ("cause", "can_retry", "chance"),
    [
        (Cause("SUM-TMO", "failed", 1), True, "now"),
        (Cause("ARQ-SHA", "failed", 1), True, "now"),
        (Cause("SUM-404", "waiting_file", 1), True, "file"),
        (Cause("ARQ-FMT", "failed", 1), True, "fixed"),
        (Cause("SUM-SUB", "failed", 1), True, "fixed"),
        (Cause("SUM-TMO", "waiting", 1), False, "itself"),
        (Cause("ARQ-TOT", "held", 1), False, "never"),
        (Cause("REG-ELG", "refused", 1), False, "never"),
    ],
)
def test_each_cause_says_whether_a_retry_can_succeed(cause: Cause, can_retry: bool, chance: str) -> None:
    assert (cause.can_retry, cause.chance) == (can_retry, chance)
    assert cause.can_succeed == (chance == "now")
    assert labels.CHANCES[chance]


def test_open_batch_shows_its_problems_until_something_else_is_asked_for() -> None:
    batch = a_batch(charged=9, held=1, failed=2)
    assert tracking.shown_outcomes(batch, ()) == ("held", "failed")
    assert tracking.shown_outcomes(batch, ("charged", "zero", "nonsense")) == ("charged",)
    assert tracking.shown_outcomes(batch, ("todos",)) == ()
    assert tracking.shown_outcomes(a_batch(charged=9), ()) == ()


# --- Filter ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("search", "number"), [("lote 47", 47), ("Lote47", 47), ("#47", 47), ("47", None), ("loteria", None)]
)
def test_search_names_a_batch_in_words(search: str, number: int | None) -> None:
    assert tracking.batch_in(search) == number


def test_filter_keeps_competence_person_and_day_in_sao_paulo() -> None:
    late = a_batch(changes={"created_at": datetime(2026, 11, 25, 2, 30, tzinfo=UTC)})
    day = START.date()
    assert tracking.fits(late, chosen(since=day, until=day), OCTOBER)
    assert not tracking.fits(late, chosen(since=day + timedelta(days=1)), OCTOBER)
    assert tracking.fits(late, chosen(only_month=True), OCTOBER)
    assert not tracking.fits(late, chosen(only_month=True), OCTOBER.plus(1))
    assert not tracking.fits(late, chosen(who="rafael.souza"), OCTOBER)


def test_pills_stand_for_outcomes_of_contracts() -> None:
    assert tracking.outcomes_chosen(chosen()) == ()
    assert set(tracking.outcomes_chosen(chosen(situation=("pendencias",)))) == set(PENDING)


# --- What stops batches ----------------------------------------------------------------------------------------------


def test_silent_platform_says_since_when_the_code_and_what_happens_next() -> None:
    paused = a_batch(status="paused", waiting=3, changes={"pause_code": "SUM-NET", "paused_at": START})
    platform = PlatformState(False, "SUM-NET", START, None, START, START + timedelta(seconds=48))
    sentence, detail = alerts.paused_words([paused], platform, START)
    assert "não responde desde 14:21" in sentence
    assert "O lote 47 está pausado" in sentence
    assert "SUM-NET" in detail
    assert "em 48 s" in detail
    many, _ = alerts.paused_words([paused, a_batch(46), a_batch(45)], platform, START)
    assert "O lote 47 e mais 2 estão pausados" in many


@pytest.mark.parametrize(
    ("code", "sentence", "detail"),
    [
        ("SUM-401", "recusa a credencial desde 14:21", "nada continua sozinho"),
        ("ARM-ESC", "O disco não aceita gravação desde 14:21", "libera espaço"),
        ("SUM-429", "A Summit pediu para esperar desde 14:21", "nada a fazer"),
        ("SUM-5XX", "não responde desde 14:21", "continua sozinho quando ela responder"),
    ],
)
def test_every_pause_says_since_when_what_it_means_and_what_to_do(code: str, sentence: str, detail: str) -> None:
    paused = a_batch(status="paused", waiting=3, changes={"pause_code": code, "paused_at": START})
    said, more = alerts.paused_words([paused], None, START)
    assert sentence in said
    assert "O lote 47 está pausado" in said
    assert detail in more
    assert code in more


def test_a_pause_of_another_day_says_the_day() -> None:
    paused = a_batch(status="paused", waiting=3, changes={"pause_code": "SUM-401", "paused_at": START})
    assert "desde 24/11/2026 14:21" in alerts.paused_words([paused], None, START + timedelta(days=1))[0]


def test_a_platform_that_is_down_says_nothing_of_when_another_pause_began() -> None:
    paused = a_batch(status="paused", waiting=3, changes={"pause_code": "SUM-401", "paused_at": START})
    down = PlatformState(False, "SUM-NET", START - timedelta(hours=1), None, START, START + timedelta(seconds=48))
    sentence, detail = alerts.paused_words([paused], down, START)
    assert "desde 14:21" in sentence
    assert "nova verificação" not in detail
