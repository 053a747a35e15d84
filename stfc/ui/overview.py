"""*Visão geral*: the filter row, what it leaves of the calls, and what clicks on charts and tables write into it.

The address, for links from elsewhere (``url.open_page(labels.OVERVIEW, classe="LDI")``):

* ``q``: *Pesquisar*: contract, customer, document or line. ``uf``, ``plano`` (``-`` for none): of the contract.
* ``de_contrato``: one contract, whole. ``classe`` (repeated): keys of ``labels.CLASS_GROUPS``.
* ``destino`` (repeated): a CN (``11``) or a country (``+351``).
* ``dia_semana`` (0 is Monday), ``hora``: local, repeated. ``medida=minutos``: the first chart shows minutes.

The filter narrows charts and rankings; indicators and coverage are always of the whole competence. A chart or table
keeps showing what was clicked in it beside what was not, so that another click leads elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from stfc.domain.area_codes import AREA_CODES
from stfc.domain.call import CallClass
from stfc.services.queries import CallFilter, ContractQuery, View
from stfc.ui import filters, labels, url
from stfc.ui import format as fmt
from stfc.ui.filters import Chosen

Part = Literal["classes", "cell", "contract", "destinations", ""]
GROUPS: Final[Mapping[str, tuple[CallClass, ...]]] = {
    "LOCAL": (CallClass.LOCAL,),
    "VC1": (CallClass.VC1,),
    "LDN": (CallClass.LDN,),
    "VC2-VC3": (CallClass.VC2, CallClass.VC3),
    "LDI": (CallClass.LDI,),
    "OUTRAS": (CallClass.TOLL_FREE, CallClass.SHARED, CallClass.PUBLIC_UTILITY, CallClass.UNKNOWN),
}
"""Every class in exactly one group, in the order of the chart's colours."""

CONTRACT_PARAMETER: Final = "de_contrato"
DESTINATION_PARAMETER: Final = "destino"
CLASS_PARAMETER: Final = "classe"
WEEKDAY_PARAMETER, HOUR_PARAMETER = "dia_semana", "hora"
_NO_PLAN: Final = "-"
_NOBODY: Final = ("",)
_DESTINATIONS: Final = 300
_WEEKDAYS: Final = {str(day): fmt.weekday(day) for day in range(7)}
_HOURS: Final = {str(hour): f"{hour}h" for hour in range(24)}


def bar(view: View) -> filters.Bar:
    """The filter row, with the choices that occur in this view."""
    occurring = view.choices()
    states = {state: state for state in occurring["states"]}
    plans = {plan: plan for plan in occurring["plans"]} | {_NO_PLAN: labels.WITHOUT_PLAN}
    return filters.Bar(
        "overview",
        labels.OVERVIEW.search,
        (
            filters.Choice("states", labels.STATE, "uf", options=lambda: states),
            filters.Choice("plans", labels.PLAN, "plano", options=lambda: plans),
            filters.Text("contract", labels.CONTRACT, CONTRACT_PARAMETER),
            filters.Choice(
                "destinations", labels.DESTINATION, DESTINATION_PARAMETER, options=lambda: _destinations(view)
            ),
            filters.Choice("weekdays", labels.WEEKDAY, WEEKDAY_PARAMETER, options=lambda: _WEEKDAYS),
            filters.Choice("hours", labels.HOUR, HOUR_PARAMETER, options=lambda: _HOURS),
        ),
        pills=filters.Choice("groups", labels.CLASS, CLASS_PARAMETER, options=lambda: labels.CLASS_GROUPS),
    )


def _destinations(view: View) -> Mapping[str, str]:
    called = (code for code in view.top_destinations(_DESTINATIONS)["destination"].to_pylist() if code.startswith("+"))
    named = (code for code in url.get_all(DESTINATION_PARAMETER) if re.fullmatch(r"\+\d{1,3}", code, re.ASCII))
    return {code: fmt.place(code) for code in (*AREA_CODES, *sorted({*called, *named}))}


@dataclass(frozen=True)
class Narrowing:
    """What is filtered. ``contracts`` are those of search, UF and plan; None for all."""

    chosen: Chosen
    contracts: tuple[str, ...] | None

    def calls(self, *, but: Part = "") -> CallFilter:
        """What is left of the calls; ``but`` leaves out what was clicked in a chart, for that chart."""
        return CallFilter(
            classes=() if but == "classes" else classes_of(self.chosen.groups),
            contracts=self._contracts(named=but != "contract"),
            destinations=() if but == "destinations" else self.chosen.destinations,
            weekdays=() if but == "cell" else tuple(int(day) for day in self.chosen.weekdays),
            hours=() if but == "cell" else tuple(int(hour) for hour in self.chosen.hours),
        )

    def _contracts(self, *, named: bool) -> tuple[str, ...]:
        contract = self.chosen.contract if named else ""
        if self.contracts is None:
            return (contract,) if contract else ()
        left = tuple(one for one in self.contracts if one == contract) if contract else self.contracts
        return left or _NOBODY


def narrowing(view: View, chosen: Chosen) -> Narrowing:
    """What ``chosen`` means in this view."""
    if not (chosen.search or chosen.states or chosen.plans):
        return Narrowing(chosen, None)
    asked = ContractQuery(
        search=chosen.search,
        states=chosen.states,
        plans=tuple("" if plan == _NO_PLAN else plan for plan in chosen.plans),
        # Calls that were charged once stay, whatever became of the service.
        include_deleted=True,
    )
    return Narrowing(chosen, tuple(view.contract_ids(asked)))


def classes_of(groups: tuple[str, ...]) -> tuple[str, ...]:
    """The classes of ``groups``; none for none."""
    return tuple(str(one) for group in groups for one in GROUPS[group])


def group_of(call_class: str) -> str:
    """The group that ``call_class`` is in."""
    return next(group for group, members in GROUPS.items() if call_class in members)


# --- Clicks ----------------------------------------------------------------------------------------------------------


def toggle(changes: Mapping[str, str]) -> None:
    """Filter by exactly ``changes`` in their parameters, or by none of them when that is so already; for callbacks."""
    is_so = all(url.get_all(name) == (value,) for name, value in changes.items())
    url.put({name: None if is_so else value for name, value in changes.items()})
