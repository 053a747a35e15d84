"""The short proof: a few kills and a few faults on each store, and a count that finds nothing (docs/proof.md)."""

from pathlib import Path

import pytest

from tests.proof.run import Plan, run

pytestmark = pytest.mark.usefixtures("plain_main")
_FAULTS = {
    "sqlite": ("500=0.08", "reset=0.05", "wrong-sha=0.05", "cut=0.05", "bad-line=0.03"),
    "postgres": ("503=0.08", "reset=0.05", "html=0.05", "gzip-bomb=0.02", "wrong-totals=0.03"),
}


@pytest.mark.parametrize("store", sorted(_FAULTS))
def test_killed_workers_and_a_faulty_platform_charge_everyone_once(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if store == "postgres" else None
    plan = Plan(seed=11, contracts=250, kills=3, faults=_FAULTS[store], pace=0.3, months=1, with_app=False)

    report = run(plan, tmp_path / "run", url, print)

    assert report.findings.sentences == []
    assert report.findings.billed > 150
    assert sum(report.kills.values()) >= 3
    assert sum(report.faults.values()) > 0
