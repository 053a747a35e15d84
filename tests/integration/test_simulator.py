"""The simulator process speaks all of SUMMIT_API, and says no as it is written there."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from stfc.domain.competence import Competence
from stfc.errors import InvalidInputError
from stfc.simulator import erp_dump
from stfc.simulator.faults import KINDS
from stfc.simulator.server import SimulatorOptions, build, running
from stfc.simulator.traffic import Traffic, TrafficOptions
from stfc.simulator.universe import from_folder
from tests.integration.conftest import ROOT, Simulator

MONTH = Competence(2026, 9)


@pytest.fixture
def client(simulator: Simulator) -> Any:
    """A client with the right token."""
    headers = {"authorization": f"Bearer {simulator.token}"}
    with httpx.Client(base_url=simulator.base_url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def traffic(simulator: Simulator) -> Traffic:
    """The same traffic, made in this process."""
    return Traffic(from_folder(simulator.erp, simulator.seed), TrafficOptions(simulator.seed))


def listed(client: httpx.Client, competence: Competence, limit: int = 1000) -> list[dict[str, Any]]:
    """All descriptors of a listing, page by page."""
    items: list[dict[str, Any]] = []
    query: dict[str, Any] = {"competence": str(competence), "limit": limit}
    while True:
        page = client.get("/v1/billing-files", params=query).raise_for_status().json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query["cursor"] = page["next_cursor"]


def test_health_asks_for_no_token(simulator: Simulator) -> None:
    assert httpx.get(f"{simulator.base_url}/v1/health").json() == {"status": "ok", "version": "1"}


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer wrong", "Basic test-token", "test-token"])
def test_every_other_request_needs_the_token(simulator: Simulator, authorization: str | None) -> None:
    headers = {"authorization": authorization} if authorization else {}
    for path in ("/v1/billing-files?competence=2026-09", "/v1/subscribers/10001", "/v1/files/2026-09/10001.csv"):
        answer = httpx.get(simulator.base_url + path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("DELETE", "/v1/subscribers/10001", 405, "method_not_allowed"),
        ("GET", "/v1/subscribers/77777", 404, "subscriber_unknown"),
        ("GET", "/v1/subscribers/77777/billing-files/2026-09", 404, "subscriber_unknown"),
        ("GET", "/v1/subscribers/10002/billing-files/2035-01", 404, "file_not_available"),
        ("GET", "/v1/files/2035-01/10002.csv", 404, "file_not_available"),
        ("GET", "/v1/subscribers/10002/billing-files/2026-13", 400, "invalid_competence"),
        ("GET", "/v1/billing-files", 400, "invalid_competence"),
        ("GET", "/v1/billing-files?competence=2026-09&limit=0", 400, "invalid_limit"),
        ("GET", "/v1/billing-files?competence=2026-09&limit=x", 400, "invalid_limit"),
        ("GET", "/v1/billing-files?competence=2026-09&cursor=x", 400, "invalid_cursor"),
        ("GET", "/v1/billing-files?competence=2026-09&cursor=%C3%A9", 400, "invalid_cursor"),
        ("GET", "/v1/subscribers/10002/invoices?from=2026-09&until=2026-08", 400, "invalid_until"),
        ("GET", "/v1/subscribers/10002/invoices?from=2026-09", 400, "invalid_competence"),
        ("PUT", "/v1/subscribers/10002", 400, "invalid_subscriber"),
    ],
)
def test_a_refusal_is_a_problem_document_with_a_code(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_pages_of_any_size_hold_every_descriptor_once(client: httpx.Client) -> None:
    whole = listed(client, MONTH)

    assert listed(client, MONTH, limit=7) == whole
    assert len({item["contract"] for item in whole}) == len(whole) > 250


def test_a_cursor_is_good_for_its_month_only(client: httpx.Client) -> None:
    cursor = client.get("/v1/billing-files?competence=2026-09&limit=5").json()["next_cursor"]

    assert client.get("/v1/billing-files", params={"competence": "2026-08", "cursor": cursor}).status_code == 400


def test_served_files_are_those_of_the_seed_byte_for_byte(client: httpx.Client, traffic: Traffic) -> None:
    for contract in ("10002", "10007", "10123"):
        body = client.get(f"/v1/files/{MONTH}/{contract}.csv").content
        assert body == traffic.files([traffic.universe.rows[contract]], MONTH).body(0)


def test_a_file_has_a_tag_and_may_come_packed(client: httpx.Client) -> None:
    big = max(listed(client, MONTH), key=lambda item: item["records"])
    packed = client.get(big["href"])
    plain = client.get(big["href"], headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.headers["etag"] == plain.headers["etag"] == f'"{big["sha256"]}"'
    assert packed.headers["content-type"] == "text/csv; charset=utf-8"
    assert client.get(big["href"], headers={"if-none-match": packed.headers["etag"]}).status_code == 304


def test_months_are_closed_on_their_cut_day(simulator: Simulator, client: httpx.Client, traffic: Traffic) -> None:
    month = Competence.of(simulator.as_of)
    available = {item["contract"] for item in listed(client, month) if item["status"] == "available"}

    cut_days = {traffic.universe.cut_day[traffic.universe.rows[contract]] for contract in available}
    assert max(cut_days) <= simulator.as_of.day
    assert listed(client, month.plus(1)) == []


def test_a_recent_month_is_late_for_a_few_and_an_old_one_for_nobody(client: httpx.Client, traffic: Traffic) -> None:
    known = len(traffic.universe.contracts) - int(traffic.unknown.sum())
    old, recent = (listed(client, month) for month in (Competence(2026, 5), Competence(2026, 11)))

    assert [item["status"] for item in old] == ["available"] * known
    processing = [item for item in recent if item["status"] == "processing"]
    assert 1 <= len(processing) <= 15
    assert client.get(processing[0]["href"]).json()["code"] == "file_not_available"
    assert processing[0]["sha256"] is None


def test_a_subscriber_that_the_platform_lacks_can_be_provisioned(client: httpx.Client, traffic: Traffic) -> None:
    contract = traffic.universe.contracts[traffic.unknown.nonzero()[0][0]]
    wish = {"name": "Ana", "document": "11144477735", "closing_day": 10, "lines": [], "plan": None}
    assert client.get(f"/v1/subscribers/{contract}").status_code == 404

    first, second = (client.put(f"/v1/subscribers/{contract}", json=wish) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    assert client.get(f"/v1/subscribers/{contract}").json() == first.json() == second.json()


def test_a_known_subscriber_is_answered_with_its_day(client: httpx.Client) -> None:
    answer = client.get("/v1/subscribers/10002").json()

    assert answer["contract"] == "10002"
    assert answer["status"] == "active"
    assert answer["since"] < "2026-11-24"


def test_subscribers_made_by_seed_are_those_of_the_dump(simulator: Simulator, client: httpx.Client) -> None:
    options = SimulatorOptions(
        port=0, contracts=300, until=simulator.until, as_of=simulator.as_of, traffic=TrafficOptions(simulator.seed)
    )
    with running(options) as address, httpx.Client(base_url=address, headers={"authorization": "Bearer any"}) as other:
        assert listed(other, MONTH) == listed(client, MONTH)


def test_a_dump_in_parquet_gives_what_it_gives_in_csv(simulator: Simulator, tmp_path: Path) -> None:
    for name, table in erp_dump.tables(300, simulator.seed, until=simulator.until).items():
        table.write_parquet(tmp_path / f"{name}.parquet")

    bodies = [
        Traffic(from_folder(folder, simulator.seed), TrafficOptions(simulator.seed)).files([5, 250], MONTH).body(1)
        for folder in (simulator.erp, tmp_path)
    ]

    assert bodies[0] == bodies[1]


def test_a_folder_that_is_no_dump_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        build(SimulatorOptions(erp=tmp_path))


def test_late_provisioning_leans_on_no_state_of_the_simulator(simulator: Simulator, client: httpx.Client) -> None:
    """What was PUT changes what GET says and nothing else: files and listing stay as the seed has them."""
    before = listed(client, MONTH)
    wish = {"name": "Ana", "document": "11144477735", "closing_day": 10, "lines": ["1159000007"], "plan": None}
    client.put("/v1/subscribers/90010", json=wish).raise_for_status()

    assert listed(client, MONTH) == before
    assert client.get(f"/v1/subscribers/90010/billing-files/{MONTH}").json()["code"] == "subscriber_unknown"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The simulator's own command, which must end by itself here."""
    command = [sys.executable, "-m", "stfc.simulator", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_an_unknown_fault_is_wrong_usage_and_lists_the_kinds() -> None:
    done = run("--port", "0", "--fault", "earthquake=1")

    assert done.returncode == 2
    assert all(kind in done.stderr for kind in KINDS)


def test_a_taken_port_is_wrong_usage(simulator: Simulator) -> None:
    done = run("--port", simulator.base_url.rpartition(":")[2], "--contracts", "5")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_today_decides_when_no_day_is_given() -> None:
    with running(SimulatorOptions(port=0, contracts=20)) as address:
        headers = {"authorization": "Bearer any"}
        items = [
            httpx.get(f"{address}/v1/billing-files?competence={month}", headers=headers).json()["items"]
            for month in ("2020-01", "2099-01")
        ]

    assert len(items[0]) == 20
    assert items[1] == []
