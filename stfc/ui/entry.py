"""The entry script: page configuration, navigation, and what stands on every screen around the page."""

from pathlib import Path

import streamlit as st

from stfc.errors import StfcError
from stfc.ui import competence, foot, labels, scripts, server, session, states, style, url

_PAGES = Path(__file__).resolve().parents[2] / "pages"


def _page(words: labels.PageLabels) -> st.Page:
    return st.Page(
        _PAGES / f"{words.file}.py",
        title=words.title,
        icon=words.icon,
        url_path=words.path or None,
        default=not words.path,
    )


def main() -> None:
    """One run of the app: every page is always registered and refuses inside itself (``guard``)."""
    st.set_page_config(page_title=labels.PRODUCT, page_icon=str(style.ASSETS / "page-icon.png"), layout="wide")
    style.apply()
    style.logo()
    scripts.run(scripts.OPEN_BY_KEY)
    scripts.run(scripts.PORTUGUESE)
    try:
        # Whoever has no role sees the page's own refusal and nothing around it.
        is_known = session.login() is None or session.role() is not None
    except StfcError:
        is_known = True
    menu = {group: [_page(words) for words in pages] for group, pages in labels.MENU.items()}
    page = st.navigation(menu, position="sidebar" if is_known else "hidden")
    try:
        _show(page, is_known)
    except StfcError as error:
        # A fault is a sentence on the screen and one log line; Streamlit would log a traceback.
        server.show_fault(error)


def _show(page: st.Page, is_known: bool) -> None:
    if going := url.pending():
        words, parameters = going
        st.switch_page(_PAGES / f"{words.file}.py", query_params=parameters)
    if not is_known:
        page.run()
        return
    competence.bind()
    session.remember_role()
    states.show_toasts()
    foot.show()
    page.run()


main()
