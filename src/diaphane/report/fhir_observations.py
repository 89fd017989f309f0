"""What was measured, found and assessed, as FHIR R4 Observations. Numbers go over bit by bit."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from diaphane.core.finding import Assessment, Finding
from diaphane.core.region import Feature, Region
from diaphane.report.coding import PRIVATE, SYSTEMS, Coded, coded
from diaphane.report.html import OLDEST
from diaphane.report.words import LESION_FEATURES

Json = dict[str, Any]
NOTE = "For research use. Not a medical device."
UCUM = "http://unitsofmeasure.org"
HOUNSFIELD = "[hnsf'U]"
LEFT_OUT = frozenset({
    "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm", "gldm", "intensity_histogram", "intensity_volume_histogram", "local_intensity", "shape", "firstorder",
})  # fmt: skip
"""Families that stay in ``features.csv``: a record has no use for hundreds of numbers of texture. Of colour it has those that the report shows."""
LATERALITY = codes.SCT.Laterality


def concept(text: str, *given: Code) -> Json:
    """A CodeableConcept; codings only where there are codes."""
    codings = [{"system": SYSTEMS[c.scheme_designator], "code": c.value, "display": c.meaning} for c in given]
    return ({"coding": codings} if codings else {}) | {"text": text}


def own(text: str) -> Code:
    """This project's own word for something that is no structure."""
    return Code(text.replace(" ", "-"), PRIVATE, text)


def site_of(name: str, role: str) -> Json | None:
    """Where a region lies. A side is part of the code, as a SNOMED CT expression; None where no code is known."""
    code: Coded = coded(name, role)
    place = code.region if role == "lesion" else code.type
    if place is None or place.scheme_designator == PRIVATE:
        return None
    if code.side is not None:
        meaning = f"{place.meaning}, {code.side.meaning.lower()}"
        place = Code(f"{place.value}:{LATERALITY.value}={code.side.value}", "SCT", meaning)
    return concept(name, place)


def value(number: float | None, unit: str = "1", reason: str = "") -> Json:
    """``valueQuantity``, or ``dataAbsentReason`` where the number does not exist."""
    if number is None or not math.isfinite(number):
        absent = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-a-number", "display": "Not a Number (NaN)"}
        return {"dataAbsentReason": {"coding": [absent], "text": reason or "does not exist"}}
    code = f"{{{unit}}}" if unit.startswith("px") else unit  # UCUM has no pixel; what has braces is a remark and counts as 1
    return {"valueQuantity": {"value": number, "unit": unit.replace(HOUNSFIELD, "HU"), "system": UCUM, "code": code}}


def of_region(region: Region) -> Json:
    """The measurements of a region, each a component."""
    site = site_of(region.name, region.role)
    components = [of_feature(f) for f in region.features if f.family not in LEFT_OUT and (f.family != "colour" or f.name in LESION_FEATURES)]
    return {
        "code": concept(f"measurements of {region.name}", own("region measured")),
        "bodySite": site or concept(region.name),
        **({"component": components} if components else {}),
    }


def of_feature(feature: Feature) -> Json:
    """One component; by the IBSI's code where it has one, and by the name in ``features.csv``."""
    text = ", ".join(word for word in (feature.name.replace("_", " "), feature.aggregation, feature.discretisation) if word)
    codings = [{"system": "urn:diaphane:features", "code": feature.name}]
    if feature.ibsi_code:
        codings.append({"system": SYSTEMS["IBSI"], "code": feature.ibsi_code})
    return {"code": {"coding": codings, "text": text}, **value(feature.value, feature.unit, feature.nan_reason)}


def of_finding(finding: Finding, method: str) -> Json:
    """That a lesion is there, how probable that is, and where."""
    code = coded(finding.label, "lesion")
    site = concept(finding.site) if finding.site else site_of(finding.label, "lesion")
    x, y, width, height = finding.box_px
    evidence = [_named(f"evidence of {name.replace('_', ' ')}", number) for name, number in finding.evidence.items()]
    return {
        "code": concept(finding.label, code.type),
        "valueCodeableConcept": concept("present", codes.SCT.Present),
        "method": concept(method),
        **({"bodySite": site} if site else {}),
        "component": [_named("probability of a lesion", finding.probability), *evidence],
        "note": [{"text": NOTE}, {"text": f"Finding {finding.id}: frame {finding.frame}, box x {x}, y {y}, width {width}, height {height} px."}],
    }


def of_assessment(assessment: Assessment) -> Json:
    """A class with its probability; the ends of the 95 % interval are components."""
    low, high = assessment.interval95
    return {
        "code": concept(f"probability of {assessment.task}", own(f"probability of {assessment.task}")),
        "method": concept(assessment.bundle),
        **value(assessment.probability),
        "component": [_named("lower end of the 95 % interval", low), _named("upper end of the 95 % interval", high)],
        "note": [{"text": text} for text in (NOTE, assessment.caution, assessment.basis) if text],
    }


def of_age(years: float) -> Json:
    """The patient's age when that was told; above 89 years, which few reach, only that it is above."""
    loinc = {"system": "http://loinc.org", "code": "30525-0", "display": "Age"}
    number = {"value": years} if years <= OLDEST else {"value": float(OLDEST), "comparator": ">"}
    return {"code": {"coding": [loinc], "text": "age"}, "valueQuantity": number | {"unit": "years", "system": UCUM, "code": "a"}}


def whole(content: Json, frame: Json, derived_from: Iterable[str]) -> Json:
    """An Observation of ``content`` and what all share (``frame``), with references to what it was made from."""
    sources = [{"reference": urn} for urn in derived_from]
    return {"resourceType": "Observation", "note": [{"text": NOTE}]} | frame | content | ({"derivedFrom": sources} if sources else {})


def _named(text: str, number: float | None) -> Json:
    return {"code": concept(text, own(text)), **value(number)}
