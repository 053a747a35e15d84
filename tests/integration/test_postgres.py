"""The temporary PostgreSQL cluster that other tests rely on."""

import psycopg
import pytest

from tests.postgres import PostgresCluster


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_starts_with_an_empty_database(postgres_url: str, turn: int) -> None:
    with _connect(postgres_url) as connection:
        connection.execute("CREATE TABLE left_behind (turn integer)")


def test_the_cluster_listens_on_no_port(postgres_cluster: PostgresCluster, postgres_url: str) -> None:
    with _connect(postgres_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW unix_socket_directories").fetchone() == (str(postgres_cluster.folder),)
