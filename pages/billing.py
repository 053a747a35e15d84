"""Gerar Cobrança: the contracts of a month that can be billed, and the batch that bills them (PRODUCT 3, screen 5)."""

from stfc.ui import billing_act, billing_choice, billing_list, competence, guard, header, labels, session

guard.require(guard.Role.SUPERVISOR)
header.show(labels.BILLING)

view = session.application().views.view(competence.current())
chosen_ids = billing_choice.ids(view)
billing_act.steps(view, chosen_ids, billing_choice.preview_of(view, chosen_ids))

row = billing_list.bar(view)
chosen = row.show()
billing_list.show(view, chosen, row)

asked = billing_list.query(chosen, eligible=True)
choice = billing_choice.choice(view, asked, is_filtered=chosen.is_active)
if choice.eligible:
    billing_act.bar(view, choice)
billing_act.dialogs(view, choice)
