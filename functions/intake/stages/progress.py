"""The `progress` stage: where an intake is, as JSON, for pages that cannot listen to Firestore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intake.clock import SYSTEM_CLOCK
from intake.errors import UnknownIntake
from intake.model import Intake, Progress, Stage, Status

if TYPE_CHECKING:
    from intake.ports import Clock, Store

_STAGES = {
    Status.WAITING: Stage.WAITING,
    Status.READING: Stage.READING,
    Status.READ: Stage.RECORDING,
    Status.ASIDE: Stage.RECORDING,
    Status.RECORDED: Stage.DONE,
    Status.FAILED: Stage.FAILED,
}


@dataclass(frozen=True, kw_only=True)
class ShowProgress:
    """Answers where intakes stand.

    Attributes:
        store: The documents.
        clock: The time.
    """

    store: Store
    clock: Clock = SYSTEM_CLOCK

    def view(self, intake_id: str) -> dict[str, Any]:
        """Return the progress of an intake.

        Firestore deletes an expired progress document within about a day after `expire_at`; both before and after that an
        intake that once was is answered from its own document, so a known id is never a 404.

        Args:
            intake_id: 32 hex digits.

        Raises:
            UnknownIntake: No intake ever had this id.
            TemporaryError: Firestore did not answer.
        """
        progress = self.store.progress(intake_id)
        if progress is None or (progress.expire_at is not None and progress.expire_at <= self.clock.now()):
            intake = self.store.intake(intake_id)
            if intake is None:
                raise UnknownIntake
            progress = _of_intake(intake)
        shown = {"intake_id": intake_id, **progress.to_document()}
        shown.pop("expire_at", None)
        for name in ("submitted_at", "updated_at"):
            shown[name] = shown[name].isoformat(timespec="milliseconds")
        return shown


def _of_intake(intake: Intake) -> Progress:
    stage = _STAGES[intake.status]
    done = intake.pages if stage in (Stage.DONE, Stage.RECORDING) else 0
    return Progress(
        stage,
        intake.submitted_at,
        intake.submitted_at,
        done,
        intake.pages,
        error=intake.error,
        fields=intake.shown_fields(),
        attention=intake.attention,
    )
