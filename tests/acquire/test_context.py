from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from diaphane.acquire import read_context
from diaphane.core.case import PatientContext
from diaphane.errors import InputError

TODAY = datetime.now(UTC).date()


def saved(tmp_path: Path, document: object) -> Path:
    path = tmp_path / "patient.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_own_form(tmp_path: Path) -> None:
    assert read_context(saved(tmp_path, {"age_years": 54, "sex": "female"})) == PatientContext(age_years=54.0, sex="female")
    assert read_context(saved(tmp_path, {})) == PatientContext()


def test_fhir_patient_gives_whole_years_and_nothing_that_names(tmp_path: Path) -> None:
    had, has_not = TODAY.replace(year=TODAY.year - 40, day=1), TODAY.replace(year=TODAY.year - 40 + 1, month=12, day=31)
    patient = {"resourceType": "Patient", "name": [{"family": "Mustermann"}], "gender": "male", "birthDate": had.isoformat()}
    context = read_context(saved(tmp_path, patient))
    assert context == PatientContext(age_years=40.0, sex="male")
    assert "Mustermann" not in repr(context)
    expected = 39.0 if (TODAY.month, TODAY.day) == (12, 31) else 38.0
    assert read_context(saved(tmp_path, patient | {"birthDate": has_not.isoformat(), "gender": "unknown"})) == PatientContext(age_years=expected)
    assert read_context(saved(tmp_path, patient | {"birthDate": str(TODAY.year - 7)})).age_years == 7.0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not JSON"),
        ([1], "expected an object with age_years and sex"),
        ({"name": "Mustermann", "sex": "male"}, "no other key"),
        ({"age_years": "Mustermann"}, "age_years must be a number between 0 and 130"),
        ({"age_years": 131}, "age_years must be a number between 0 and 130"),
        ({"age_years": True}, "age_years must be a number"),
        ({"sex": "Mustermann"}, "sex must be one of female, male, other"),
        ({"resourceType": "Bundle"}, "must be a Patient"),
        ({"resourceType": "Patient", "gender": "Mustermann"}, "gender must be one of"),
        ({"resourceType": "Patient", "birthDate": "Mustermann"}, "birthDate must be a date"),
        ({"resourceType": "Patient", "birthDate": "2999-01-01"}, "lies in the future"),
    ],
)
def test_other_documents_are_refused_without_repeating_a_value(tmp_path: Path, document: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as problem:
        read_context(saved(tmp_path, document))
    assert "Mustermann" not in str(problem.value)


def test_missing_and_huge_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; give a JSON file"):
        read_context(tmp_path / "none.json")
    with pytest.raises(InputError, match="at most 1048576 bytes"):
        read_context(saved(tmp_path, " " * (2**20 + 1)))
