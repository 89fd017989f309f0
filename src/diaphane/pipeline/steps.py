"""The steps of one case through its folder.

A step's ``make`` writes files and returns what else is to be kept; the step then reads what the files say. A run that
was killed and goes on, and one that was not, see the same bytes.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from diaphane import acquire, assess, fuse, report, track, view
from diaphane.acquire.picture import stem_of
from diaphane.core import case_folder as names
from diaphane.core.camera import Camera
from diaphane.core.case import Case, PatientContext
from diaphane.core.case_folder import CaseFolder
from diaphane.core.coding import from_json, from_json_lines, json_lines, json_text
from diaphane.core.finding import Assessment, Decision
from diaphane.core.image import Image
from diaphane.core.outcome import Outcome, Part, SeenThrough
from diaphane.core.provenance import Provenance, Ran, Weights, digest, sha256_of, version
from diaphane.core.region import features_csv, features_from_csv
from diaphane.core.strict import from_mapping
from diaphane.core.track import Sighting
from diaphane.core.verdict import Verdict
from diaphane.core.video import Video
from diaphane.engine.bundle import CHECKSUMS, Bundle
from diaphane.engine.session import running
from diaphane.errors import InputError, UsageError
from diaphane.pipeline.explanations import explanations_of, record_explanations
from diaphane.pipeline.faces import Faces, find_faces, tracking_options, weights_read
from diaphane.pipeline.inputs import Inputs
from diaphane.pipeline.omissions import not_assessed
from diaphane.pipeline.parts import (
    fused,
    labels_of,
    look,
    look_at_faces,
    measured,
    modality_of,
    preparation_of,
    prepared_for,
    record,
    regions_only,
    used_bundles,
)
from diaphane.pipeline.seeing_case import can_see_through, over_face, weights_seen
from diaphane.pipeline.stored import read_image, read_video, size_in_words, video_record, write_image
from diaphane.plan import Plan
from diaphane.segment import finder_of, segmenters

log = logging.getLogger(__name__)
Result = dict[str, Any]
Make = Callable[[Path], Result]


class Steps:
    """One case: what to read, where to keep it, how to do it."""

    def __init__(self, inputs: Inputs, out: Path, plan: Plan) -> None:
        asked = segmenters(plan.segment)
        self.bundles = {name: b for name, b in asked.items() if b.recipe.field_of_view == "image"}
        self.face_bundle = next((b for b in asked.values() if b.recipe.field_of_view == "face"), None)
        self.classifiers = assess.classifiers(plan.assess)
        self.finders = [finder for b in self.classifiers if (finder := finder_of(b.recipe))]
        self.engines: dict[str, Ran] = {}
        inputs.apart_from(out)
        self.inputs, self.plan, self.folder, self.out = inputs, plan, CaseFolder(out), out
        sha = inputs.sha256["source"]
        earlier = self.folder.manifest["stages"].get("acquire", {}).get("result", {}).get("source_sha256", sha)
        if earlier != sha:
            self.folder.close()
            raise UsageError(f"{out}: holds the case of another input; give --out a folder of its own")

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

    def acquire(self) -> Case:
        """The image or clip, the clip of the face beside it, and what is known of the patient."""
        options, inputs = self.plan.acquire, self.inputs
        path = inputs.face or inputs.source

        def make(to: Path) -> Result:
            case = inputs.read(options)
            return {
                "source_sha256": inputs.sha256["source"], "image": write_image(case.images[0], to) if case.images else None,
                "video": video_record(case.video) if case.video else None, "context": asdict(case.context), "modality": case.modality,
                "verdicts": [asdict(v) for v in case.verdicts], "instances": [i.sop_instance_uid for i in case.instances],
            }  # fmt: skip

        def words(r: Result) -> str:
            clip = r["video"] and f"{_plural(r['video']['frame_count'], 'frame')} of {r['video']['size_px'][0]} x {r['video']['size_px'][1]} px"
            return " and ".join(filter(None, [r["image"] and size_in_words(r["image"]["shape"]), clip])) or "refused"

        read = self._step("acquire", [inputs.sha256, [stem_of(p) for p in (inputs.source, path)], asdict(options)], make, words)
        image = read_image(self.out, read["image"]) if read["image"] else None
        return Case(
            images=(image,) if image else (),
            video=read_video(read["video"], path) if read["video"] else None,
            context=from_mapping(PatientContext, read["context"], "case.json: context", InputError),
            modality=read["modality"],
            instances=acquire.instances(inputs.source, read["instances"]),
            verdicts=_verdicts(read["verdicts"]),
        )

    def track(self, case: Case) -> Faces:
        """Every face in every frame of the clip, or in the picture where it is a photo of faces."""
        clip = case.video or self._photo(case)
        if clip is None:
            return Faces()

        def words(r: Result) -> str:
            if r["video"] is None:
                return "not a photo of faces"
            return f"{_plural(r['identities'], 'face')} in {r['with_face']} of {_plural(r['frames'], 'frame')}"

        options = tracking_options(case, self.plan)
        camera = self._camera(clip)
        settings = [asdict(self.plan.track), track.tracker_name(options), camera and asdict(camera)]
        inputs = [*settings, weights_read(options), self._checksums(self.bundles.values())]
        found = self._step("track", inputs, lambda to: find_faces(case, clip, self.bundles, self.plan, to, camera=camera), words)
        if found["video"] is None:
            return Faces()
        lines = from_json_lines((self.out / names.TRACKS).read_text(encoding="utf-8"), names.TRACKS)
        return Faces(
            video=clip,
            sightings=tuple(Sighting.from_json(line) for line in lines),
            key_frames=tuple((frame, read_image(self.out, image)) for frame, image in found["key_frames"]),
            verdicts=_verdicts(found["verdicts"]),
            weights=tuple(from_mapping(Weights, w, "case.json: weights", InputError) for w in found["weights"]),
        )

    def segment(self, case: Case, faces: Faces) -> tuple[tuple[Part, ...], tuple[Verdict, ...]]:
        """Each image with what was seen in it, and what the gates say."""
        images: list[tuple[int | None, Image]] = [(None, image) for image in case.images if faces.video is None or case.video]
        images += faces.key_frames
        used = self._segmenters()

        def make(to: Path) -> Result:
            parts: list[Result] = []
            verdicts: list[Verdict] = []
            with running(self.plan.engine, pictures=len(images)) as ran:
                for frame, image in images:
                    if frame is None:
                        seen = look(case, image, self.inputs.labels, self.bundles, self.plan)
                    else:
                        seen = look_at_faces(image, frame, faces, self.face_bundle, self.plan)
                    parts.append(record(image, seen, to))
                    verdicts += seen.verdicts
            return {"parts": parts, "verdicts": [asdict(v) for v in dict.fromkeys(verdicts)], "engines": _engines(ran)}

        def words(r: Result) -> str:
            by = dict.fromkeys(p["source"] for p in r["parts"] if p["source"])
            return f"by {', '.join(by)}" if by else "nothing"

        found = self._step("segment", [asdict(self.plan.segment), asdict(self.plan.engine), self._checksums(used)], make, words)
        self.engines |= _ran(found["engines"])
        parts = tuple(
            Part(
                image=image, modality=p["modality"], labels=labels_of(self.out, p), frame=frame,
                instances=case.instances if frame is None else (), dicom_modality=modality_of(case, image) if frame is None else "",
                preparation=preparation_of(self.out, p),
            )
            for (frame, image), p in zip(images, found["parts"], strict=True)
        )  # fmt: skip
        return parts, (*case.verdicts, *faces.verdicts, *_verdicts(found["verdicts"]))

    def measure(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The parts with their regions and features; regions are numbered through the whole case."""
        if all(part.labels is None for part in parts):
            return parts
        options = self.plan.measure

        def make(to: Path) -> Result:
            whole = measured(parts, options)
            (to / names.FEATURES).write_text(features_csv((p.image.name, r) for p in whole for r in p.regions), encoding="utf-8")
            return {"regions": sum(len(p.regions) for p in whole), "features": sum(len(r.features) for p in whole for r in p.regions)}

        self._step("measure", asdict(options), make, lambda r: f"{_plural(r['features'], 'feature')} of {_plural(r['regions'], 'region')}")
        known = features_from_csv((self.out / names.FEATURES).read_text(encoding="utf-8"))
        return tuple(replace(p, regions=tuple(replace(r, features=known.get(r.index, ())) for r in p.regions)) for p in regions_only(parts))

    def assess(self, parts: tuple[Part, ...], context: PatientContext) -> tuple[tuple[Part, ...], tuple[Verdict, ...]]:
        """The parts with the verdicts on their regions and on the whole of each; and what the gates say of what networks judge."""
        if not any(part.regions for part in parts) and all(b.recipe.input is None for b in self.classifiers):
            return parts, ()

        def make(to: Path) -> Result:
            regions: Result = {}
            whole: Result = {}
            maps: Result = {}
            verdicts: list[Verdict] = []
            with running(self.plan.engine, pictures=len(parts)) as ran:
                for part in parts:
                    prepared, said = prepared_for(part.image, self.classifiers)
                    scored, about_all = assess.score(part.image, part.labels, part.regions, context, self.plan.assess, prepared=prepared)
                    regions |= {str(r.index): [asdict(a) for a in r.assessments] for r in scored}
                    whole[part.image.name] = [asdict(a) for a in about_all]
                    maps[part.image.name] = record_explanations(part.image.name, assess.explained(prepared, about_all, self.classifiers, self.plan.assess), to)
                    verdicts += said
            return {"regions": regions, "images": whole, "maps": maps, "verdicts": [asdict(v) for v in dict.fromkeys(verdicts)], "engines": _engines(ran)}

        def words(r: Result) -> str:
            return _plural(sum(len(a) for kind in ("regions", "images") for a in r[kind].values()), "verdict")

        inputs = [asdict(self.plan.assess), asdict(self.plan.engine), asdict(context), self._checksums(self.classifiers), self._checksums(self.finders)]
        found = self._step("assess", inputs, make, words)
        self.engines |= _ran(found["engines"])
        judged = tuple(
            replace(
                part,
                regions=tuple(replace(r, assessments=_assessments(found["regions"][str(r.index)])) for r in part.regions),
                assessments=_assessments(found["images"][part.image.name]),
                explanations=explanations_of(self.out, found["maps"][part.image.name]),
            )
            for part in parts
        )
        return judged, _verdicts(found["verdicts"])

    def fuse(self, parts: tuple[Part, ...], faces: Faces) -> Decision:
        """The findings."""
        if all(part.labels is None for part in parts):
            return Decision(method="none: nothing was segmented")

        def make(to: Path) -> Result:
            candidates, decision = fused(parts, faces, self.plan.fuse)
            (to / names.CANDIDATES).write_text(json_lines(c.to_json() for c in candidates), encoding="utf-8")
            (to / names.FINDINGS).write_text(json_text(decision.to_json(), indent=1) + "\n", encoding="utf-8")
            return {"candidates": len(candidates), "findings": len(decision.findings)}

        def words(r: Result) -> str:
            return f"{_plural(r['findings'], 'finding')} of {_plural(r['candidates'], 'candidate')}"

        self._step("fuse", [asdict(self.plan.fuse), self._checksums(self._fusers(parts, faces))], make, words)
        return Decision.from_json(from_json((self.out / names.FINDINGS).read_text(encoding="utf-8"), names.FINDINGS))

    def _fusers(self, parts: tuple[Part, ...], faces: Faces) -> list[Bundle]:
        """The fusion that judges, where there is something to judge on a face."""
        chosen = fuse.chosen(self.plan.fuse).bundle if faces.sightings and any(part.labels is not None for part in parts) else None
        return [chosen] if chosen else []

    def see_through(self, case: Case, faces: Faces, parts: tuple[Part, ...]) -> SeenThrough | None:
        """The head scan over the filmed face; None where there are not both."""
        scan = next((part for part in parts if part.frame is None and not part.image.is_picture and part.labels is not None), None)
        clip, colormap = faces.video, self.plan.view.colormap
        if scan is None or clip is None or not can_see_through():
            return None
        camera = self._camera(clip)
        inputs = [colormap, camera and asdict(camera)]
        found = self._step("see", inputs, lambda to: over_face(scan, clip, camera, colormap, to), lambda r: r["words"])
        stills = tuple((frame, read_image(self.out, image).array[0]) for frame, image in found["stills"])
        return SeenThrough(found["words"], stills, tuple(found["files"]))

    def _camera(self, clip: Video) -> Camera | None:
        """The one that was given, for frames of the clip's size."""
        return acquire.read_camera(self.inputs.camera).of_size(*clip.size_px) if self.inputs.camera else None

    def view(self, outcome: Outcome) -> None:
        """The coloured pictures, the scene, and the page to walk around it."""
        if any(part.labels is not None for part in outcome.parts):
            self._write("view", asdict(self.plan.view), lambda to: view.export(outcome, to, self.plan.view))

    def report(self, outcome: Outcome) -> None:
        """The page, and the clinic's formats."""
        seen = outcome.seen_through and outcome.seen_through.words
        inputs = [asdict(self.plan.report), asdict(outcome.provenance), [asdict(n) for n in outcome.not_assessed], asdict(outcome.context), seen]
        shown = replace(outcome, files=tuple(self.folder.manifest["stages"].get("view", {}).get("files", {})))
        self._write("report", inputs, lambda to: report.compose(shown, to, self.plan.report))

    def _write(self, name: str, inputs: Any, write: Callable[[Path], tuple[Path, ...]]) -> None:
        def make(to: Path) -> Result:
            return {"files": [p.relative_to(to).as_posix() for p in write(to)]}

        self._step(name, inputs, make, lambda r: ", ".join(dict.fromkeys(file if "/" not in file else file.partition("/")[0] + "/" for file in r["files"])))

    def outcome(  # noqa: PLR0917 what every step gave
        self, case: Case, faces: Faces, parts: tuple[Part, ...], verdicts: tuple[Verdict, ...], decision: Decision, seen: SeenThrough | None
    ) -> Outcome:
        """All of it, with versions and hashes."""
        bundles = used_bundles(parts, [*self._segmenters(), *self.classifiers])
        return Outcome(
            name=stem_of(self.inputs.source),
            parts=parts,
            decision=decision,
            verdicts=verdicts,
            not_assessed=not_assessed(parts, faces, bundles, self.classifiers, case.context),
            provenance=self._provenance([*bundles, *self._fusers(parts, faces)], (*faces.weights, *weights_seen(seen))),
            video=faces.video,
            sightings=faces.sightings,
            context=case.context,
            seen_through=seen,
        )

    def _provenance(self, bundles: list[Bundle], others: tuple[Weights, ...]) -> Provenance:
        finders = [finder for b in bundles if (finder := finder_of(b.recipe))]
        used = {b.name: b for b in (*finders, *bundles)}.values()
        return Provenance(
            version=version(),
            inputs=self.inputs.named(),
            plan_sha256=digest(asdict(self.plan)),
            weights={b.name: b.weights_sha256 for b in used} | {w.name: w.sha256 for w in others},
            recipes={b.name: b.recipe_sha256 for b in used},
            licences={b.name: b.recipe.licence for b in used} | {w.name: w.licence for w in others},
            seed=self.plan.seed,
            created=self.folder.manifest["created"],
            engines={name: ran for name, ran in self.engines.items() if name in {b.name for b in used}},
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

    def _photo(self, case: Case) -> Video | None:
        """The picture as a clip of one frame, where faces may be looked for in it: no model or labels were asked for."""
        if not case.images or not case.images[0].is_picture or self.inputs.labels or (self.plan.segment.bundle and not self.face_bundle):
            return None
        return acquire.photo_as_video(self.inputs.source, case.images[0])

    def _checksums(self, bundles: Iterable[Bundle]) -> dict[str, str]:
        return {b.name: sha256_of(b.path / CHECKSUMS) for b in bundles}

    def _segmenters(self) -> list[Bundle]:
        return [*self.bundles.values(), *([self.face_bundle] if self.face_bundle else [])]


def _verdicts(documents: list[Any]) -> tuple[Verdict, ...]:
    return tuple(from_mapping(Verdict, v, "case.json: verdicts", InputError) for v in documents)


def _engines(ran: dict[str, Ran]) -> Result:
    return {name: asdict(one) for name, one in ran.items()}


def _ran(documents: Result) -> dict[str, Ran]:
    return {name: from_mapping(Ran, ran, "case.json: engines", InputError) for name, ran in documents.items()}


def _assessments(documents: list[Any]) -> tuple[Assessment, ...]:
    """An interval that does not exist is null in a document, NaN here."""
    known = ({**a, "interval95": [math.nan if end is None else end for end in a["interval95"]]} for a in documents)
    return tuple(from_mapping(Assessment, a, "case.json: assessments", InputError) for a in known)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
