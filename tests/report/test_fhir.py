"""The FHIR bundle: valid, R4 in every element, the same numbers, nobody's name."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from fhir.resources.R4B.bundle import Bundle
from tests.report.r4 import ELEMENTS
from tests.report.test_dicom_seg import SOURCE, affine, label_map, outcome_of, part_of, write_series

from diaphane.core.case import PatientContext
from diaphane.core.finding import Assessment, Decision, Finding
from diaphane.core.outcome import Outcome
from diaphane.core.region import Feature, Region
from diaphane.core.verdict import Verdict
from diaphane.report.dicom_seg import write_seg
from diaphane.report.fhir import fhir_bundle
from diaphane.report.options import Options

AWKWARD = (0.1 + 0.2, 1e-7, 123456789.123456789, -1024.0, 3.0, 5e-324, 1.7976931348623157e308)


def feature(name: str, value: float, unit: str = "1", family: str = "morphology", code: str = "") -> Feature:
    return Feature(family=family, name=name, value=value, unit=unit, ibsi_code=code, nan_reason="" if math.isfinite(value) else f"no {name} here")


def region(index: int, name: str, role: str, *features: Feature, assessments: tuple[Assessment, ...] = ()) -> Region:
    box = ((0, 1), (0, 2), (0, 3))
    mask = np.ones((1, 2, 3), bool)
    return Region(index=index, label=2, name=name, role=role, box=box, mask=mask, features=features, assessments=assessments)


MELANOMA = Assessment(task="melanoma", probability=0.2345678901234567, interval95=(0.15, 0.34), bundle="melanoma", basis="of 400 pictures")


@pytest.fixture
def case(rng: np.random.Generator) -> Outcome:
    """A lung measured, a lesion found and assessed, and what the output gate doubts."""
    lung = region(
        1, "left lung", "anatomy",
        feature("volume", 1234.5, "mL", code="RNU0"), feature("maximum_diameter", AWKWARD[0], "mm"), feature("area", 17.0, "px2"),
        feature("mean", -856.25, "[hnsf'U]", "intensity", "Q4LE"), feature("entropy", math.nan, family="intensity"), feature("contrast", 5.0, family="glcm"),
        *(feature(f"awkward_{n}", value) for n, value in enumerate(AWKWARD)),
    )  # fmt: skip
    lesion = region(2, "skin lesion", "lesion", feature("area", 2.5, "mm2"), assessments=(MELANOMA,))
    finding = Finding(
        id=1, label="skin lesion", probability=0.93, image="name_of_a_patient", frame=0, box_px=(1, 2, 3, 4), site="left cheek",
        evidence={"segmentation": 0.9, "face": None}, assessments=(MELANOMA,), from_candidates=(2,),
    )  # fmt: skip
    part = replace(part_of(label_map(rng), affine()), regions=(lung, lesion))
    return replace(
        outcome_of(part),
        decision=Decision(method="one picture", findings=(finding,)),
        verdicts=(Verdict(gate="output", verdict="doubted", subject="name_of_a_patient", reason="area 0.9 above 0.5"),),
        context=PatientContext(age_years=57.5, sex="female"),
    )


@pytest.fixture
def bundle(case: Outcome) -> dict[str, Any]:
    return json.loads(fhir_bundle(case, "1 skin lesion found.", Options()))


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def observed(bundle: dict[str, Any], text: str) -> dict[str, Any]:
    (found,) = [o for o in resources(bundle, "Observation") if o["code"]["text"] == text]
    return found


def component(observation: dict[str, Any], text: str) -> dict[str, Any]:
    (found,) = [c for c in observation["component"] if c["code"]["text"] == text]
    return found


def strange(value: Any, kind: str, at: str) -> Iterator[str]:
    """Elements of ``value`` that R4 does not have in the type ``kind``."""
    if kind == "Resource":
        kind = value["resourceType"]
    known = dict(word.partition(":")[::2] for word in ELEMENTS[kind].split())
    for name, below in value.items():
        if name not in known and name != "resourceType":
            yield f"{at}.{name}"
        for item in below if isinstance(below, list) else [below]:
            if isinstance(item, dict):
                assert known.get(name), f"{at}.{name}: its type is not in the table"
                yield from strange(item, known[name], f"{at}.{name}")


def test_every_element_is_one_that_r4_has(bundle: dict[str, Any]) -> None:
    assert list(strange(bundle, "Bundle", "Bundle")) == []
    assert {e["resource"]["resourceType"] for e in bundle["entry"]} == {"DiagnosticReport", "Patient", "Device", "ImagingStudy", "Observation"}


def test_the_table_of_r4_tells_what_is_not_in_it() -> None:
    later = {"resourceType": "ImagingStudy", "status": "available", "partOf": [{"reference": "x"}], "subject": {"reference": "y", "type": "z"}}
    with pytest.raises(AssertionError, match="partOf"):
        list(strange(later, "ImagingStudy", "ImagingStudy"))
    assert list(strange({"resourceType": "Observation", "triggeredBy": "x"}, "Observation", "o")) == ["o.triggeredBy"]


def test_another_reader_takes_it(case: Outcome, bundle: dict[str, Any]) -> None:
    read = Bundle.model_validate_json(fhir_bundle(case, "1 skin lesion found.", Options()))
    assert [e.resource.get_resource_type() for e in read.entry] == [e["resource"]["resourceType"] for e in bundle["entry"]]


def test_numbers_are_the_same_bit_by_bit(case: Outcome, bundle: dict[str, Any]) -> None:
    lung = observed(bundle, "measurements of left lung")
    told = {c["code"]["coding"][0]["code"]: c for c in lung["component"]}
    measured = {f.name: f for f in case.regions[0].features if f.family != "glcm"}
    assert told.keys() == measured.keys()
    for name, f in measured.items():
        if f.nan_reason:
            assert told[name]["dataAbsentReason"]["text"] == f.nan_reason
            assert told[name]["dataAbsentReason"]["coding"][0]["code"] == "not-a-number"
            assert "valueQuantity" not in told[name]
        else:
            assert float(told[name]["valueQuantity"]["value"]).hex() == f.value.hex()
    assert observed(bundle, "probability of melanoma")["valueQuantity"]["value"] == MELANOMA.probability
    assert component(observed(bundle, "skin lesion"), "probability of a lesion")["valueQuantity"]["value"] == 0.93
    assert component(observed(bundle, "skin lesion"), "evidence of face")["dataAbsentReason"]["text"] == "does not exist"


def test_units_are_ucum(bundle: dict[str, Any]) -> None:
    lung = observed(bundle, "measurements of left lung")
    codes = {c["code"]["text"]: c["valueQuantity"]["code"] for c in lung["component"] if "valueQuantity" in c}
    assert (codes["volume"], codes["maximum diameter"], codes["mean"], codes["area"]) == ("mL", "mm", "[hnsf'U]", "{px2}")
    quantities = re.findall(r'"valueQuantity": \{[^}]*?"value"[^\]]*?\}', json.dumps(bundle))
    assert quantities
    assert component(lung, "mean")["valueQuantity"]["unit"] == "HU"
    assert all('"system": "http://unitsofmeasure.org"' in q for q in quantities)
    ibsi = component(lung, "volume")["code"]["coding"][1]
    assert ibsi == {"system": "urn:oid:1.2.840.10008.2.16.13", "code": "RNU0"}


def test_a_side_is_part_of_the_code(bundle: dict[str, Any]) -> None:
    site = observed(bundle, "measurements of left lung")["bodySite"]
    assert site["coding"][0]["code"] == "39607008:272741003=7771000"
    assert site["text"] == "left lung"


def test_a_finding_says_where_it_is_and_rests_on_its_measurements(bundle: dict[str, Any]) -> None:
    urls = {e["fullUrl"]: e["resource"] for e in bundle["entry"]}
    finding = observed(bundle, "skin lesion")
    assert finding["bodySite"] == {"text": "left cheek"}
    assert finding["valueCodeableConcept"]["coding"][0]["code"] == "52101004"
    (measured,) = (urls[r["reference"]] for r in finding["derivedFrom"])
    assert measured["code"]["text"] == "measurements of skin lesion"
    assert urls[measured["derivedFrom"][0]["reference"]]["resourceType"] == "ImagingStudy"
    melanoma = observed(bundle, "probability of melanoma")
    assert urls[melanoma["derivedFrom"][0]["reference"]] == finding
    assert [c["valueQuantity"]["value"] for c in melanoma["component"]] == [0.15, 0.34]
    assert "of 400 pictures" in [n["text"] for n in melanoma["note"]]


def test_every_reference_leads_to_a_resource_and_the_report_to_all_observations(bundle: dict[str, Any]) -> None:
    urls = [e["fullUrl"] for e in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert all(url.startswith("urn:uuid:") for url in urls)
    assert set(re.findall(r'"reference": "([^"]*)"', json.dumps(bundle))) <= set(urls)
    (report,) = resources(bundle, "DiagnosticReport")
    assert len(report["result"]) == len(resources(bundle, "Observation"))
    assert report["status"] == "preliminary"
    assert report["code"]["coding"][0]["code"] == "18748-4"


def test_the_report_tells_what_a_gate_doubts_and_what_it_is_for(bundle: dict[str, Any]) -> None:
    lines = resources(bundle, "DiagnosticReport")[0]["conclusion"].split("\n")
    assert lines == ["1 skin lesion found.", "Output gate, doubted: area 0.9 above 0.5.", "For research use. Not a medical device."]
    for observation in resources(bundle, "Observation"):
        assert observation["note"][0]["text"] == "For research use. Not a medical device."


def test_a_server_creates_each_resource_once(bundle: dict[str, Any]) -> None:
    assert bundle["type"] == "transaction"
    for entry in bundle["entry"]:
        name = entry["resource"]["identifier"][0]
        assert entry["request"] == {
            "method": "POST", "url": entry["resource"]["resourceType"], "ifNoneExist": f"identifier={name['system']}|{name['value']}",
        }  # fmt: skip


def test_age_and_sex_are_told_and_nothing_that_names(case: Outcome, bundle: dict[str, Any]) -> None:
    (patient,) = resources(bundle, "Patient")
    assert patient["gender"] == "female"
    assert patient.keys() == {"resourceType", "identifier", "gender"}
    age = observed(bundle, "age")
    assert (age["valueQuantity"]["value"], age["valueQuantity"]["code"], age["code"]["coding"][0]["code"]) == (57.5, "a", "30525-0")
    assert "name_of_a_patient" not in json.dumps(bundle)
    old = observed(json.loads(fhir_bundle(replace(case, context=PatientContext(age_years=97)), "", Options())), "age")["valueQuantity"]
    assert (old["value"], old["comparator"]) == (89.0, ">")
    plain = json.loads(fhir_bundle(replace(case, context=PatientContext()), "", Options()))
    assert "gender" not in resources(plain, "Patient")[0]
    assert "30525-0" not in json.dumps(plain)


@pytest.mark.parametrize("source", ["DICOM", "NIfTI"])
def test_the_study_is_the_one_of_the_segmentation(source: str, rng: np.random.Generator, tmp_path: Path) -> None:
    instances = write_series(tmp_path / "source", affine()) if source == "DICOM" else ()
    outcome = outcome_of(part_of(label_map(rng), affine(), instances))
    seg = pydicom.dcmread(write_seg(outcome.parts[0], outcome, tmp_path, Options())[0])
    text = fhir_bundle(outcome, "", Options()).decode()
    (study,) = resources(json.loads(text), "ImagingStudy")
    assert study["identifier"][0]["value"] == f"urn:oid:{seg.StudyInstanceUID}"
    images, segmentation = study["series"]
    assert images["uid"] == seg.ReferencedSeriesSequence[0].SeriesInstanceUID
    assert (images["numberOfInstances"], images["modality"]["code"]) == (5, "CT")
    assert (segmentation["uid"], segmentation["modality"]["code"]) == (seg.SeriesInstanceUID, "SEG")
    assert (study["numberOfInstances"], study["numberOfSeries"], study["status"]) == (6, 2, "available")
    for secret in ("PID-4711", "Müller", "19610203", "1961-02-03", "20200102"):  # none that the digits of a UID could hold by chance
        assert secret not in text
    (alone,) = resources(json.loads(fhir_bundle(outcome, "", Options(segmentation_object=False))), "ImagingStudy")
    assert alone["numberOfSeries"] == 1
    assert alone["status"] == ("available" if source == "DICOM" else "unknown")


def test_the_same_case_gives_the_same_bytes_and_another_run_other_resources_of_the_same_patient(case: Outcome) -> None:
    text = fhir_bundle(case, "x", Options())
    assert text == fhir_bundle(case, "x", Options())
    later = replace(case, provenance=replace(case.provenance, created="2027-01-01T00:00:00Z"))
    first, second = json.loads(text), json.loads(fhir_bundle(later, "x", Options()))
    assert resources(first, "Patient") == resources(second, "Patient")
    assert not {e["fullUrl"] for e in first["entry"]} & {
        e["fullUrl"] for e in second["entry"] if e["resource"]["resourceType"] not in ("Patient", "ImagingStudy")
    }


def test_an_assessment_of_a_whole_image_and_of_an_organ_are_told_once_each(case: Outcome) -> None:
    pneumonia = replace(MELANOMA, task="pneumonia", basis="")
    lung, lesion = case.parts[0].regions
    part = replace(case.parts[0], regions=(replace(lung, assessments=(pneumonia,)), lesion), assessments=(replace(pneumonia, task="effusion"),))
    told = json.loads(fhir_bundle(replace(case, parts=(part,)), "", Options()))
    texts = [o["code"]["text"] for o in resources(told, "Observation")]
    assert sorted(t for t in texts if t.startswith("probability")) == [f"probability of {t}" for t in ("effusion", "melanoma", "pneumonia")]


def test_key_frames_of_a_clip_give_findings_without_an_imaging_study(case: Outcome) -> None:
    part = replace(case.parts[0], frame=12, labels=None)
    told = json.loads(fhir_bundle(replace(case, parts=(part,)), "", Options()))
    assert resources(told, "ImagingStudy") == []
    assert "derivedFrom" not in observed(told, "measurements of skin lesion")
    assert SOURCE not in json.dumps(told)
    assert list(strange(told, "Bundle", "Bundle")) == []


def test_a_refused_input_gives_a_report_that_says_so(case: Outcome) -> None:
    refused = Verdict(gate="input", verdict="refused", subject="x", reason="gap after slice 3")
    told = json.loads(fhir_bundle(replace(case, parts=(), decision=Decision(method="none"), verdicts=(refused,)), "Nothing was read.", Options()))
    (report,) = resources(told, "DiagnosticReport")
    assert report["conclusion"].split("\n")[:2] == ["Nothing was read.", "Input gate, refused: gap after slice 3."]
    assert "imagingStudy" not in report
