"""The entry script: every screen refuses inside itself, whatever led to it, and every screen has its words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from stfc.domain.role import Role
from stfc.ui import header, labels, states

ROOT = Path(__file__).resolve().parents[3]
PAGES = [page for group in labels.MENU.values() for page in group]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home without a platform; the application of another test is forgotten."""
    monkeypatch.setenv("STFC_HOME", str(tmp_path / "home"))
    st.cache_resource.clear()
    yield tmp_path / "home"
    st.cache_resource.clear()


def _open(page: labels.PageLabels) -> AppTest:
    app = AppTest.from_file(str(ROOT / "stfc/ui/entry.py"), default_timeout=30).run()
    return app.switch_page(f"../../pages/{page.file}.py").run()


def _said(app: AppTest) -> str:
    assert not app.exception
    said = (element.value for kind in (app.title, app.header, app.markdown, app.caption) for element in kind)
    return "\n".join(said).replace("\\", "")


@pytest.mark.parametrize("words", PAGES, ids=lambda words: words.file)
def test_screen_asks_for_a_role_before_it_shows_anything(words: labels.PageLabels, home: Path) -> None:
    said = _said(_open(words))
    assert labels.SIGN_IN_TITLE in said
    assert labels.SUMMARY not in said


@pytest.mark.parametrize("role", list(Role))
def test_chosen_role_opens_the_screen(role: Role, home: Path) -> None:
    app = _open(labels.CONTRACTS)
    app.button(key=f"sign_in_{role.value}").click().run()
    assert labels.SUMMARY in _said(app)
    assert app.session_state["stfc_role"] is role


@pytest.mark.parametrize("words", PAGES, ids=lambda words: words.file)
def test_screen_says_who_enables_the_integration_when_there_is_none(
    words: labels.PageLabels, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STFC_ROLE", "manager")
    said = _said(_open(words))
    assert words.title in said
    assert labels.NOT_CONFIGURED_TITLE in said
    assert "STFC_SUMMIT_URL" in said


def test_fixed_role_asks_nobody_and_cannot_be_changed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STFC_ROLE", "supervisor")
    app = _open(labels.OVERVIEW)
    assert labels.SIGN_IN_TITLE not in _said(app)
    assert not [radio for radio in app.radio if radio.key == "stfc_role_picker"]


def test_screen_without_erp_data_says_the_next_step(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STFC_ROLE", "operator")
    monkeypatch.setenv("STFC_SUMMIT_DIR", str(home.parent))
    said = _said(_open(labels.CONTRACTS))
    assert labels.NO_SNAPSHOT_TITLE in said
    assert "stfc import" in said


def test_home_of_another_version_is_a_sentence_with_its_code(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    (home / "format").write_text("99", encoding="utf-8")
    app = AppTest.from_file(str(ROOT / "stfc/ui/entry.py"), default_timeout=30).run()
    assert "CFG-VER" in _said(app)


@pytest.mark.parametrize("words", PAGES, ids=lambda words: words.file)
def test_screen_has_its_help(words: labels.PageLabels) -> None:
    text = header.help_text(words)
    assert text.startswith("## O que esta tela faz")
    assert text != labels.NO_HELP


def test_every_outcome_has_a_word_and_its_exceptions_a_colour() -> None:
    for outcome in labels.OUTCOME:
        assert outcome in states.TONES
    assert set(labels.RULES_SHORT) == set(labels.text.RULES)
    assert set(labels.CAUTIONS_SHORT) == set(labels.text.CAUTIONS)


def test_a_fault_in_a_part_that_refreshes_itself_is_a_card_with_its_code() -> None:
    def page() -> None:
        from stfc.errors import StorageError
        from stfc.ui import server

        def part() -> None:
            raise StorageError(place="ledger.db", cause="disk full")

        server.fault_shown(part)()

    assert "(ARM-ESC)" in _said(AppTest.from_function(page).run())
