"""Every inline script that a page of ours may run, letter for letter: the page's policy names them by hash."""

import re
from pathlib import Path
from typing import Final

import streamlit as st

from stfc.domain.role import Role

_REMEMBER: Final = "document.cookie = 'stfc_role={role}; path=/; SameSite=Strict'"
# The number comes from the address, so that the script is the same for every batch.
BATCH_INTO_VIEW: Final = (
    "document.querySelector('.st-key-stfc_batch_' + Number(new URLSearchParams(location.search).get('lote')))"
    "?.scrollIntoView({block: 'start'})"
)
# A table's buttons are drawn on a canvas and know the mouse only. Enter on a cell clicks the button of its row, which
# stands first, after the checkboxes (36 px) where there are any; rows are as high as ``tables`` draws them.
OPEN_BY_KEY: Final = """if (!window.stfcOpensByKey) {
  window.stfcOpensByKey = true;
  const open = table => {
    const cell = table.querySelector('td[aria-selected=true][id^=glide-cell-]');
    const canvas = table.querySelector('[data-testid=data-grid-canvas]');
    if (!cell || !canvas) return;
    const box = canvas.getBoundingClientRect(), row = Number(cell.id.split('-').pop());
    const place = {
      clientX: box.left + (table.querySelector('td[id^=glide-cell-0-]') ? 0 : 36) + 24,
      clientY: box.top + 34 + 32 * row + 16 - table.querySelector('.dvn-scroller').scrollTop,
      bubbles: true, cancelable: true, button: 0, pointerType: 'mouse', isPrimary: true,
    };
    const send = name => canvas.dispatchEvent(new PointerEvent(name, place));
    send('pointermove');
    send('pointerdown');
    // The table takes in what was pressed with its next drawing.
    setTimeout(() => send('pointerup'), 50);
  };
  addEventListener('keydown', event => {
    const table = document.activeElement?.closest('[data-testid=stDataFrame]');
    // The words of the table, which tell the cell, follow the arrow keys by up to 200 ms.
    if (event.key === 'Enter' && table) setTimeout(open, 300, table);
  }, true);
}"""

# Streamlit speaks English to screen readers, and in a few lines below its fields, and cannot be told otherwise.
PORTUGUESE: Final = (Path(__file__).parent / "portuguese.js").read_text(encoding="utf-8")


def remember(role: Role) -> str:
    """Keeps a chosen role in the browser."""
    return _REMEMBER.format(role=role.value)


def run(script: str) -> None:
    """Run one of ``allowed`` in the page."""
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def allowed() -> tuple[str, ...]:
    """All of them, and those of Streamlit's own page."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    own = (*map(remember, Role), BATCH_INTO_VIEW, OPEN_BY_KEY, PORTUGUESE)
    return (*re.findall(r"<script>(.*?)</script>", page, re.DOTALL), *own)
