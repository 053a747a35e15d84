"""Tables: what a download holds, and where the address says the reader is."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from stfc.ui import tables
from stfc.ui.tables import Column

COLUMNS = (
    Column("contract", "Contrato", 70),
    Column("amount", "Valor", 100, unit="money"),
    Column("micros", "Preço", 100, unit="micros"),
    Column("status", "Status", 100, words={"normal": "Normal", "demo": "Demonstração"}),
    Column("cautions", "Avisos", 100, words={"no_line": "Sem linha", "no_plan": "Sem plano"}),
    Column("secret", "Segredo", 10, exported=False),
)
TABLE = pa.table(
    {
        "contract": ["1", "2"],
        "amount": pa.array([123456, None], pa.int64()),
        "micros": pa.array([110_500, 9_223_372_036_854_775_807], pa.int64()),
        "status": pa.array(["normal", None]).dictionary_encode(),
        "cautions": pa.array([["no_line", "no_plan"], []], pa.list_(pa.string())),
        "secret": ["a", "b"],
    }
)


def test_download_has_decimal_reais_and_words() -> None:
    file = tables.exported(TABLE, COLUMNS)
    assert file.column_names == ["Contrato", "Valor", "Preço", "Status", "Avisos"]
    assert file.column("Valor").to_pylist() == [Decimal("1234.56"), None]
    assert file.column("Preço").to_pylist() == [Decimal("0.110500"), Decimal("9223372036854.775807")]
    assert file.column("Status").to_pylist() == ["Normal", ""]
    assert file.column("Avisos").to_pylist() == ["Sem linha; Sem plano", ""]


def test_cell_is_written_by_its_unit() -> None:
    assert COLUMNS[1].write(123456) == "R$\xa01.234,56"
    assert COLUMNS[1].write(None) == "—"
    assert COLUMNS[3].write("demo") == ["Demonstração"]
    assert COLUMNS[4].write(["no_plan"]) == ["Sem plano"]
    assert Column("x", "X", 1).write(None) == ""


def _script() -> None:
    import streamlit as st

    from tests.unit.ui.test_tables import COLUMNS, tables

    grid = tables.Grid("t", id="contract", noun=("contrato", "contratos"), columns=COLUMNS, sort="contract", rows=50)
    st.session_state["window"] = grid.window()


@pytest.mark.parametrize(
    ("parameters", "window"),
    [
        ({}, ("contract", False, 0)),
        ({"ordem": "-amount", "pagina": "3"}, ("amount", True, 100)),
        ({"ordem": "status"}, ("status", False, 0)),
        ({"ordem": "-nada", "pagina": "-1"}, ("contract", False, 0)),
        ({"pagina": "²"}, ("contract", False, 0)),
        ({"pagina": "99999999999999"}, ("contract", False, 0)),
    ],
)
def test_window_reads_order_and_page_from_the_address(parameters: dict[str, Any], window: tuple[Any, ...]) -> None:
    app = AppTest.from_function(_script)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    read = app.session_state["window"]
    assert (read.sort, read.descending, read.offset) == window
    assert read.asked()["limit"] == 50
