"""Filters, order and pages of the contracts of one competence, over its eligibility frame."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import polars as pl

from stfc.domain.money import Centavos
from stfc.errors import InvalidInputError
from stfc.services.ports import Page
from stfc.services.queries import ContractQuery, ContractTotals

COLUMNS = (
    "contract",
    "customer",
    "document",
    "city",
    "state",
    "lines",
    "plan",
    "stage",
    "status",
    "deleted",
    "integration",
    "integration_error",
    "integrated_on",
    "cut_day",
    "eligible",
    "first_failed",
    "cautions",
    "outcome",
    "coverage",
    "last_competence",
    "last_amount",
    "expected_calls",
    "expected_amount",
    "charged_months",
)
"""The columns of ``View.contracts``."""

_PUNCTUATION = re.compile(r"[^0-9a-z]")
_WORDS = {
    "states": "state",
    "stages": "stage",
    "statuses": "status",
    "integrations": "integration",
    "rules": "first_failed",
    "outcomes": "outcome",
    "coverage": "coverage",
    "cut_days": "cut_day",
}


def page(frame: pl.DataFrame, query: ContractQuery) -> Page:
    """The page that ``query`` asks for."""
    chosen = positions(frame, query)
    rows = frame.select(COLUMNS)[chosen.slice(query.offset, query.limit)]
    return Page(total=chosen.len(), offset=query.offset, table=rows.to_arrow())


def numbers(frame: pl.DataFrame, query: ContractQuery) -> list[str]:
    """The numbers of all contracts that match, in the query's order."""
    return frame["contract"].gather(positions(frame, query)).to_list()


def positions(frame: pl.DataFrame, query: ContractQuery) -> pl.Series:
    """Where in the frame the contracts that match stand, in the query's order.

    Raises:
        InvalidInputError: there is no such column to sort by.
    """
    if query.sort not in COLUMNS:
        raise InvalidInputError(field="sort", value=query.sort, cause="sort")
    place = pl.int_range(pl.len()).alias("place")
    found = frame.lazy().with_columns(place).filter(*_conditions(query)).select("place", key=_sort_key(query.sort))
    # The frame is by contract already, and a stable sort keeps that among equals.
    if query.sort != "contract" or query.descending:
        found = found.sort("key", descending=query.descending, nulls_last=True, maintain_order=True)
    return found.collect()["place"]


def by_rule(frame: pl.DataFrame, query: ContractQuery) -> dict[str, int]:
    """How many contracts match, by the first rule that fails; the eligible ones under the empty text."""
    counted = frame.filter(*_conditions(query))["first_failed"].fill_null("").value_counts()
    return dict(counted.iter_rows())


def _sort_key(column: str) -> pl.Expr:
    if column == "customer":
        return pl.col("customer_key")
    return pl.col(column).list.len() if column == "cautions" else pl.col(column)


def _conditions(query: ContractQuery) -> Iterator[pl.Expr]:
    yield _visible(query)
    if query.eligible is not None:
        yield pl.col("eligible") == query.eligible
    for name, column in _WORDS.items():
        if values := getattr(query, name):
            yield pl.col(column).is_in(list(values))
    if query.plans:
        yield pl.col("plan").fill_null("").is_in(list(query.plans))
    if query.contracts is not None:
        yield pl.col("contract").is_in(list(query.contracts))
    if query.cautions:
        has_any = pl.col("cautions").list.eval(pl.element().is_in(list(query.cautions))).list.any()
        yield has_any | (pl.col("cautions").list.len() == 0) if "" in query.cautions else has_any
    if query.has_cautions is not None:
        yield (pl.col("cautions").list.len() > 0) == query.has_cautions
    if query.least_expected is not None:
        yield pl.col("expected_amount") >= query.least_expected
    if query.most_expected is not None:
        yield pl.col("expected_amount") <= query.most_expected
    if query.least_last is not None:
        yield pl.col("last_amount") >= query.least_last
    if query.most_last is not None:
        yield pl.col("last_amount") <= query.most_last
    yield from indicator_conditions(query)
    yield from search_conditions(query.search)


def _visible(query: ContractQuery) -> pl.Expr:
    """Who is shown at all: an indicator or a part of the coverage shows exactly those that it counts."""
    if query.new_subscribers or query.integration_errors:
        return pl.lit(True)
    if query.coverage or query.outcomes:
        return pl.col("listed") | pl.col("live")
    return pl.col("listed") | (pl.col("summit") & query.include_deleted)


def indicator_conditions(query: ContractQuery) -> Iterator[pl.Expr]:
    """What each indicator counts (PRODUCT 4); the figure and the list behind it both come from here."""
    if query.new_subscribers:
        yield pl.col("integrated")
    if query.integration_errors:
        yield pl.col("integration_failed")
    if query.not_invoiced:
        yield pl.col("not_invoiced")


def search_conditions(search: str) -> Iterator[pl.Expr]:
    """Every word must occur in ``search``; a word of figures is looked for without its punctuation, too."""
    words = fold(search).split()
    compact = _PUNCTUATION.sub("", fold(search))
    if not words:
        return
    text = pl.col("search")
    every = pl.all_horizontal(text.str.contains(word, literal=True) for word in words)
    if compact and any(character.isdigit() for character in compact):
        yield every | text.str.contains(compact, literal=True)
    else:
        yield every


def fold(text: str) -> str:
    """The text without accents, in lower case: what ``snapshot.folded`` makes of a column."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.category(c).startswith("M")).lower()


def totals(frame: pl.DataFrame, contracts: Sequence[str]) -> ContractTotals:
    """What the chosen contracts usually come to."""
    chosen = frame.filter(pl.col("contract").is_in(list(contracts)))
    by_caution = chosen["cautions"].explode(empty_as_null=True).drop_nulls().value_counts()
    return ContractTotals(
        count=chosen.height,
        with_history=chosen.height - chosen["expected_amount"].null_count(),
        expected_calls=int(chosen["expected_calls"].sum()),
        expected_amount=Centavos(int(chosen["expected_amount"].sum())),
        with_cautions=chosen.filter(pl.col("cautions").list.len() > 0).height,
        cautions=dict(sorted(by_caution.iter_rows())),
    )
