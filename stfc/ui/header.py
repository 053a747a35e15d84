"""The head of every screen: title, competence, *Ajuda*, *Atualizar*, and the line *Resumo da rotina*."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import streamlit as st

from stfc.ui import alerts, competence, labels, session, states, style
from stfc.ui.format import clock, plain

_HELP = Path(__file__).resolve().parents[2] / "data" / "help"


def show(
    page: labels.PageLabels,
    *,
    title: str | None = None,
    summary: str | None = None,
    on_back: Callable[[], None] | None = None,
    taken_at: datetime | None = None,
) -> None:
    """Draw the header row and the summary. Stops the page with a sentence where no platform is configured (PRODUCT 3).

    Args:
        page: the screen's words.
        title: another title, for a detail (plain text; it is escaped).
        summary: another summary line, for a detail.
        on_back: in a detail, the callback of the arrow before the title.
        taken_at: when the shown data were read; now when None.
    """
    status = session.status()
    with st.container(gap="xxsmall", key="page_head"):
        _row(page, title, on_back)
        data = labels.DATA_OF.format(clock=clock(taken_at or status.now))
        st.caption(f"**{labels.SUMMARY}** {summary or page.summary} {data}")
        alerts.show()
    if not status.configured:
        states.empty(labels.NOT_CONFIGURED_TITLE, labels.NOT_CONFIGURED)
        st.stop()
    if status.snapshot is None:
        states.empty(labels.NO_SNAPSHOT_TITLE, labels.NO_SNAPSHOT)
        st.stop()


def _row(page: labels.PageLabels, title: str | None, on_back: Callable[[], None] | None) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="page_header"):
        if on_back:
            st.button(labels.BACK, icon=":material/arrow_back:", type="tertiary", key="page_back", on_click=on_back)
        st.title(plain(title) if title else page.title, width="stretch", anchor=False)
        competence.stepper()
        if st.button(labels.HELP, icon=":material/help:", type="tertiary", key="page_help"):
            _help(page)
        st.button(labels.REFRESH, icon=":material/refresh:", key="page_refresh")


def help_text(page: labels.PageLabels) -> str:
    """The page's help in Markdown, from ``data/help``."""
    try:
        return (_HELP / f"{page.file}.md").read_text(encoding="utf-8")
    except FileNotFoundError:
        return labels.NO_HELP


def help_picture(page: labels.PageLabels, theme: str) -> Path:
    """The picture that the page's help begins with, made by ``make screenshots``."""
    return _HELP / f"{page.file}-{theme}.png"


def _help(page: labels.PageLabels) -> None:
    @st.dialog(f"{labels.HELP}: {page.title}", position="right", width=620)
    def drawer() -> None:
        picture = help_picture(page, style.palette().name)
        if picture.exists():
            st.image(picture, width="stretch", alt=labels.HELP_PICTURE.format(title=page.title))
        st.markdown(help_text(page))
        # Something to stand on: only from inside do the arrow keys scroll a text this long.
        if st.button(labels.HELP_CLOSE, key="page_help_close"):
            st.rerun()

    drawer()
