"""What the process' log says of a defect of ours."""

import pytest
import structlog

from stfc import cli


@pytest.fixture
def log() -> structlog.types.FilteringBoundLogger:
    cli._configure_logs()
    logger: structlog.types.FilteringBoundLogger = structlog.get_logger("stfc.worker")
    return logger


def test_log_of_a_defect_says_where_it_came_from_and_not_what_stood_in_the_file(
    log: structlog.types.FilteringBoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    number = "5511987654321"
    try:
        int(f"{number} is no number")
    except ValueError as error:
        log.error("file_defect", code="STF-000", exc_info=error)
    said = capsys.readouterr().err
    assert "Traceback (most recent call last)" in said
    assert "test_logs.py" in said
    assert "ValueError" in said
    assert number not in said
