"""*Registros de ligações*: the filter row, and the query that it means.

The address, for links from elsewhere (``url.open_page(labels.CALLS, q="10487")``):

* ``q``: *Pesquisar*: a contract's number, a customer, a document, a line or a number called.
* ``desde``, ``ate_dia``: local days of the call (``2026-10-31``). With one of them all competences are looked in,
  without them the files of the competence.
* ``classe`` (repeated): keys of ``CallClass``. ``destino`` (repeated): a CN (``11``) or a country (``+351``).
* ``de_contrato``: contracts, parted by blanks or commas. ``linha``: the calling line.
* ``dura_de``, ``dura_ate``: seconds. ``de``, ``ate``: reais (``10.50``).
* ``atrasada=1``: began before the file's period. ``divergente=1``: the line was of no contract or of another.
* ``ligacao``: opens that record (``calls_record``). ``pagina``, ``ordem``: see ``tables``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from stfc.domain.area_codes import AREA_CODES
from stfc.services.queries import CallQuery, ContractQuery, View
from stfc.ui import filters, labels, selection, url
from stfc.ui import format as fmt
from stfc.ui.filters import Chosen

_MICROS_PER_CENTAVO: Final = 10_000
_PILLS: Final = ("LOCAL", "LDN", "VC1", "VC2", "VC3", "LDI")
_DESTINATIONS: Final = 300
_NO_CONTRACT: Final = ("",)
"""Matches no call: what was searched for is no contract."""
_NUMBER: Final = re.compile(r"\+?[\d\s().-]+", re.ASCII)
_CPF: Final = re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}", re.ASCII)
_CNPJ_DIGITS: Final = 14
_HOME: Final = re.compile(r"55(\d{10,11})", re.ASCII)
_CLOCK: Final = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,6}):)?(\d{1,8})", re.ASCII)
_UNITS: Final = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,6})min)?(?:(\d{1,8})s)?", re.ASCII)


# --- Fields of this screen -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Duration(filters.Field):
    """A duration as people type it (``90``, ``1:30``, ``1 min 30 s``); gives seconds or None."""

    words: str = "{value}"

    def read(self) -> int | None:
        """Seconds, or None; the address holds ``90``."""
        text = url.get(self.parameter)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None

    def write(self, value: Any) -> url.Value:
        """Its seconds."""
        return None if value is None else str(value)

    def chip(self, value: Any) -> str:
        """``Duração a partir de 1 min 30 s``."""
        return self.words.format(value=fmt.duration(value))

    def draw(self, key: str) -> None:
        """A text field."""
        st.text_input(self.label, key=key, placeholder=labels.DURATION_HINT)

    def state(self, value: Any) -> Any:
        """``1 min 30 s``."""
        return "" if value is None else fmt.duration(value)

    def value(self, state: Any) -> int | None:
        """Seconds, or None for what is no duration."""
        return seconds(state or "")


def seconds(text: str) -> int | None:
    """Seconds of ``90``, ``1:30``, ``1:02:10`` or ``1 h 02 min 10 s``; None for what is no duration."""
    bare = re.sub(r"[\s.]", "", text.lower())
    found = _CLOCK.fullmatch(bare) or _UNITS.fullmatch(bare)
    if not found or not bare:
        return None
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest


# --- The filter row --------------------------------------------------------------------------------------------------


def bar(view: View) -> filters.Bar:
    """The filter row; its destinations are the CNs, and the countries that were called in this competence."""
    others = tuple(code for code in labels.CALL_CLASSES if code not in _PILLS)
    return filters.Bar(
        "calls",
        labels.CALLS.search,
        (
            filters.Day("since", "Período de", "desde", words="De {value}"),
            filters.Day("until", "Período até", "ate_dia", words="Até {value}"),
            filters.Text("contract", "Contrato", "de_contrato"),
            filters.Text("line", "Linha", "linha"),
            filters.Part("other_classes", "Outras classes", "classe", lambda: _words(others)),
            filters.Choice("destinations", "Destino", "destino", options=lambda: destinations(view)),
            Duration("least_duration", "Duração de", "dura_de", "Duração a partir de {value}"),
            Duration("most_duration", "Duração até", "dura_ate", "Duração até {value}"),
            filters.Money("least_value", "Valor de (R$)", "de", words="Valor a partir de {value}"),
            filters.Money("most_value", "Valor até (R$)", "ate", words="Valor até {value}"),
            filters.Check("late", labels.LATE_CALLS, "atrasada"),
            filters.Check("divergent", labels.DIVERGENT_CALLS, "divergente"),
        ),
        pills=filters.Part("main_classes", "Classe", "classe", lambda: _words(_PILLS)),
    )


def destinations(view: View) -> Mapping[str, str]:
    """The options of *Destino*: every CN, the countries called in the competence, those that the address names."""
    called = (code for code in view.top_destinations(_DESTINATIONS)["destination"].to_pylist() if code.startswith("+"))
    named = (code for code in url.get_all("destino") if re.fullmatch(r"\+\d{1,3}", code, re.ASCII))
    return {code: fmt.place(code) for code in (*AREA_CODES, *sorted({*called, *named}))}


def _words(codes: Sequence[str]) -> dict[str, str]:
    return {code: labels.CALL_CLASSES[code] for code in codes}


# --- The query -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Meaning:
    """What *Pesquisar* was taken for: contracts (None when none are meant), or the digits of a number."""

    contracts: tuple[str, ...] | None = None
    number: str = ""
    customer: str = ""


def meaning(view: View, words: str) -> Meaning:
    """What is searched for: a contract by its number; else a line or number called; else contracts by other words."""
    text = words.strip()
    if not text:
        return Meaning()
    if known := view.contracts(ContractQuery(contracts=(text,), include_deleted=True, limit=1)).table.to_pylist():
        return Meaning((text,), customer=known[0]["customer"])
    if number := number_of(text):
        return Meaning(number=number)
    found = view.contracts(ContractQuery(search=text, include_deleted=True, limit=1))
    if not found.total:
        return Meaning(_NO_CONTRACT)
    customer = found.table["customer"][0].as_py() if found.total == 1 else ""
    return Meaning(tuple(view.contract_ids(ContractQuery(search=text, include_deleted=True))), customer=customer)


def number_of(text: str) -> str:
    """The digits of a phone number, without the country's; nothing when the text has other words or is a document."""
    if not _NUMBER.fullmatch(text) or _CPF.fullmatch(text):
        return ""
    digits = re.sub(r"\D", "", text)
    if len(digits) == _CNPJ_DIGITS and not digits.startswith("0"):
        return ""
    at_home = _HOME.fullmatch(digits)
    return at_home[1] if at_home else digits


def query(chosen: Chosen, sought: Meaning) -> CallQuery:
    """What is filtered, as the read model is asked, with its own order and page."""
    return CallQuery(
        since=chosen.since,
        until=chosen.until,
        contracts=_both(sought.contracts, selection.pasted(chosen.contract)),
        line=re.sub(r"\D", "", chosen.line) or chosen.line,
        search=sought.number,
        classes=(*chosen.main_classes, *chosen.other_classes),
        destinations=chosen.destinations,
        least_duration=chosen.least_duration,
        most_duration=chosen.most_duration,
        least_amount=_micros(chosen.least_value),
        most_amount=_micros(chosen.most_value),
        late=True if chosen.late else None,
        divergent=True if chosen.divergent else None,
    )


def _both(sought: tuple[str, ...] | None, named: tuple[str, ...]) -> tuple[str, ...]:
    if sought is None or not named:
        return sought or named
    return tuple(one for one in sought if one in frozenset(named)) or _NO_CONTRACT


def _micros(centavos: int | None) -> int | None:
    return None if centavos is None else centavos * _MICROS_PER_CENTAVO
