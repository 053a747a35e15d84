"""Faturas fechadas: the closed invoices of telephony contracts (PRODUCT 3, screen 4)."""

from stfc.ui import competence, guard, header, invoices, labels, session

guard.require(guard.Role.SUPERVISOR)
header.show(labels.INVOICES)

view = session.application().views.view(competence.current())
invoices.show(view, invoices.BAR.show())
