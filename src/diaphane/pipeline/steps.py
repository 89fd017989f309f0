"""The steps of one case through its folder.

A step's ``make`` writes files and returns what else is to be kept; the step then reads what the files say. A run that
was killed and goes on, and one that was not, see the same bytes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from diaphane import acquire, assess, fuse, measure, report, view
from diaphane.acquire.picture import read_picture
from diaphane.core import case_folder as names
from diaphane.core.case import PatientContext
from diaphane.core.case_folder import CaseFolder
from diaphane.core.coding import from_json, json_lines, json_text
from diaphane.core.finding import Assessment, Decision
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.outcome import Outcome, Verdict
from diaphane.core.provenance import Provenance, digest, sha256_of, version
from diaphane.core.region import Region, features_csv, features_from_csv
from diaphane.core.storage import reading
from diaphane.core.strict import from_mapping
from diaphane.engine.bundle import CHECKSUMS, Bundle
from diaphane.errors import InputError, UsageError
from diaphane.ops.picture import write_png
from diaphane.plan import Plan
from diaphane.prepare import prepare
from diaphane.segment import predict, segmenters
from diaphane.segment.files import read_labels, write_labels
from diaphane.segment.gate import input_verdict, likeness, output_verdicts

log = logging.getLogger(__name__)
Result = dict[str, Any]
Make = Callable[[Path], Result]


class Steps:
    """One case: what to read, where to keep it, how to do it."""

    def __init__(self, source: Path, out: Path, plan: Plan) -> None:
        with reading(source):
            if not source.is_file():
                raise InputError(f"{source}: no such file; give the path of a picture")
            self.source_sha256 = sha256_of(source)
        self.bundles = segmenters(plan.segment)
        self.classifiers = assess.classifiers(plan.assess)
        self.source, self.plan, self.folder, self.out = source, plan, CaseFolder(out), out
        earlier = self.folder.manifest["stages"].get("acquire", {}).get("result", {}).get("source_sha256", self.source_sha256)
        if earlier != self.source_sha256:
            self.folder.close()
            raise UsageError(f"{out}: holds the case of another picture; give --out a folder of its own")

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.folder.close()

    def _step(self, name: str, inputs: Any, make: Make, words: Callable[[Result], str]) -> Result:
        """One stage through the folder, and its progress line."""
        begun = time.perf_counter()
        result = self.folder.stage(name, [version(), inputs], make)
        took = f"{time.perf_counter() - begun:.1f} s" if name in self.folder.ran else "kept"
        log.info("%-8s %s (%s)", name, words(result), took)
        return result

    def acquire(self) -> tuple[Image, PatientContext]:
        """The picture, and what is known of the patient: nothing yet."""
        options = self.plan.acquire

        def make(to: Path) -> Result:
            image = acquire.read(self.source, options).images[0]
            write_png(to / names.IMAGES / f"{image.name}.png", image.array[0])
            return {"name": image.name, "source_sha256": self.source_sha256, "size_px": image.size_px, "colour": image.channels == 3}

        def words(r: Result) -> str:
            return f"{r['size_px'][0]} x {r['size_px'][1]} px, {'colour' if r['colour'] else 'grey'}"

        name = self._step("acquire", [self.source_sha256, self.source.stem, asdict(options)], make, words)["name"]
        stored = read_picture(self.out / names.IMAGES / f"{name}.png", max_pixels=options.max_pixels)
        return Image(stored.array, Geometry.of_picture(options.spacing_mm), name, self.source_sha256), PatientContext()

    def segment(self, image: Image) -> tuple[Bundle | None, Labels | None, tuple[Verdict, ...]]:
        """The bundle that the input gate lets through, what it saw, and what the gates say."""
        options, bundles = self.plan.segment, self.bundles

        def make(to: Path) -> Result:
            nearest_first = sorted(bundles, key=lambda n: likeness(image, bundles[n]))
            name = nearest_first[0]
            verdict = input_verdict(image, bundles[name])
            if verdict.verdict == "refused":
                return {"bundle": None, "verdicts": [asdict(input_verdict(image, bundles[n])) for n in nearest_first]}
            labels = predict(prepare(image, bundles[name].recipe), bundles[name], options)
            write_labels(labels, to / names.SEGMENTATION, image.name)
            return {"bundle": name, "verdicts": [asdict(v) for v in (verdict, *output_verdicts(labels, bundles[name]))]}

        def words(r: Result) -> str:
            return f"by {bundles[r['bundle']].name}" if r["bundle"] else "nothing: no model for this kind of picture"

        found = self._step("segment", [asdict(options), {n: sha256_of(b.path / CHECKSUMS) for n, b in bundles.items()}], make, words)
        verdicts = tuple(from_mapping(Verdict, v, "case.json: verdicts", InputError) for v in found["verdicts"])
        if found["bundle"] is None:
            return None, None, verdicts
        bundle = bundles[found["bundle"]]
        return bundle, read_labels(self.out / names.SEGMENTATION, image.name, bundle.recipe.labels, bundle.name), verdicts

    def measure(self, image: Image, labels: Labels | None) -> tuple[Region, ...]:
        """The regions with their features."""
        if labels is None:
            return ()

        def make(to: Path) -> Result:
            regions = measure.extract(image, labels, self.plan.measure)
            (to / names.FEATURES).write_text(features_csv(image.name, regions), encoding="utf-8")
            return {"regions": len(regions), "features": sum(len(r.features) for r in regions)}

        self._step("measure", asdict(self.plan.measure), make, lambda r: f"{_plural(r['features'], 'feature')} of {_plural(r['regions'], 'region')}")
        known = features_from_csv((self.out / names.FEATURES).read_text(encoding="utf-8"))
        return tuple(replace(r, features=known.get(r.index, ())) for r in measure.regions_of(labels))

    def assess(
        self, image: Image, labels: Labels | None, regions: tuple[Region, ...], context: PatientContext
    ) -> tuple[tuple[Region, ...], tuple[Assessment, ...]]:
        """The regions with their verdicts, and the verdicts on the whole case."""
        if labels is None:
            return (), ()

        def make(to: Path) -> Result:
            scored, whole = assess.score(image, labels, regions, context, self.plan.assess)
            return {"regions": {str(r.index): [asdict(a) for a in r.assessments] for r in scored}, "case": [asdict(a) for a in whole]}

        def words(r: Result) -> str:
            return _plural(len(r["case"]) + sum(len(a) for a in r["regions"].values()), "verdict")

        inputs = [asdict(self.plan.assess), asdict(context), [sha256_of(b.path / CHECKSUMS) for b in self.classifiers]]
        found = self._step("assess", inputs, make, words)
        return tuple(replace(r, assessments=_assessments(found["regions"][str(r.index)])) for r in regions), _assessments(found["case"])

    def fuse(self, image: Image, labels: Labels | None, regions: tuple[Region, ...]) -> Decision:
        """The findings."""
        if labels is None:
            return Decision(method="none: nothing was segmented")

        def make(to: Path) -> Result:
            candidates = fuse.propose(image, labels, regions)
            decision = fuse.with_assessments(fuse.decide(candidates, (), None, self.plan.fuse), regions)
            (to / names.CANDIDATES).write_text(json_lines(c.to_json() for c in candidates), encoding="utf-8")
            (to / names.FINDINGS).write_text(json_text(decision.to_json(), indent=1) + "\n", encoding="utf-8")
            return {"candidates": len(candidates), "findings": len(decision.findings)}

        def words(r: Result) -> str:
            return f"{_plural(r['findings'], 'finding')} of {_plural(r['candidates'], 'candidate')}"

        self._step("fuse", asdict(self.plan.fuse), make, words)
        return Decision.from_json(from_json((self.out / names.FINDINGS).read_text(encoding="utf-8"), names.FINDINGS))

    def view(self, outcome: Outcome) -> None:
        """The coloured pictures."""
        if outcome.labels is not None:
            self._write("view", asdict(self.plan.view), lambda to: view.export(outcome, to, self.plan.view))

    def report(self, outcome: Outcome) -> None:
        """The page."""
        inputs = [asdict(self.plan.report), asdict(outcome.provenance), [asdict(n) for n in outcome.not_assessed]]
        self._write("report", inputs, lambda to: report.compose(outcome, to, self.plan.report))

    def _write(self, name: str, inputs: Any, write: Callable[[Path], tuple[Path, ...]]) -> None:
        def make(to: Path) -> Result:
            return {"files": [p.relative_to(to).as_posix() for p in write(to)]}

        self._step(name, inputs, make, lambda r: ", ".join(r["files"]))

    def provenance(self, bundle: Bundle | None, image: Image) -> Provenance:
        """Versions and hashes of this run."""
        used = [bundle, *(c for c in self.classifiers if c.recipe.applies_to in {x.name for x in bundle.recipe.labels})] if bundle else []
        return Provenance(
            version=version(),
            inputs={image.name: self.source_sha256},
            plan_sha256=digest(asdict(self.plan)),
            weights={b.name: b.weights_sha256 for b in used},
            recipes={b.name: b.recipe_sha256 for b in used},
            licences={b.name: b.recipe.licence for b in used},
            seed=self.plan.seed,
            created=self.folder.manifest["created"],
        )

    def finish(self, outcome: Outcome) -> None:
        """The manifest, and a word where there was nothing to do."""
        summary = asdict(outcome.provenance) | {
            "modality": outcome.modality,
            "plan": asdict(self.plan),
            "verdicts": [asdict(v) for v in outcome.verdicts],
            "not_assessed": [asdict(n) for n in outcome.not_assessed],
            "exit_code": outcome.exit_code,
        }
        self.folder.finish(summary)
        if not self.folder.ran:
            log.info("nothing changed: every stage was kept as it was")


def _assessments(documents: list[Any]) -> tuple[Assessment, ...]:
    return tuple(from_mapping(Assessment, a, "case.json: assessments", InputError) for a in documents)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
