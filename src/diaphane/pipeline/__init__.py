"""THE STORY: acquire to view on one screen; the only place where stages meet.

Each step asks the case folder for its result: made where its inputs changed, kept where they did not (``steps.py``).
"""

from __future__ import annotations

from pathlib import Path

from diaphane.core.outcome import Outcome
from diaphane.pipeline.inputs import Inputs
from diaphane.pipeline.steps import Steps
from diaphane.plan import Plan


def run(
    source: Path | str,
    out: Path | str,
    plan: Plan | None = None,
    *,
    face: Path | str | None = None,
    labels: Path | str | None = None,
    context: Path | str | None = None,
    camera: Path | str | None = None,
) -> Outcome:
    """One case from a picture, scan or clip to its report, in the case folder ``out``.

    ``face`` is a photo or clip of the same patient's face, ``labels`` a label map on the grid of ``source`` that takes the
    place of a model, ``context`` what is known of the patient (JSON), ``camera`` the file of the camera that filmed the face: head
    poses rest on it, and so does a head scan that is laid on the face. What is done already and unchanged is kept. The
    outcome's ``exit_code`` is the gates' word: 0, 3 or 4.

    Raises:
        DiaphaneError: As the tree in ``errors`` says; the case folder then holds whole stages only.
    """
    with Steps(Inputs.of(source, face=face, labels=labels, context=context, camera=camera), Path(out), plan or Plan()) as steps:
        case = steps.acquire()
        faces = steps.track(case)
        parts, verdicts = steps.segment(case, faces)
        parts = steps.measure(parts)
        parts, more = steps.assess(parts, case.context)
        decision = steps.fuse(parts, faces)
        seen = steps.see_through(case, faces, parts)
        outcome = steps.outcome(case, faces, parts, (*verdicts, *more), decision, seen)
        steps.view(outcome)
        steps.report(outcome)
        steps.finish(outcome)
        return outcome


__all__ = ["run"]
