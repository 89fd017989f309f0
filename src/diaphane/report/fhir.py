"""A case as a FHIR R4 bundle: ``fhir.json``.

The models are those of R4B; every element used here is R4's as well. The bundle is a transaction: a server takes it as it is, and
taking it twice makes nothing twice, since each resource is created only where none has its identifier.
Source: HL7 FHIR R4 (4.0.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from fhir.resources.R4B.bundle import Bundle

from diaphane.core.outcome import Outcome, Part
from diaphane.core.provenance import digest
from diaphane.report import fhir_observations as observe
from diaphane.report.coding import SYSTEMS
from diaphane.report.dicom_seg import seg_uids, why_no_seg
from diaphane.report.dicom_series import pseudonym, series_of
from diaphane.report.fhir_observations import NOTE, Json
from diaphane.report.identifiers import urn
from diaphane.report.options import Options

OBSERVED = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "imaging", "display": "Imaging"}
REPORTED = {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "IMG", "display": "Diagnostic Imaging"}
REPORT_CODE = {"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}


def fhir_bundle(outcome: Outcome, conclusion: str, options: Options) -> bytes:
    """The content of ``fhir.json``: report, observations, study, device, and a patient without identity.

    Names of files are left out, for they may name a patient. ``conclusion`` must not either; what the gates doubt or refuse, and
    that this is for research, is added to it. The same outcome gives the same bytes.
    """
    case = _Case(outcome)
    studies = {p.image.name: _study(p, outcome, options, case) for p in outcome.parts if p.frame is None}
    seen = list(_observations(outcome, case, studies))
    report = case.resource("DiagnosticReport", "report") | {
        "status": "preliminary", "category": [{"coding": [REPORTED]}], "code": {"coding": [REPORT_CODE]},
        "subject": case.patient, "issued": outcome.provenance.created, "conclusion": _conclusion(outcome, conclusion),
        **({"result": [{"reference": _urn_of(o)} for o in seen]} if seen else {}),
        **({"imagingStudy": [{"reference": _urn_of(s)} for s in studies.values()]} if studies else {}),
    }  # fmt: skip
    resources = [report, _patient(outcome, case), _device(outcome, case), *studies.values(), *seen]
    bundle = {"resourceType": "Bundle", "type": "transaction", "timestamp": outcome.provenance.created, "entry": [_entry(r) for r in resources]}
    return Bundle.model_validate(bundle).model_dump_json(indent=1).encode() + b"\n"


class _Case:
    """Names resources: by the case for what this run made, by the source for the patient, who stays the same."""

    def __init__(self, outcome: Outcome) -> None:
        p = outcome.provenance
        self.key = digest([sorted(p.inputs.values()), p.plan_sha256, p.version, dict(p.weights), p.created])
        self.source = outcome.parts[0].image.source_sha256 if outcome.parts else min(p.inputs.values(), default="")
        self.patient = {"reference": urn(pseudonym(self.source))}
        self.device = {"reference": urn(self.key, "device")}

    def resource(self, kind: str, *words: str) -> Json:
        """The beginning of a resource with its identifier."""
        return {"resourceType": kind, "identifier": [{"system": "urn:ietf:rfc:3986", "value": urn(self.key, *words)}]}

    def observation(self, content: Json, derived_from: tuple[str, ...], *words: str) -> Json:
        """An Observation of this case."""
        frame = {"status": "preliminary", "category": [{"coding": [OBSERVED]}], "subject": self.patient, "device": self.device}
        return observe.whole(content, self.resource("Observation", *words) | frame, derived_from)


def _observations(outcome: Outcome, case: _Case, studies: dict[str, Json]) -> Iterator[Json]:
    """Age, regions, findings and assessments, each after what it is derived from."""
    if outcome.context.age_years is not None:
        age = case.observation(observe.of_age(outcome.context.age_years), (), "age")
        yield age | {"category": [{"coding": [OBSERVED | {"code": "social-history", "display": "Social History"}]}]}
    regions: dict[int, str] = {}
    for part in outcome.parts:
        study = tuple(_urn_of(s) for s in (studies.get(part.image.name),) if s)
        for region in part.regions:
            made = case.observation(observe.of_region(region), study, "region", str(region.index))
            regions[region.index] = _urn_of(made)
            yield made
            for n, assessment in enumerate(region.assessments if region.role == "anatomy" else ()):
                yield case.observation(observe.of_assessment(assessment), (_urn_of(made),), "region", str(region.index), str(n))
        for n, assessment in enumerate(part.assessments):
            yield case.observation(observe.of_assessment(assessment), study, "part", part.image.name, str(n))
    for finding in outcome.decision.findings:
        sources = tuple(regions[c] for c in finding.from_candidates if c in regions)
        made = case.observation(observe.of_finding(finding, outcome.decision.method), sources, "finding", str(finding.id))
        yield made
        for n, assessment in enumerate(finding.assessments):
            yield case.observation(observe.of_assessment(assessment), (_urn_of(made),), "finding", str(finding.id), str(n))


def _patient(outcome: Outcome, case: _Case) -> Json:
    sex = outcome.context.sex
    name = {"system": "urn:diaphane:anonymous", "value": pseudonym(case.source)}
    return {"resourceType": "Patient", "identifier": [name]} | ({"gender": sex} if sex else {})


def _device(outcome: Outcome, case: _Case) -> Json:
    p = outcome.provenance
    versions = {"software": p.version, "plan, SHA-256": p.plan_sha256} | {f"weights of {name}, SHA-256": sha for name, sha in p.weights.items()}
    return case.resource("Device", "device") | {
        "deviceName": [{"name": "Diaphane", "type": "user-friendly-name"}],
        "type": {"text": "image analysis software"},
        "version": [{"type": {"text": what}, "value": value} for what, value in versions.items() if value],
        "note": [{"text": NOTE}],
    }


def _study(part: Part, outcome: Outcome, options: Options, case: _Case) -> Json:
    """The study that was read, or the derived one, with the segmentation's series where one is written."""
    series = series_of(part)
    kept = [_series(series.first.SeriesInstanceUID, series.first.Modality or "OT", len(series.headers))]
    if options.segmentation_object and not why_no_seg(part):
        kept.append(_series(seg_uids(part, outcome, options)[0], "SEG", 1))
    there = not series.derived or (options.segmentation_object and options.derived_series and not why_no_seg(part))
    return {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{series.first.StudyInstanceUID}"}],
        "status": "available" if there else "unknown",
        "subject": case.patient,
        "numberOfSeries": len(kept),
        "numberOfInstances": sum(s["numberOfInstances"] for s in kept),
        "series": kept,
    }


def _series(uid: str, modality: str, count: int) -> Json:
    return {"uid": str(uid), "modality": {"system": SYSTEMS["DCM"], "code": modality}, "numberOfInstances": count}


def _conclusion(outcome: Outcome, conclusion: str) -> str:
    doubts = [f"{v.gate.capitalize()} gate, {v.verdict}: {v.reason}." for v in outcome.verdicts if v.verdict != "passed"]
    return "\n".join([conclusion, *doubts, NOTE])


def _urn_of(resource: Json) -> str:
    """What a reference to it says: its identifier where that is a URN of ours, else one made of it."""
    name = str(resource["identifier"][0]["value"])
    return name if name.startswith("urn:uuid:") else urn(name)


def _entry(resource: Json) -> Json:
    name, kind = resource["identifier"][0], resource["resourceType"]
    once = {"method": "POST", "url": kind, "ifNoneExist": f"identifier={name['system']}|{name['value']}"}
    return {"fullUrl": _urn_of(resource), "resource": resource, "request": once}
