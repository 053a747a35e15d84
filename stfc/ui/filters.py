"""The filter row: search, pills, *Filtro avançado*, chips, *Limpar*; the address is its only memory.

A page declares its fields once and gets a frozen value back::

    FILTERS = filters.Bar(
        "contracts",
        labels.CONTRACTS.search,
        (
            filters.Flag("integration_errors", "Erro na integração", "erro"),
            filters.Choice("states", "UF", "uf", options=lambda: {"SP": "SP", "MG": "MG"}),
            filters.Money("min_amount", "Valor a partir de (R$)", "min", chip="Valor acima de {value}"),
        ),
    )
    chosen = FILTERS.show()
    query = chosen.into(ContractQuery, sort=sort, offset=offset, limit=100)

``chosen`` is hashable: use ``chosen.digest`` in keys. Each field's value is a plain domain value (bool, tuple of text,
centavos, int, date, text) and its empty value means *not filtered*.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, TypeVar

import streamlit as st

from stfc.ui import format as fmt
from stfc.ui import labels, url

Query = TypeVar("Query")
SEARCH_PARAMETER = "q"
SEARCH_MOST = 120
PAGE_PARAMETER = "pagina"


@dataclass(frozen=True)
class Field:
    """One filter: ``name`` in the query, ``label`` on the screen, ``parameter`` in the address."""

    name: str
    label: str
    parameter: str
    is_pill: ClassVar[bool] = False

    def read(self) -> Any:
        """The value that the address holds; what is not of its form counts as not filtered."""
        return url.get(self.parameter)

    def write(self, value: Any) -> url.Value:
        """The value as the address says it; nothing when not filtered."""
        return str(value) if value else None

    def chip(self, value: Any) -> str:
        """The words of the removable chip."""
        return f"{self.label}: {value}"

    def draw(self, key: str) -> None:
        """The widget in the form of *Filtro avançado*; its state is under ``key``."""
        st.text_input(self.label, key=key)

    def state(self, value: Any) -> Any:
        """The widget's state that shows ``value``."""
        return value

    def value(self, state: Any) -> Any:
        """The value that the widget's ``state`` means."""
        return (state or "").strip()


@dataclass(frozen=True)
class Text(Field):
    """Free text, e.g. a line's number."""


@dataclass(frozen=True)
class Flag(Field):
    """A pill that is on or off; gives a bool. Two or three a page."""

    is_pill: ClassVar[bool] = True

    def read(self) -> bool:
        """Whether it is on."""
        return url.get(self.parameter) == "1"

    def write(self, value: Any) -> url.Value:
        """``1`` when on."""
        return "1" if value else None


@dataclass(frozen=True)
class Check(Field):
    """A box in *Filtro avançado*; gives a bool. Its chip says the label alone."""

    def read(self) -> bool:
        """Whether it is ticked."""
        return url.get(self.parameter) == "1"

    def write(self, value: Any) -> url.Value:
        """``1`` when ticked."""
        return "1" if value else None

    def chip(self, value: Any) -> str:
        """The label."""
        return self.label

    def draw(self, key: str) -> None:
        """A checkbox."""
        st.checkbox(self.label, key=key)

    def value(self, state: Any) -> Any:
        """A bool."""
        return bool(state)


@dataclass(frozen=True)
class Choice(Field):
    """Some of several options (under 5,000); gives a tuple of their keys. ``options`` maps key to words."""

    options: Callable[[], Mapping[str, str]] = dict
    pills: bool = False

    def read(self) -> tuple[str, ...]:
        """The chosen keys that exist."""
        known = self.options()
        return tuple(key for key in url.get_all(self.parameter) if key in known)

    def write(self, value: Any) -> url.Value:
        """Its keys, the parameter repeated."""
        return tuple(value)

    def chip(self, value: Any) -> str:
        """``UF: SP, MG``, at most three named."""
        known = self.options()
        named = ", ".join(known.get(key, key) for key in value[:3])
        return f"{self.label}: {named}" + (f" e mais {len(value) - 3}" if len(value) > 3 else "")

    def draw(self, key: str) -> None:
        """A multiselect."""
        known = self.options()
        st.multiselect(
            self.label, list(known), format_func=lambda one: known.get(one, one), key=key, placeholder=labels.ANY
        )

    def state(self, value: Any) -> Any:
        """A list."""
        return list(value)

    def value(self, state: Any) -> Any:
        """A tuple."""
        return tuple(state or ())


@dataclass(frozen=True)
class Part(Choice):
    """Some of several options whose parameter other fields share, e.g. pills and form; each keeps to its options."""

    def write(self, value: Any) -> url.Value:
        """Its keys, beside those in the address that are another field's."""
        known = self.options()
        return (*(key for key in url.get_all(self.parameter) if key not in known), *value)


@dataclass(frozen=True)
class One(Choice):
    """One of several options; gives its key, or nothing."""

    def read(self) -> Any:
        """The chosen key, when it exists."""
        chosen = url.get(self.parameter)
        return chosen if chosen in self.options() else ""

    def write(self, value: Any) -> url.Value:
        """Its key."""
        return value or None

    def chip(self, value: Any) -> str:
        """``Plano: Fixo 500``."""
        return f"{self.label}: {self.options().get(value, value)}"

    def draw(self, key: str) -> None:
        """A select box whose first option filters nothing."""
        known = self.options()
        st.selectbox(self.label, ["", *known], format_func=lambda one: known.get(one, labels.ANY), key=key)

    def state(self, value: Any) -> Any:
        """The key, or nothing."""
        return value or ""

    def value(self, state: Any) -> Any:
        """The key, or nothing."""
        return state or ""


@dataclass(frozen=True)
class Whole(Field):
    """A whole number, at least 0; gives an int or None."""

    words: str = ""

    def read(self) -> int | None:
        """The number, or None."""
        text = url.get(self.parameter)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None

    def write(self, value: Any) -> url.Value:
        """Its digits."""
        return None if value is None else str(value)

    def chip(self, value: Any) -> str:
        """``words`` filled, or label and number."""
        return self.words.format(value=fmt.count(value)) if self.words else f"{self.label}: {fmt.count(value)}"

    def draw(self, key: str) -> None:
        """A number field."""
        st.number_input(self.label, min_value=0, step=1, key=key, value=None, placeholder="Sem limite")

    def value(self, state: Any) -> Any:
        """An int or None."""
        return None if state is None else int(state)


@dataclass(frozen=True)
class Money(Field):
    """An amount in reais as people type it (``1.234,56``); gives centavos or None."""

    words: str = ""

    def read(self) -> int | None:
        """Centavos, or None. The address holds ``10.50``."""
        return _centavos(url.get(self.parameter))

    def write(self, value: Any) -> url.Value:
        """``10.50``."""
        return None if value is None else f"{Decimal(value).scaleb(-2):.2f}"

    def chip(self, value: Any) -> str:
        """``words`` filled, or label and amount."""
        return self.words.format(value=fmt.money(value)) if self.words else f"{self.label}: {fmt.money(value)}"

    def draw(self, key: str) -> None:
        """A text field: a number field would take a dot only."""
        st.text_input(self.label, key=key, placeholder="Sem limite")

    def state(self, value: Any) -> Any:
        """``1.234,56``."""
        return "" if value is None else fmt.money(value).removeprefix("R$").strip()

    def value(self, state: Any) -> Any:
        """Centavos, or None for what is no amount."""
        text = (state or "").strip().removeprefix("R$").strip()
        return _centavos(text.replace(".", "").replace(",", ".") if "," in text else text)


@dataclass(frozen=True)
class Day(Field):
    """A day; gives a date or None."""

    words: str = ""

    def read(self) -> date | None:
        """The day, or None. The address holds ``2026-10-31``."""
        try:
            return date.fromisoformat(url.get(self.parameter))
        except ValueError:
            return None

    def write(self, value: Any) -> url.Value:
        """ISO."""
        return value.isoformat() if value else None

    def chip(self, value: Any) -> str:
        """``words`` filled, or label and day."""
        return self.words.format(value=fmt.day(value)) if self.words else f"{self.label}: {fmt.day(value)}"

    def draw(self, key: str) -> None:
        """A date field."""
        st.date_input(self.label, key=key, value=None, format="DD/MM/YYYY")

    def value(self, state: Any) -> Any:
        """A date or None."""
        return state or None


@dataclass(frozen=True)
class Chosen:
    """What is filtered now, by field name (``chosen.states``); frozen and hashable."""

    values: tuple[tuple[str, Any], ...]
    empty: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        for key, value in self.values:
            if key == name:
                return value
        raise AttributeError(name)

    @property
    def is_active(self) -> bool:
        """Whether anything is filtered."""
        return len(self.empty) < len(self.values)

    @property
    def digest(self) -> str:
        """A short name of this filter, for keys."""
        return hashlib.blake2s(repr(self.values).encode(), digest_size=6).hexdigest()

    def into(self, query: type[Query], **more: Any) -> Query:
        """The page's query value: fields of the same name, those not filtered left at the query's defaults."""
        known = {field.name for field in fields(query)}  # type: ignore[arg-type]  # queries are dataclasses
        given = {name: value for name, value in self.values if name in known and name not in self.empty}
        return query(**{**given, **more})


class Bar:
    """A page's filter row. Declare it once, at module level; ``show`` draws it and gives what is chosen.

    ``pills`` and fields of the kind ``Flag`` stand in the row, the others in *Filtro avançado*.
    """

    def __init__(
        self, key: str, search: str | None, fields: Sequence[Field] = (), *, pills: Choice | None = None
    ) -> None:
        self._key = key
        self._search = search
        self._flags = [field for field in fields if field.is_pill]
        self._advanced = [field for field in fields if not field.is_pill]
        self._pills = pills

    def read(self) -> Chosen:
        """What the address says, without drawing anything."""
        values: dict[str, Any] = {}
        if self._search is not None:
            values["search"] = url.get(SEARCH_PARAMETER)[:SEARCH_MOST].strip()
        every = [*self._flags, *([self._pills] if self._pills else []), *self._advanced]
        values |= {field.name: field.read() for field in every}
        return Chosen(
            tuple(values.items()), tuple(name for name, value in values.items() if value in ("", (), None, False))
        )

    def said(self, chosen: Chosen) -> str:
        """``chosen`` in words, as the chips have them; empty when nothing is filtered."""
        every = [*self._flags, *([self._pills] if self._pills else []), *self._advanced]
        sought = [f"“{chosen.search}”"] if self._search is not None and chosen.search else []
        chips = [field.chip(getattr(chosen, field.name)) for field in every if field.name not in chosen.empty]
        return "; ".join([*sought, *chips])

    def show(self) -> Chosen:
        """Draw the row and give what is chosen."""
        chosen = self.read()
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"stfc_filters_{self._key}"):
            if self._search is not None:
                self._draw_search(chosen)
            self._draw_flags(chosen)
            self._draw_pills(chosen)
            if self._advanced:
                self._draw_advanced(chosen)
            self._draw_chips(chosen)
        return chosen

    def clear(self) -> None:
        """Filter nothing; for callbacks."""
        every = [*self._flags, *([self._pills] if self._pills else []), *self._advanced]
        _apply({SEARCH_PARAMETER: None, **{field.parameter: None for field in every}})

    def _draw_search(self, chosen: Chosen) -> None:
        key = f"{self._key}_search"
        _show(key, chosen.search)
        st.text_input(
            labels.SEARCH,
            key=key,
            type="search",
            icon=":material/search:",
            placeholder=self._search,
            label_visibility="collapsed",
            max_chars=SEARCH_MOST,
            width=330,
            on_change=lambda: _apply({SEARCH_PARAMETER: (st.session_state[key] or "").strip()}),
        )

    def _draw_flags(self, chosen: Chosen) -> None:
        if not self._flags:
            return
        key = f"{self._key}_flags"
        by_name = {field.name: field for field in self._flags}
        _show(key, [name for name in by_name if getattr(chosen, name)])
        st.pills(
            labels.FILTERS,
            list(by_name),
            selection_mode="multi",
            format_func=lambda name: by_name[name].label,
            key=key,
            label_visibility="collapsed",
            on_change=lambda: _apply(
                {field.parameter: field.write(field.name in st.session_state[key]) for field in self._flags}
            ),
        )

    def _draw_pills(self, chosen: Chosen) -> None:
        if self._pills is None:
            return
        field, key = self._pills, f"{self._key}_{self._pills.name}"
        known = field.options()
        _show(key, list(getattr(chosen, field.name)))
        st.pills(
            field.label,
            list(known),
            selection_mode="multi",
            format_func=lambda one: known[one],
            key=key,
            label_visibility="collapsed",
            on_change=lambda: _apply({field.parameter: field.write(st.session_state[key])}),
        )

    def _draw_advanced(self, chosen: Chosen) -> None:
        keys = {field.name: f"{self._key}_{field.name}" for field in self._advanced}
        for field in self._advanced:
            _show(keys[field.name], field.state(getattr(chosen, field.name)))

        def submit() -> None:
            states = {field: st.session_state.get(keys[field.name]) for field in self._advanced}
            _apply({field.parameter: field.write(field.value(state)) for field, state in states.items()})

        # Another filter is another popover, so that *Aplicar filtros* closes it and the list is seen.
        with (
            st.popover(labels.ADVANCED, icon=":material/tune:", key=f"{self._key}_advanced_{chosen.digest}"),
            st.form(f"{self._key}_form", border=False),
        ):
            columns = st.columns(2)
            for position, field in enumerate(self._advanced):
                with columns[position % 2]:
                    field.draw(keys[field.name])
            st.form_submit_button(labels.APPLY, type="primary", on_click=submit)

    def _draw_chips(self, chosen: Chosen) -> None:
        active = [field for field in self._advanced if field.name not in chosen.empty]
        for field in active:
            with st.container(width="content", key=f"stfc_chip_{self._key}_{field.name}"):
                st.button(
                    fmt.plain(field.chip(getattr(chosen, field.name))),
                    key=f"{self._key}_chip_{field.name}",
                    type="tertiary",
                    icon=":material/close:",
                    icon_position="right",
                    on_click=_apply,
                    # Not None: two fields may share a parameter, each with choices of its own.
                    args=({field.parameter: field.write(field.value(None))},),
                )
        if chosen.is_active:
            st.button(labels.CLEAR, key=f"{self._key}_clear", type="tertiary", on_click=self.clear)


def _apply(changes: Mapping[str, url.Value]) -> None:
    # Another filter shows other rows, so the page starts over.
    url.put({**changes, PAGE_PARAMETER: None})


def _show(key: str, state: Any) -> None:
    if st.session_state.get(key) != state:
        st.session_state[key] = state


def _centavos(text: str) -> int | None:
    try:
        scaled = Decimal(text) * 100
    except InvalidOperation:
        return None
    whole = scaled.is_finite() and scaled == scaled.to_integral_value() and 0 <= scaled < 10**13
    return int(scaled) if whole else None
