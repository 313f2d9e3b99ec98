"""How the desk has flows run: a small protocol that `flows` fulfils, in this process or through Prefect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

RunState = Literal["waiting", "running", "done", "failed"]

FLOWS = ("ingest", "check", "report", "release")
"""What can be run, in the order in which a survey needs them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a flow.

    Attributes:
        run_id: the runner's own name of it.
        by: who started it as the audit log names them, "" if a schedule did.
        done, total: how far it is, in the flow's own steps; total null while unknown.
        result: name of a count -> count, once it is done; never an answer.
        message: why it failed: the code and sentence of the error.
    """

    run_id: str
    flow: str
    form_id: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    by: str = ""
    done: int = 0
    total: int | None = None
    result: Mapping[str, int] = field(default_factory=dict)
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in {"done", "failed"}


class FlowRunner(Protocol):
    """Runs flows and knows what became of them."""

    def start(self, flow: str, form_id: str, parameters: Mapping[str, object], by: str) -> Run:
        """Have a flow run; it returns at once.

        Args:
            flow: one of `FLOWS`.
            form_id: of which survey.
            parameters: of check `expectations` (bool); the others take none.
            by: who starts it.

        Raises:
            CommandError: CMD-260, the same flow of that survey is running; CMD-261, whoever runs flows isn't there.
        """

    def list_runs(self, form_id: str, limit: int = 20) -> Sequence[Run]:
        """The last runs of a survey, newest first.

        Raises:
            CommandError: CMD-261, whoever runs flows isn't there.
        """
