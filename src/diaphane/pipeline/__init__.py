"""THE STORY: acquire to view on one screen; the only place where stages meet.

Each step asks the case folder for its result: made where its inputs changed, kept where they did not (``steps.py``).
"""

from __future__ import annotations

from pathlib import Path

from diaphane.core.outcome import Outcome
from diaphane.pipeline.omissions import not_assessed
from diaphane.pipeline.steps import Steps
from diaphane.plan import Plan


def run(source: Path | str, out: Path | str, plan: Plan | None = None) -> Outcome:
    """One case from a picture to its report, in the case folder ``out``.

    What is done already and unchanged is kept. The outcome's ``exit_code`` is the gates' word: 0, 3 or 4.

    Raises:
        DiaphaneError: As the tree in ``errors`` says; the case folder then holds whole stages only.
    """
    with Steps(Path(source), Path(out), plan or Plan()) as steps:
        image, context = steps.acquire()
        bundle, labels, verdicts = steps.segment(image)
        regions = steps.measure(image, labels)
        regions, assessments = steps.assess(image, labels, regions, context)
        decision = steps.fuse(image, labels, regions)
        outcome = Outcome(
            image=image,
            modality=bundle.recipe.modality if bundle else "",
            labels=labels,
            regions=regions,
            assessments=assessments,
            decision=decision,
            verdicts=verdicts,
            not_assessed=not_assessed(image, bundle, regions, steps.classifiers),
            provenance=steps.provenance(bundle, image),
        )
        steps.view(outcome)
        steps.report(outcome)
        steps.finish(outcome)
        return outcome


__all__ = ["run"]
