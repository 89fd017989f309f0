"""Elements that FHIR R4 (4.0.1) has in the types that the bundle uses, and the complex type behind each that is used too."""

from __future__ import annotations

RESOURCE = "id implicitRules language meta "
DOMAIN = RESOURCE + "contained extension modifierExtension text "
BACKBONE = "id extension modifierExtension "
ELEMENTS: dict[str, str] = {
    "Bundle": RESOURCE + "entry:Bundle.entry identifier:Identifier link signature timestamp total type",
    "Bundle.entry": BACKBONE + "fullUrl link request:Bundle.entry.request resource:Resource response search",
    "Bundle.entry.request": BACKBONE + "ifMatch ifModifiedSince ifNoneExist ifNoneMatch method url",
    "DiagnosticReport": DOMAIN
    + "basedOn:Reference category:CodeableConcept code:CodeableConcept conclusion conclusionCode:CodeableConcept effectiveDateTime effectivePeriod "
    "encounter:Reference identifier:Identifier imagingStudy:Reference issued media performer:Reference presentedForm result:Reference "
    "resultsInterpreter:Reference specimen:Reference status subject:Reference",
    "Patient": DOMAIN
    + "active address birthDate communication contact deceasedBoolean deceasedDateTime gender generalPractitioner:Reference identifier:Identifier link "
    "managingOrganization:Reference maritalStatus:CodeableConcept multipleBirthBoolean multipleBirthInteger name photo telecom",
    "Device": DOMAIN
    + "contact definition:Reference deviceName:Device.deviceName distinctIdentifier expirationDate identifier:Identifier location:Reference lotNumber "
    "manufactureDate manufacturer modelNumber note:Annotation owner:Reference parent:Reference partNumber patient:Reference property "
    "safety:CodeableConcept serialNumber specialization status statusReason:CodeableConcept type:CodeableConcept udiCarrier url version:Device.version",
    "Device.deviceName": BACKBONE + "name type",
    "Device.version": BACKBONE + "component:Identifier type:CodeableConcept value",
    "ImagingStudy": DOMAIN
    + "basedOn:Reference description encounter:Reference endpoint:Reference identifier:Identifier interpreter:Reference location:Reference modality:Coding "
    "note:Annotation numberOfInstances numberOfSeries procedureCode:CodeableConcept procedureReference:Reference reasonCode:CodeableConcept "
    "reasonReference:Reference referrer:Reference series:ImagingStudy.series started status subject:Reference",
    "ImagingStudy.series": BACKBONE
    + "bodySite:Coding description endpoint:Reference instance laterality:Coding modality:Coding number numberOfInstances performer specimen:Reference "
    "started uid",
    "Observation": DOMAIN + "basedOn:Reference bodySite:CodeableConcept category:CodeableConcept code:CodeableConcept component:Observation.component "
    "dataAbsentReason:CodeableConcept derivedFrom:Reference device:Reference effectiveDateTime effectiveInstant effectivePeriod effectiveTiming "
    "encounter:Reference focus:Reference hasMember:Reference identifier:Identifier interpretation:CodeableConcept issued method:CodeableConcept "
    "note:Annotation partOf:Reference performer:Reference referenceRange specimen:Reference status subject:Reference valueBoolean "
    "valueCodeableConcept:CodeableConcept valueDateTime valueInteger valuePeriod valueQuantity:Quantity valueRange valueRatio valueSampledData "
    "valueString valueTime",
    "Observation.component": BACKBONE + "code:CodeableConcept dataAbsentReason:CodeableConcept interpretation:CodeableConcept referenceRange valueBoolean "
    "valueCodeableConcept:CodeableConcept valueDateTime valueInteger valuePeriod valueQuantity:Quantity valueRange valueRatio valueSampledData "
    "valueString valueTime",
    "Identifier": "id extension assigner:Reference period system type:CodeableConcept use value",
    "CodeableConcept": "id extension coding:Coding text",
    "Coding": "id extension code display system userSelected version",
    "Quantity": "id extension code comparator system unit value",
    "Reference": "id extension display identifier:Identifier reference type",
    "Annotation": "id extension authorReference:Reference authorString text time",
}
