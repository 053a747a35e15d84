"""Contratos - Telefonia: the list, and one contract by ``?contrato=`` (PRODUCT 3, screen 2)."""

from stfc.ui import competence, contract_detail, contract_list, guard, header, labels, session, url

guard.require(guard.Role.SUPERVISOR)
view = session.application().views.view(competence.current())

if contract := url.get(contract_list.CONTRACT_PARAMETER):
    contract_detail.show(view, contract)
else:
    header.show(labels.CONTRACTS)
    row = contract_list.bar(view)
    contract_list.show(view, row.show(), row)
