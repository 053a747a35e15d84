"""*Retarifação*: what a narrow row says of plans."""

import pytest

from stfc.ui import rerating


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ("a@2020-01-01 → a@2026-10-01", "01/01/2020 → 01/10/2026"),
        ("a@2020-01-01 → a@2020-01-01, a@2026-10-01", "01/01/2020 → 01/10/2026"),
        ("a@2020-01-01, a@2026-10-01 → a@2020-01-01", "01/01/2020, 01/10/2026 → 01/01/2020"),
        ("a@2020-01-01", "a@2020-01-01"),
        ("a@2020-01-01 → b@2020-01-01", "a@2020-01-01 → b@2020-01-01"),
        ("— → a@2020-01-01", "— → a@2020-01-01"),
    ],
)
def test_versions_of_one_plan_are_told_by_their_days(versions: str, said: str) -> None:
    assert rerating.short(versions) == said
