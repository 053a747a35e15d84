"""Conferência: held charges and what a manager decides of them, completeness, past decisions (PRODUCT 3, screen 7)."""

from stfc.ui import (
    approvals,
    competence,
    completeness,
    guard,
    header,
    labels,
    reconciliation,
    reconciliation_act,
    session,
    tabs,
)

guard.require(guard.Role.SUPERVISOR)
header.show(labels.RECONCILIATION)
approvals.show("hold.release")

view = session.application().views.view(competence.current())
pending = session.application().holds.pending()
row = reconciliation.bar(pending)
every = reconciliation.tabs_of(pending)
# The filter is the queue's; the other tabs keep it in the address.
chosen = row.show() if tabs.current(every) == reconciliation.HELD else row.read()
queue = reconciliation.found(view, pending, chosen)
opened, place = tabs.show("reconciliation", every)
with place:
    if opened == reconciliation.HELD:
        shown = reconciliation.show(queue, pending, chosen, row)
        reconciliation_act.bar(pending, queue, shown)
    elif opened == reconciliation.COMPLETENESS:
        completeness.show(view)
    else:
        reconciliation.decided(view)
reconciliation_act.dialogs(pending)
