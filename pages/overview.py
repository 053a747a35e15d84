"""Visão geral: indicators, coverage, charts and rankings of a competence, all of one view (PRODUCT 3, screen 1)."""

from stfc.ui import competence, guard, header, labels, overview, overview_body, overview_cards, session

guard.require(guard.Role.SUPERVISOR)
header.show(labels.OVERVIEW)

view = session.application().views.view(competence.current())
row = overview.bar(view)
chosen = row.show()
overview_cards.show(view)
overview_cards.coverage(view)
overview_body.show(view, chosen, row)
