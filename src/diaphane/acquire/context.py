"""What is told of the patient beside the images; whatever names a person is not kept.

Source: HL7 FHIR R4, resource Patient (birthDate, gender).
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from diaphane.core.case import OLDEST, PatientContext
from diaphane.core.storage import reading
from diaphane.errors import InputError

MAX_BYTES = 2**20
GENDERS = ("female", "male", "other")


def read_context(path: Path) -> PatientContext:
    """Age and sex from ``{"age_years": 54, "sex": "female"}`` or a FHIR Patient (age at today's date, in whole years).

    Raises:
        InputError: The file is missing, not JSON, of another form, or a value is out of range.
    """
    with reading(path):
        if not path.is_file():
            raise InputError(f"{path}: no such file; give a JSON file with age_years and sex, or a FHIR Patient")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: a patient context has at most {MAX_BYTES} bytes")
        data = path.read_bytes()
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{path}: not JSON; expected age_years and sex, or a FHIR Patient") from problem
    if isinstance(document, dict) and "resourceType" in document:
        return _from_fhir(path, document, datetime.now(UTC).date())
    return _own_form(path, document)


def _own_form(path: Path, document: object) -> PatientContext:
    """Messages name keys and never a value: it may be a name."""
    if not isinstance(document, dict) or not document.keys() <= {"age_years", "sex"}:
        raise InputError(f"{path}: expected an object with age_years and sex and no other key, or a FHIR Patient")
    age, sex = document.get("age_years"), document.get("sex")
    if age is not None and (isinstance(age, bool) or not isinstance(age, int | float) or not 0 <= age <= OLDEST):
        raise InputError(f"{path}: age_years must be a number between 0 and {OLDEST}")
    if sex is not None and sex not in GENDERS:
        raise InputError(f"{path}: sex must be one of {', '.join(GENDERS)}")
    return PatientContext(age_years=None if age is None else float(age), sex=sex)


def _from_fhir(path: Path, patient: dict[str, Any], today: date) -> PatientContext:
    if patient["resourceType"] != "Patient":
        raise InputError(f"{path}: the FHIR resource must be a Patient; give that of the patient alone")
    gender = patient.get("gender")
    if gender not in (None, "unknown", *GENDERS):
        raise InputError(f"{path}: gender must be one of {', '.join(GENDERS)}, unknown")
    return _own_form(path, {"age_years": _age(path, patient.get("birthDate"), today), "sex": None if gender == "unknown" else gender})


def _age(path: Path, stated: object, today: date) -> float | None:
    """Whole years; a birth date without month or day counts from the first day of it."""
    if stated is None:
        return None
    try:
        year, month, day = (*map(int, str(stated).split("-")), 1, 1)[:3]
        born = date(year, month, day)
    except ValueError as problem:
        raise InputError(f"{path}: birthDate must be a date as YYYY-MM-DD, YYYY-MM or YYYY") from problem
    if born > today:
        raise InputError(f"{path}: birthDate lies in the future")
    return float(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))
