from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from diaphane.core.finding import Assessment, Decision
from diaphane.core.outcome import Outcome, Preparation
from diaphane.core.recipe import LabelRecipe
from diaphane.core.verdict import Verdict
from diaphane.report import Options, compose
from diaphane.report.cases import CaseRow, row_of, write_cases
from diaphane.report.html import number, percent
from diaphane.report.words import summary_of
from diaphane.view import Options as ViewOptions
from diaphane.view import export

BASIS = "the picture as a whole; not calibrated"


def text_of(outcome: Outcome, folder: Path) -> str:
    (path,) = compose(outcome, folder, Options(segmentation_object=False, fhir=False))
    return path.read_text(encoding="utf-8")


def with_main(outcome: Outcome, **changes: object) -> Outcome:
    return replace(outcome, parts=(replace(outcome.parts[0], **changes), *outcome.parts[1:]))


def test_report_says_probability_interval_measurements_and_doubts(outcome: Outcome, tmp_path: Path) -> None:
    text = text_of(outcome, tmp_path)
    for words in (
        "melanoma probability 23 % (95 % interval 15 % to 34 %)",
        "odd area",
        "<b>doubted</b>",
        "px²",
        "Depth",
        "no model for this",
        "+0.80",
        "shape",
    ):
        assert words in text, words
    assert len(re.findall("data:image/png;base64,", text)) == 3


def test_names_from_outside_are_escaped(outcome: Outcome, tmp_path: Path) -> None:
    name = "<script>alert(1)</script>"
    findings = tuple(replace(f, image=name) for f in outcome.decision.findings)
    hostile = replace(with_main(outcome, image=replace(outcome.parts[0].image, name=name)), name=name, decision=replace(outcome.decision, findings=findings))
    text = text_of(hostile, tmp_path)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_report_is_the_same_bytes_twice(outcome: Outcome, tmp_path: Path) -> None:
    assert text_of(outcome, tmp_path) == text_of(outcome, tmp_path)


def test_outcome_without_a_model_has_a_report_that_says_so(outcome: Outcome, tmp_path: Path) -> None:
    nothing = replace(with_main(outcome, labels=None, regions=(), modality=""), decision=Decision(method="none"))
    assert "No model here is made for this kind of image" in text_of(nothing, tmp_path)
    assert export(nothing, tmp_path, ViewOptions()) == ()
    assert row_of(nothing, "n").thumbnail is None


def test_what_a_network_says_of_the_whole_picture_is_told_with_what_it_is(outcome: Outcome, tmp_path: Path) -> None:
    two = tuple(
        Assessment(task=task, probability=p, interval95=(math.nan, math.nan), bundle="chest", basis=BASIS, caution="It goes by the kind of film")
        for task, p in (("pneumonia", 0.63), ("no finding", 0.37))
    )
    judged = with_main(outcome, assessments=two)
    (path, *_) = compose(judged, tmp_path, Options(segmentation_object=False))
    text = path.read_text(encoding="utf-8")
    told = "The picture as a whole: pneumonia 63 %, no finding 37 %, the network&#39;s own probability (&#39;chest&#39;), not calibrated."
    sentence = f"{told} It goes by the kind of film."
    for words in (
        sentence,
        "<h2>The picture as a whole</h2>",
        '<div class="verdict doubted">It goes by the kind of film.</div>',
        "<h3>Pneumonia</h3>",
        "by <code>chest</code>; no interval is known",
        "not how often it is right",
    ):
        assert words in text, words
    assert "nan" not in text.replace("nanometre", "")
    row = row_of(judged, "n")
    assert (row.numbers["pneumonia_probability"], row.numbers["no_finding_probability"]) == (0.63, 0.37)
    told = [o["resource"] for o in json.loads((tmp_path / "fhir.json").read_text())["entry"]]
    (observed,) = [o for o in told if o.get("code", {}).get("text") == "probability of pneumonia"]
    assert observed["valueQuantity"]["value"] == 0.63
    assert {n["text"] for n in observed["note"]} >= {BASIS}


def test_picture_that_is_judged_and_not_segmented_is_told_so(outcome: Outcome, tmp_path: Path) -> None:
    a = Assessment(task="otter", probability=0.9, interval95=(math.nan, math.nan), bundle="animals", basis=BASIS)
    judged = replace(with_main(outcome, labels=None, regions=(), modality="", assessments=(a,)), decision=Decision(method="none"))
    text = text_of(judged, tmp_path)
    assert "The picture as a whole: otter 90 %" in text
    assert "No model here outlines anything in this kind of image: nothing was segmented or measured." in text
    assert "nothing was segmented, measured or assessed" not in text


def test_findings_are_counted_in_english(outcome: Outcome) -> None:
    (one,) = outcome.decision.findings

    def told(*labels: str) -> str:
        findings = tuple(replace(one, id=n, label=label, assessments=()) for n, label in enumerate(labels, start=1))
        return summary_of(replace(outcome, decision=replace(outcome.decision, findings=findings)))[0]

    assert told() == "No lesion was found."
    assert [told("skin lesion"), told("skin lesion", "skin lesion")] == ["1 skin lesion found.", "2 skin lesions found."]
    assert [told("ground glass"), told("ground glass", "ground glass")] == ["1 region of ground glass found.", "2 regions of ground glass found."]
    assert told("ground glass", "consolidation") == "2 lesions found."


def test_structures_of_which_none_was_seen_are_named(outcome: Outcome) -> None:
    labels = outcome.parts[0].labels
    assert labels is not None
    table = tuple(LabelRecipe(value=n, name=name, role="anatomy") for n, name in enumerate(("left lung", "right lung"), start=1))
    unseen = with_main(outcome, labels=replace(labels, array=np.zeros_like(labels.array), table=table), regions=())
    assert summary_of(replace(unseen, decision=Decision(method="none"))) == ["Not seen: left lung.", "Not seen: right lung."]


def test_exit_code_is_the_gates_word(outcome: Outcome) -> None:
    assert outcome.exit_code == 4
    assert replace(outcome, verdicts=()).exit_code == 0
    refused = Verdict(gate="input", verdict="refused", subject="x", reason="y")
    assert replace(outcome, verdicts=(refused,)).exit_code == 3


def test_table_over_cases_keeps_failures_and_quotes_names(outcome: Outcome, tmp_path: Path) -> None:
    rows = [row_of(outcome, "a"), CaseRow(name='b,"c"', error="damaged, truly")]
    write_cases(rows, tmp_path)
    with (tmp_path / "cases.csv").open() as file:
        back = list(csv.DictReader(file))
    assert [r["case"] for r in back] == ["a", 'b,"c"']
    assert float(back[0]["melanoma_probability"]) == 0.234
    assert back[1]["error"] == "damaged, truly"
    assert back[1]["exit_code"] == "1"
    assert "odd area" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_numbers_read_as_people_write_them() -> None:
    assert [percent(p) for p in (0.0001, 0.23, 0.9999)] == ["< 1 %", "23 %", "> 99 %"]
    assert [number(v) for v in (0, 1234.5, 0.1234, 0.00001, math.nan)] == ["0", "1\u202f234", "0.123", "1.00e-05", "-"]


def test_what_the_network_saw_is_shown_with_what_was_done(outcome: Outcome, tmp_path: Path) -> None:
    assert "What the network saw" not in text_of(outcome, tmp_path)
    shown = Preparation(("brought to 192 x 144 pixels", "scaled & cut"), np.zeros((40, 60, 3), np.uint8))
    text = text_of(with_main(outcome, preparation=shown), tmp_path)
    assert text.count("What the network saw") == 1
    assert re.search(r"<li>brought to 192 x 144 pixels</li>\s*<li>scaled &amp; cut</li>", text)
    assert len(re.findall("data:image/png;base64,", text)) == 4
