"""What a structure's name means in SNOMED CT, for DICOM and FHIR alike.

Codes are taken from DICOM PS3.16 through pydicom's dictionary; a name that is not in the table stays this project's own word.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

PRIVATE = "99DIAPHANE"
"""Coding scheme of names without a code; DICOM keeps designators that begin with 99 for private use."""
SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "IBSI": "urn:oid:1.2.840.10008.2.16.13",
    PRIVATE: "urn:diaphane:names",
}
"""DICOM's designator of a coding scheme to FHIR's URI."""
_SCT = codes.SCT
SIDES = {"left": _SCT.Left, "right": _SCT.Right}
STRUCTURES: dict[str, Code] = {
    "adrenal gland": _SCT.AdrenalGland, "aorta": _SCT.Aorta, "bone": _SCT.Bone, "brachiocephalic trunk": _SCT.BrachiocephalicTrunk,
    "brachiocephalic vein": _SCT.BrachiocephalicVein, "brain": _SCT.Brain, "clavicle": _SCT.Clavicle, "colon": _SCT.Colon,
    "common carotid artery": _SCT.CommonCarotidArtery, "costal cartilages": _SCT.CostalCartilage, "cranial cavity": _SCT.CranialCavity,
    "duodenum": _SCT.Duodenum, "esophagus": _SCT.Esophagus,
    "face": _SCT.Face, "femur": _SCT.Femur, "gallbladder": _SCT.Gallbladder, "head": _SCT.Head, "head cavity": _SCT.CranialCavity,
    "heart": _SCT.Heart, "hippocampus": _SCT.Hippocampus, "humerus": _SCT.Humerus, "inferior vena cava": _SCT.InferiorVenaCava,
    "intracranial cavity": _SCT.CranialCavity, "kidney": _SCT.Kidney, "liver": _SCT.Liver, "lung": _SCT.Lung, "lung lower lobe": _SCT.LowerLobeOfLung,
    "lung middle lobe": _SCT.StructureOfMiddleLobeOfLung, "lung upper lobe": _SCT.UpperLobeOfLung, "pancreas": _SCT.Pancreas,
    "portal vein": _SCT.PortalVein, "prostate": _SCT.Prostate, "rib": _SCT.Rib, "sacrum": _SCT.Sacrum, "scapula": _SCT.Scapula,
    "skin": _SCT.Skin, "skull": _SCT.Skull, "small bowel": _SCT.SmallIntestine, "spinal cord": _SCT.SpinalCord, "spleen": _SCT.Spleen,
    "sternum": _SCT.Sternum, "stomach": _SCT.Stomach, "superior vena cava": _SCT.SuperiorVenaCava, "thyroid gland": _SCT.Thyroid,
    "trachea": _SCT.Trachea, "urinary bladder": _SCT.Bladder, "vertebra": _SCT.Vertebra,
}  # fmt: skip
VERTEBRAE = [f"{part}{n}" for part, count in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, count + 1)]
STRUCTURES |= {f"vertebrae {v.lower()}": getattr(_SCT, f"{v}Vertebra") for v in VERTEBRAE}
LESION_REGIONS = {"skin lesion": _SCT.Skin, "face lesion": _SCT.SkinOfFace}
"""Where a lesion of this name lies."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A structure in codes."""

    category: Code
    type: Code
    side: Code | None = None
    region: Code | None = None
    """The anatomic region that a lesion lies in; None for anatomy."""


def coded(name: str, role: str) -> Coded:
    """The codes of a label's name: ``left lung``, ``kidney_right`` and ``Liver`` are all understood.

    A side is told apart only where the rest of the name is in the table; else the whole name is a private code.
    """
    words = name.lower().replace("_", " ").split()
    if role == "lesion":
        region = LESION_REGIONS.get(" ".join(words))
        return Coded(_SCT.MorphologicallyAbnormalStructure, _SCT.Lesion if region else private(name), None, region)
    sides = [w for w in words if w in SIDES]
    structure = STRUCTURES.get(" ".join(w for w in words if w not in SIDES))
    if structure is None or len(sides) > 1:
        return Coded(_SCT.AnatomicalStructure, private(name))
    return Coded(_SCT.AnatomicalStructure, structure, SIDES[sides[0]] if sides else None)


def private(name: str) -> Code:
    """This project's own word: a code of at most 16 characters, as DICOM wants it (the end of a longer one is its hash), and the name as its meaning."""
    meaning = plain(name)
    word = meaning.upper().replace(" ", "_")
    return Code(word if len(word) <= 16 else f"{word[:7]}_{sha256(word.encode()).hexdigest()[:8]}", PRIVATE, meaning)


def plain(name: str) -> str:
    """A name that DICOM can hold in one value of at most 64 characters."""
    return " ".join(name.replace("\\", "/").split())[:64].strip()
