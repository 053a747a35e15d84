"""Colours of both themes as the screens' own drawings need them, and the style sheet."""

import html
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlencode

import streamlit as st

Tone = Literal["green", "violet", "orange", "red", "blue", "accent", "gray"]
ASSETS: Final = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Palette:
    """One theme's colours (design, *Theme*). ``text`` and ``background`` are by tone; ``series`` are chart colours."""

    name: str
    ink: str
    gray_text: str
    surface: str
    border: str
    accent: str
    solid: dict[str, str]
    text: dict[str, str]
    background: dict[str, str]
    series: tuple[str, ...]
    zero: str
    rest: str
    heat: tuple[str, str]


_LIGHT = Palette(
    "light",
    ink="#1b2130",
    gray_text="#566072",
    surface="#ffffff",
    border="#dfe3ea",
    accent="#3d4fd1",
    solid={"green": "#1a8f64", "violet": "#7b5bd6", "orange": "#dd9a3a", "red": "#cf3a33", "blue": "#5598ea",
           "accent": "#3d4fd1", "gray": "#c6ccd7"},
    text={"green": "#0b6b4a", "violet": "#5c3cb8", "orange": "#8a5000", "red": "#ad241d", "blue": "#1f55a5",
          "accent": "#3443b8", "gray": "#566072"},
    background={"green": "#e6f5ee", "violet": "#f1edfc", "orange": "#fdf2de", "red": "#fdeceb", "blue": "#e8f1fc",
                "accent": "#e9ebfb", "gray": "#eff1f5"},
    series=("#3d4fd1", "#2f9e9e", "#d08a1d", "#8a6fd8", "#6f86a8", "#c2567f", "#4f9a52", "#a8743f", "#5aa3d6",
            "#9aa4b2"),
    zero="#8fcbb2",
    rest="#c6ccd7",
    heat=("#f5f6fe", "#26348f"),
)  # fmt: skip
_DARK = Palette(
    "dark",
    ink="#e6e9ef",
    gray_text="#a0a9b8",
    surface="#111419",
    border="#2b323d",
    accent="#8c98fb",
    solid={"green": "#3db587", "violet": "#9c82ea", "orange": "#dd9a3a", "red": "#e8665f", "blue": "#5598ea",
           "accent": "#7d8bf5", "gray": "#3f4754"},
    text={"green": "#6dd3a8", "violet": "#bba7f5", "orange": "#f0b866", "red": "#f59089", "blue": "#8cbbf5",
          "accent": "#a3adfa", "gray": "#a0a9b8"},
    background={"green": "#12291f", "violet": "#241d38", "orange": "#2d2212", "red": "#331a1a", "blue": "#15243a",
                "accent": "#20243f", "gray": "#20262f"},
    series=("#7d8bf5", "#45b8b3", "#e0a545", "#a893ee", "#8ba0bf", "#de7fa2", "#6dbb70", "#c4935f", "#7bbbe8",
            "#8590a2"),
    zero="#2b6d55",
    rest="#3f4754",
    heat=("#171b27", "#aab3ff"),
)  # fmt: skip


def palette() -> Palette:
    """The colours of the theme that this browser shows now."""
    return _DARK if st.context.theme.type == "dark" else _LIGHT


def apply() -> None:
    """Put the style sheet and the theme's variables on the page; once a run, from the entry script."""
    st.html(f"<style>{_variables(palette().name)}{_sheet()}</style>")


def logo() -> None:
    """The product's name at the head of the sidebar."""
    name = palette().name
    st.logo(str(ASSETS / f"logo-{name}.svg"), size="medium", icon_image=str(ASSETS / f"icon-{name}.svg"))


def badge(word: str, tone: Tone) -> str:
    """A coloured word as HTML; ``word`` is escaped."""
    return f'<span class="stfc-badge {tone}">{html.escape(word)}</span>'


def link(words: str, page: str, **parameters: str) -> str:
    """A link to a screen of ours as HTML; ``page`` is its path (``contratos``), all is escaped."""
    return f'<a href="{html.escape(f"{page}?{urlencode(parameters)}")}" target="_self">{html.escape(words)}</a>'


@lru_cache(maxsize=1)
def _sheet() -> str:
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


@lru_cache(maxsize=2)
def _variables(name: str) -> str:
    """Both themes' colours at once: a browser that changes its theme shows it before the next run does."""
    lines = "".join(
        f"--stfc-{key}:light-dark({light},{dark});"
        for (key, light), dark in zip(_named(_LIGHT).items(), _named(_DARK).values(), strict=True)
    )
    # Streamlit says so for the page itself; its dialogs stand beside it.
    return f":root{{color-scheme:{name};{lines}}}"


def _named(chosen: Palette) -> dict[str, str]:
    return {
        "text": chosen.ink,
        "gray-text": chosen.gray_text,
        "border": chosen.border,
        "accent": chosen.accent,
        **{f"{tone}-text": colour for tone, colour in chosen.text.items()},
        **{f"{tone}-background": colour for tone, colour in chosen.background.items()},
    }
