"""Registros de ligações: search over the call records of a competence (PRODUCT 3, screen 3)."""

from stfc.ui import calls, competence, guard, header, labels, session

guard.require(guard.Role.SUPERVISOR)
header.show(labels.CALLS)

view = session.application().views.view(competence.current())
calls.show(view, calls.BAR.show())
