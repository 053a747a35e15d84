"""The command line as a script sees it: arguments in, status and two streams out, in this process."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from stfc import cli


@dataclass(frozen=True)
class Answer:
    """What a call ended with."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The error's code, of an answer that is an error and nothing else."""
        assert set(self.document) == {"error"}, self.out
        assert self.document["error"]["message"]
        return str(self.document["error"]["code"])


@dataclass(frozen=True)
class Terminal:
    """A shell whose environment holds ``settings`` (``STFC_…``) and nothing else of ours."""

    home: Path
    settings: Mapping[str, str]

    def run(self, *arguments: str | Path, err: StringIO | None = None, **settings: str) -> Answer:
        """Run ``stfc ARGUMENTS``, with more ``settings`` for this call alone; an empty one is unset.

        ``err`` is the stream to use as stderr, a usual one when None.
        """
        environment = {"STFC_HOME": str(self.home), **self.settings, **settings}
        out, err = StringIO(), StringIO() if err is None else err
        with (
            mock.patch.dict(os.environ, {name: value for name, value in environment.items() if value}),
            mock.patch.object(sys, "argv", ["stfc", *map(str, arguments)]),
            mock.patch.object(sys, "stdout", out),
            mock.patch.object(sys, "stderr", err),
        ):
            try:
                cli.main()
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(bool(end.code))
        return Answer(status, out.getvalue(), err.getvalue())

    def ask(self, *arguments: str | Path, **settings: str) -> Any:
        """The document of a call with ``--json`` that has to succeed."""
        answer = self.run(*arguments, "--json", **settings)
        assert answer.status == 0, answer
        return answer.document

    def refuse(self, *arguments: str | Path, status: int = 1, **settings: str) -> str:
        """The code with which a call with ``--json`` is refused."""
        answer = self.run(*arguments, "--json", **settings)
        assert answer.status == status, answer
        return answer.error
