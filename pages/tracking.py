"""Gerar Cobrança - Acompanhamento: batches and contracts sent to billing, and their logs (PRODUCT 3, screen 6)."""

import streamlit as st

from stfc.ui import (
    approvals,
    competence,
    filters,
    guard,
    header,
    labels,
    server,
    session,
    states,
    tabs,
    tracking,
    tracking_acts,
    tracking_contracts,
    tracking_rows,
)
from stfc.ui.format import month


def bar() -> filters.Bar:
    """The filter row; its words name the competence of the header, its choices are those that occur."""
    return filters.Bar(
        "tracking",
        labels.TRACKING.search,
        (
            filters.Flag("only_month", labels.ONLY_MONTH.format(month=month(competence.current())), "mes"),
            filters.One("who", labels.OPENED_BY, "quem", options=tracking.people),
            filters.Day("since", labels.OPENED_SINCE, "de"),
            filters.Day("until", labels.OPENED_UNTIL, "ate"),
        ),
        pills=filters.Choice("situation", labels.SITUATION, "situacao", options=lambda: labels.SITUATIONS),
    )


def screen(refresh: float | None) -> None:
    """All below the header; looks again by itself every ``refresh`` seconds, as was right when it was drawn."""
    status = session.status()
    if tracking.refresh_every(status) != refresh:
        st.rerun()
    every = tracking.batches()
    if not every:
        nothing_yet()
        return
    row = bar()
    chosen = row.show()
    match = tracking.matched(chosen.search)
    fitting = [batch for batch in every if tracking.fits(batch, chosen, competence.current())]
    found = tracking.found(fitting, chosen, match)
    sent = tracking_contracts.asked(chosen, match, [b.batch for b in fitting] if tracking.narrows(chosen) else None)
    total = tracking_contracts.total(sent) if chosen.is_active else sum(batch.items for batch in every)
    drawn = (chosen, competence.current(), len(every)) if refresh else None
    opened, place = tabs.show("tracking", tracking_rows.tabs(*tracking.tab_numbers(drawn, len(found), total)))
    with place:
        if opened == tracking_rows.BATCHES:
            tracking_rows.show(found, every, status.now, row)
        else:
            tracking_contracts.show(sent, chosen, every, row)


def nothing_yet() -> None:
    """No batch at all: why, and the way to the first one."""
    view = session.application().views.view(competence.current())
    eligible = tracking.contracts_words(view.indicators()["eligible"])
    words = labels.NO_BATCH.format(month=month(competence.current()), contracts=eligible)
    states.empty(
        labels.NO_BATCH_TITLE, words, states.Step(labels.BILLING.title, tracking_acts.open_page, (labels.BILLING,))
    )


guard.require(guard.Role.SUPERVISOR)
header.show(labels.TRACKING)
approvals.show("batch.reverse")
refresh = tracking.refresh_every(session.status())
st.fragment(server.fault_shown(screen), run_every=refresh)(refresh)
tracking_acts.show_question()
