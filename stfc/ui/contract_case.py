"""One contract at one moment: what all tabs of its page share."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from stfc.domain.competence import Competence
from stfc.domain.eligibility import ContractFacts
from stfc.services.ports import Page
from stfc.services.queries import ContractQuery, Coverage, View
from stfc.ui import format as fmt
from stfc.ui import labels, style
from stfc.ui.contract_list import WHY_TAB
from stfc.ui.tables import Window
from stfc.ui.tabs import Tab

LINES, CALLS, INVOICES, CHARGES, INTEGRATION, WHY = (
    "linhas",
    "ligacoes",
    "faturas",
    "cobrancas",
    "integracao",
    WHY_TAB,
)
TABS: Final = tuple(
    Tab(key, words)
    for key, words in zip((LINES, CALLS, INVOICES, CHARGES, INTEGRATION, WHY), labels.CONTRACT_TABS, strict=True)
)
"""The tabs of a contract's page, by their keys in the address (``?aba=``)."""

BILLED: Final = frozenset({Coverage.CHARGED, Coverage.ZERO, Coverage.HELD})
"""Parts of the coverage in which the competence's billing has been done."""


@dataclass(frozen=True)
class Case:
    """A contract in a view: ``facts`` as the rules see them, ``row`` as the list shows it."""

    view: View
    facts: ContractFacts

    @property
    def contract(self) -> str:
        """Its number."""
        return self.facts.contract.contract

    @property
    def competence(self) -> Competence:
        """The month shown."""
        return self.view.competence

    @property
    def month(self) -> str:
        """The month in words, ``out/2026``."""
        return fmt.month(self.competence)

    @cached_property
    def row(self) -> Mapping[str, Any]:
        """Its row of ``View.contracts``; empty where it never had a Summit service."""
        found = self.view.contracts(ContractQuery(contracts=(self.contract,), include_deleted=True)).table.to_pylist()
        return found[0] if found else {}

    @property
    def is_billed(self) -> bool:
        """Whether this competence has been billed: charged, zero or held."""
        return self.row.get("coverage") in BILLED

    def address(self, tab: str) -> dict[str, str]:
        """The parameters of one of its tabs, for ``style.link``."""
        return {"competencia": str(self.competence), "contrato": self.contract, "aba": tab}

    def batch_link(self, batch: int, words: str) -> str:
        """A link to a batch in *Acompanhamento*, open at this contract, as HTML."""
        place = {"competencia": str(self.competence), "lote": str(batch), "contrato": self.contract}
        return style.link(words, labels.TRACKING.path, **place)


def page_of(table: pa.Table, window: Window) -> Page:
    """A short table's rows as ``window`` asks for them, in order and cut to the page; nulls last, ties as they were."""
    order = "descending" if window.descending else "ascending"
    places = pc.sort_indices(table, sort_keys=[(window.sort, order, "at_end")])
    return Page(len(table), window.offset, table.take(places).slice(window.offset, window.limit))
