"""Conferência: held charges, corrected files, what a manager decides of them, completeness (PRODUCT 3, screen 7)."""

from stfc.ui import (
    approvals,
    competence,
    completeness,
    corrected,
    guard,
    header,
    labels,
    reconciliation,
    reconciliation_act,
    rerating,
    session,
    tabs,
)

guard.require(guard.Role.SUPERVISOR)
header.show(labels.RECONCILIATION)
approvals.show("hold.release")
approvals.show("file.charge_again")
approvals.show("charge.rerate")

view = session.application().views.view(competence.current())
pending = session.application().holds.pending()
files = session.application().corrected_files.pending()
row = reconciliation.bar(pending)
every = reconciliation.tabs_of(pending, len(files))
# The filter is the queue's; the other tabs keep it in the address.
chosen = row.show() if tabs.current(every) == reconciliation.HELD else row.read()
queue = reconciliation.found(view, pending, chosen)
opened, place = tabs.show("reconciliation", every)
with place:
    if opened == reconciliation.HELD:
        shown = reconciliation.show(queue, pending, chosen, row)
        reconciliation_act.bar(pending, queue, shown)
    elif opened == reconciliation.CORRECTED:
        corrected.show(files)
    elif opened == reconciliation.COMPLETENESS:
        completeness.show(view)
    elif opened == reconciliation.RERATE:
        rerating.show(view)
    else:
        reconciliation.decided(view)
reconciliation_act.dialogs(pending)
corrected.dialogs(files)
rerating.dialog()
