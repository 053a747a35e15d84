"""The problems of a dump, gathered while it is checked and put in the order of its files."""

from collections.abc import Iterable

from stfc.adapters.erp.tables import TABLES
from stfc.domain import text
from stfc.errors import ImportProblem

MAX_REPORTED = 10_000
"""How many problems are named; beyond, only their number is."""

_SHOWN = 60


class Problems:
    """Collects problems; each cause is a sentence of ``text.import_cause``. ``total`` counts those not kept, too."""

    def __init__(self) -> None:
        self.total = 0
        self._kept: list[tuple[int, ImportProblem]] = []

    def __bool__(self) -> bool:
        return self.total > 0

    def add(self, file: str, line: int, column: str, cause: str, **facts: object) -> None:
        """One problem; ``cause`` is a key of ``text.IMPORT_CAUSES``, ``facts`` fill its sentence."""
        self.total += 1
        if len(self._kept) < MAX_REPORTED:
            sentence = text.import_cause(cause, **{name: _short(value) for name, value in facts.items()})
            self._kept.append((len(self._kept), ImportProblem(file, line, column, sentence)))

    def add_rows(self, file: str, column: str, cause: str, rows: Iterable[dict[str, object]], **facts: object) -> None:
        """A problem a row; a row's ``line`` is its place, its other cells fill the sentence beside ``facts``."""
        for row in rows:
            line = row.pop("line")
            self.add(file, line if isinstance(line, int) else 0, column, cause, **row, **facts)

    def listed(self) -> list[ImportProblem]:
        """The problems by file, in the order of ERP_IMPORT, then by line."""
        order = {name: index for index, name in enumerate(TABLES)}

        def place(entry: tuple[int, ImportProblem]) -> tuple[int, int, int]:
            found, problem = entry
            return order.get(problem.file.rsplit(".", 1)[0], -1), problem.line, found

        return [problem for _, problem in sorted(self._kept, key=place)]


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > _SHOWN:
        return value[:_SHOWN] + "…"
    return value
