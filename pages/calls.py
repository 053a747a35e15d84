"""Registros de ligações: search over the call records, totals, download (PRODUCT 3, screen 3)."""

from stfc.ui import calls, calls_list, calls_record, competence, guard, header, labels, session

guard.require(guard.Role.SUPERVISOR)
header.show(labels.CALLS)

view = session.application().views.view(competence.current())
row = calls.bar(view)
calls_list.show(view, row.show(), row)
calls_record.show()
