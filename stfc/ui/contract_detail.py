"""A contract's page: its head, the card of what it is, and the tabs (PRODUCT 3, screen 2)."""

from stfc.domain.masking import mask_document
from stfc.errors import NotFoundError
from stfc.services.queries import View
from stfc.ui import (
    contract_charges,
    contract_integration,
    contract_invoices,
    contract_lines,
    contract_list,
    contract_why,
    figures,
    header,
    labels,
    states,
    style,
    tabs,
)
from stfc.ui import format as fmt
from stfc.ui.contract_case import CALLS, CHARGES, INTEGRATION, INVOICES, LINES, TABS, Case

_SHOWN_OF_A_NUMBER = 40


def show(view: View, contract: str) -> None:
    """The page of ``contract``, or a card that says that the ERP has no such contract."""
    try:
        case = Case(view, view.facts(contract))
    except NotFoundError:
        _unknown(view, contract[:_SHOWN_OF_A_NUMBER])
        return
    title = f"{case.facts.contract.customer} · {case.contract}"
    header.show(labels.CONTRACTS, title=title, summary=labels.CONTRACT_DETAIL, on_back=contract_list.back)
    figures.facts(_facts(case))
    opened, place = tabs.show("contract", TABS)
    with place:
        _tab(case, opened)


def _tab(case: Case, opened: str) -> None:
    match opened:
        case _ if opened == LINES:
            contract_lines.lines(case)
        case _ if opened == CALLS:
            contract_lines.calls(case)
        case _ if opened == INVOICES:
            contract_invoices.show(case)
        case _ if opened == CHARGES:
            contract_charges.show(case)
        case _ if opened == INTEGRATION:
            contract_integration.show(case)
        case _:
            contract_why.show(case)


def _facts(case: Case) -> list[tuple[str, str]]:
    contract, row = case.facts.contract, case.row
    stage = labels.STAGES[contract.stage] + (f", {labels.DELETED.lower()}" if contract.deleted else "")
    return [
        ("Documento", mask_document(contract.document)),
        ("Etapa", style.badge(stage, states.TONES.get(contract.stage, "gray"))),
        ("Status", style.badge(labels.STATUSES[contract.status], states.TONES.get(contract.status, "green"))),
        ("Integração", _integration(row.get("integration"))),
        ("Plano", contract.plan or labels.WITHOUT_PLAN),
        ("Linhas", fmt.count(row.get("lines", 0))),
        ("Cidade", "/".join(part for part in (contract.city, contract.state) if part) or fmt.NOTHING),
        ("Dia de corte", str(contract.cut_day)),
        ("Última cobrança", contract_list.last_charge(row.get("last_competence"), row.get("last_amount"))),
    ]


def _integration(state: str | None) -> str:
    if state is None:
        return labels.NO_SUMMIT_SERVICE
    return style.badge(labels.INTEGRATIONS[state], states.TONES[state])


def _unknown(view: View, contract: str) -> None:
    header.show(labels.CONTRACTS, title=labels.CONTRACT_TITLE.format(contract=contract), on_back=contract_list.back)
    sentence = labels.UNKNOWN_CONTRACT.format(contract=fmt.plain(contract))
    detail = labels.UNKNOWN_CONTRACT_HINT.format(when=fmt.moment(view.imported_at))
    search = states.Step(labels.SEARCH_IT, contract_list.search_for, (contract,))
    states.error(sentence, detail, states.Step(labels.ALL_CONTRACTS, contract_list.back), search, key="contract")
