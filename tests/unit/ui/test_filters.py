"""The filter row: what the address says becomes a frozen value, and nothing odd in it breaks a page."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from stfc.ui import filters

STATES = {"SP": "São Paulo", "MG": "Minas", "RJ": "Rio", "BA": "Bahia"}
FIELDS = (
    filters.Flag("errors", "Erro na integração", "erro"),
    filters.Choice(
        "states", "UF", "uf", options=lambda: {"SP": "São Paulo", "MG": "Minas", "RJ": "Rio", "BA": "Bahia"}
    ),
    filters.One("plan", "Plano", "plano", options=lambda: {"F500": "Fixo 500"}),
    filters.Money("least", "Valor a partir de (R$)", "min", words="Valor acima de {value}"),
    filters.Whole("calls", "Ligações", "ligacoes"),
    filters.Day("since", "Desde", "desde"),
)


def _script() -> None:
    import streamlit as st

    from tests.unit.ui.test_filters import FIELDS, filters

    bar = filters.Bar("t", "Pesquisar", FIELDS)
    st.session_state["chosen"] = bar.show()


def _run(**parameters: Any) -> AppTest:
    app = AppTest.from_function(_script)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@dataclass(frozen=True)
class Query:
    search: str = ""
    states: tuple[str, ...] = ()
    least: int | None = None
    since: date | None = None
    limit: int = 100


def test_empty_address_filters_nothing() -> None:
    chosen = _run().session_state["chosen"]
    assert not chosen.is_active
    assert chosen.into(Query) == Query()


def test_address_becomes_the_query() -> None:
    chosen = _run(q=" vale ", uf=["SP", "MG"], min="10.50", desde="2026-10-31", erro="1", plano="F500").session_state[
        "chosen"
    ]
    assert chosen.is_active
    assert chosen.errors is True
    assert chosen.plan == "F500"
    assert chosen.into(Query, limit=5) == Query("vale", ("SP", "MG"), 1050, date(2026, 10, 31), 5)


def test_nonsense_in_the_address_counts_as_not_filtered() -> None:
    chosen = _run(uf=["XX"], min="-3", desde="31/10/2026", plano="nada", ligacoes="muitas", erro="sim").session_state[
        "chosen"
    ]
    assert not chosen.is_active


def test_chips_name_what_is_filtered_and_each_removes_its_own() -> None:
    app = _run(uf=["SP", "MG", "RJ", "BA"], min="10.00", pagina="3")
    labels = {button.label.replace("\\", "") for button in app.button}
    assert {"UF: São Paulo, Minas, Rio e mais 1", "Valor acima de R$\xa010,00", "Limpar"} <= labels
    next(button for button in app.button if button.label.startswith("UF")).click().run()
    assert app.session_state["chosen"].states == ()
    assert app.session_state["chosen"].least == 1000
    assert not app.query_params.get("pagina")


def test_clear_removes_all() -> None:
    app = _run(q="a", uf=["SP"], erro="1")
    next(button for button in app.button if button.label == "Limpar").click().run()
    assert not app.session_state["chosen"].is_active


def test_search_box_writes_the_address_and_starts_over_at_the_first_page() -> None:
    app = _run(pagina="4")
    app.text_input(key="t_search").set_value("10487").run()
    assert app.session_state["chosen"].search == "10487"
    assert app.query_params["q"] in ("10487", ["10487"])
    assert not app.query_params.get("pagina")


def test_digest_tells_filters_apart_and_is_stable() -> None:
    one, same, other = (_run(q=words).session_state["chosen"].digest for words in ("a", "a", "b"))
    assert one == same != other


@pytest.mark.parametrize(
    ("typed", "centavos"),
    [
        ("10,50", 1050),
        ("1.234,56", 123456),
        ("R$\xa07", 700),
        ("10.50", 1050),
        ("0", 0),
        ("", None),
        ("-1", None),
        ("1,234", None),
        ("abc", None),
        ("NaN", None),
        ("1e400", None),
        ("Infinity", None),
    ],
)
def test_typed_amount_becomes_centavos(typed: str, centavos: int | None) -> None:
    field = filters.Money("least", "Valor", "min")
    assert field.value(typed) == centavos
