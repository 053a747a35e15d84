"""Visão geral: indicators, coverage and charts of a competence (PRODUCT 3, screen 1)."""

import streamlit as st

from stfc.ui import competence, guard, header, labels, overview, session

guard.require(guard.Role.SUPERVISOR)
header.show(labels.OVERVIEW)

view = session.application().views.view(competence.current())
chosen = overview.call_filter(overview.BAR.show())
overview.cards(view)
overview.coverage(view)
if view.weekday_hour(chosen).num_rows:
    months, hours = st.columns([7, 5], gap="small")
    with months:
        overview.by_month(view, chosen)
    with hours:
        overview.weekday_hour(view, chosen)
    overview.rankings(view, chosen)
else:
    overview.by_month(view, chosen)
    overview.nothing(view)
