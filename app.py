"""The screens' server: ``streamlit run app.py`` finds ``app`` here. ``stfc app`` is the usual way to start it."""

import streamlit as st

from stfc.ui import server

app = st.App(
    server.ENTRY,
    secrets=server.secrets(),
    lifespan=server.lifespan,
    routes=server.routes(),
    middleware=server.middleware(),
    on_script_error=server.on_script_error,
)
