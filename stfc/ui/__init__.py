"""The screens’ parts: Streamlit and Plotly appear here, in ``app.py`` and in ``pages/`` only."""
