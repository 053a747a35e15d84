"""A month is held against its contract's own past, over ledger, calls and a folder of real files (PRODUCT 7)."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from stfc.bootstrap import Application, build
from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.services.ports import Actor
from stfc.settings import Settings
from tests.billing_files import a_file, a_record
from tests.builders import OCTOBER, a_dump

IVO = Actor("ivo", "manager", "terminal")
LINE = "1933224455"
ABROAD = "0015351912345678"
MONTHS = [OCTOBER.plus(-back) for back in (3, 2, 1, 0)]


class Home:
    """A product with contract 4711, whose platform is a folder."""

    def __init__(self, folder: Path) -> None:
        self.platform = folder / "platform"
        self.app: Application = build(Settings(home=folder / "home", summit_dir=self.platform, retry_first=0))
        self.app.importing.run(a_dump(folder / "erp"), IVO)

    def bill(self, month: Competence, records: Sequence[str]) -> str:
        """Bill the month with a file of these records; gives the outcome."""
        path = self.platform / str(month) / "4711.csv"
        path.parent.mkdir(parents=True)
        end = month.last_day
        path.write_bytes(a_file(*records, header=f"H;1;4711;{month};{month.first_day};{end};{end}T03:00:00-03:00"))
        batch = self.app.billing.open(month, ["4711"], IVO).batch
        assert batch is not None
        self.app.worker().run(until_idle=True)
        (item,) = self.app.batches.items(batch)[1]
        return str(item.outcome)

    def said(self) -> list[str]:
        """Why the one held charge waits, and that its log says so too."""
        (hold,) = self.app.holds.pending()
        sentences = [text.sentence(finding.code, finding.facts) for finding in hold.findings]
        log = [text.log(line) for line in self.app.batches.log(hold.item)]
        assert all(f"{sentence} (CON-ANO)" in log for sentence in sentences)
        return sentences


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.app.database.dispose()


def records(month: Competence, calls: int, *, called: str = "19987654321", amount: str = "1.50") -> list[str]:
    """So many calls of the month, half an hour apart in business hours, eight a day from the second on."""
    first = month.first_day + timedelta(days=1)
    return [
        a_record(
            f"{month}-{called}-{number}",
            line=LINE,
            called=called,
            started_at=f"{first + timedelta(days=number // 8)}T{9 + number % 8:02d}:30:00-03:00",
            amount=amount,
        )
        for number in range(calls)
    ]


def a_burst(month: Competence, calls: int) -> list[str]:
    """Calls abroad, two minutes apart in the night of the tenth."""
    return [
        a_record(
            f"{month}-burst-{number}",
            line=LINE,
            called=ABROAD,
            started_at=f"{month}-10T{number // 30:02d}:{number % 30 * 2:02d}:00-03:00",
            amount="12.00",
        )
        for number in range(calls)
    ]


def test_a_burst_after_clean_months_is_held_and_says_why(home: Home) -> None:
    for month in MONTHS[:-1]:
        assert home.bill(month, records(month, 30)) == "charged"
    assert home.bill(OCTOBER, records(OCTOBER, 30) + a_burst(OCTOBER, 40)) == "held"
    assert home.said() == [
        "Valor fora do histórico: R$ 525,00, e o usual de 3 meses é R$ 45,00",
        "Rajada internacional: 40 ligações em 24 horas para o exterior; nunca houve antes",
        "Rajada noturna: 40 ligações em uma só noite; nunca houve antes",
        "País nunca chamado: 40 ligações para +351, que o contrato nunca chamou",
    ]
    (hold,) = home.app.holds.pending()
    assert hold.code == "CON-ANO"
    home.app.holds.release([hold.hold], IVO, reason="x")
    assert home.app.doctor.examine().findings == ()


def test_what_was_seen_before_sets_the_bar(home: Home) -> None:
    for month in MONTHS[:-1]:
        home.bill(month, a_burst(month, 40))
        home.app.holds.release([hold.hold for hold in home.app.holds.pending()], IVO, reason="x")
    assert home.bill(OCTOBER, a_burst(OCTOBER, 50)) == "charged"


def test_a_first_month_has_no_usual_amount_and_no_new_country(home: Home) -> None:
    assert home.bill(OCTOBER, records(OCTOBER, 19, called=ABROAD, amount="90.00")) == "charged"


def test_a_burst_is_found_in_the_first_month_already(home: Home) -> None:
    assert home.bill(OCTOBER, a_burst(OCTOBER, 25)) == "held"
    assert home.said() == ["Rajada internacional: 25 ligações em 24 horas para o exterior; nunca houve antes"]


def test_a_rejected_month_is_no_past(home: Home) -> None:
    for month in MONTHS[:-1]:
        home.bill(month, a_burst(month, 40))
        home.app.holds.reject([hold.hold for hold in home.app.holds.pending()], IVO, reason="x")
    assert home.bill(OCTOBER, a_burst(OCTOBER, 40)) == "held"
    assert [sentence.split(":")[0] for sentence in home.said()] == ["Rajada internacional", "Rajada noturna"]


def test_a_month_that_waits_for_a_manager_is_no_past(home: Home) -> None:
    for month in MONTHS:
        assert home.bill(month, a_burst(month, 40)) == "held"
    said = [text.sentence(f.code, f.facts).split(":")[0] for hold in home.app.holds.pending() for f in hold.findings]
    assert said == len(MONTHS) * ["Rajada internacional", "Rajada noturna"]


def test_a_burst_of_free_calls_harms_nobody(home: Home) -> None:
    free = [record.replace(";12.00", ";0.00") for record in a_burst(OCTOBER, 40)]
    assert home.bill(OCTOBER, free) == "zero"
