"""Faturas fechadas: the closed invoices of telephony contracts (PRODUCT 3, screen 4)."""

from stfc.ui import competence, guard, header, invoices, invoices_detail, labels, session

guard.require(guard.Role.SUPERVISOR)
header.show(labels.INVOICES)

view = session.application().views.view(competence.current())
row = invoices.bar()
invoices.show(view, row.show(), row)
invoices_detail.show(view)
