from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")

from diaphane.ops.picture import write_png
from diaphane.train.zoo.more import blacked_out, whole_lung


def test_finding_is_compared_with_the_whole_lung_over_pictures_that_show_it(tmp_path: Path) -> None:
    rows, cases = [], []
    for n in range(6):
        lungs = np.zeros((20, 20), np.uint8)
        lungs[4:16, 2:8], lungs[4:16, 12:18] = 1, 2
        finding = np.zeros((20, 20), np.uint8)
        if n < 5:
            finding[4:10, 2:8] = 1  # a quarter of both lungs: Dice 2 * 36 / (36 + 144) = 0.4
        if n == 0:
            finding[0:4, 2:8] = 2  # outside the lungs
        write_png(tmp_path / f"data/cxr_lungs/lung_masks/{n}.png", lungs)
        write_png(tmp_path / f"work/data/lung_findings/finding_masks/{n}.png", finding)
        rows.append([f"images/{n}.jpg", f"finding_masks/{n}.png", str(n)])
        cases += [{"case": str(n), "label": label, "dice": 0.5 + 0.02 * n} for label in ("ground glass opacity", "consolidation")]
    with (tmp_path / "work/data/lung_findings/index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "mask", "patient"], *rows])
    (tmp_path / "work/lung_findings").mkdir()
    (tmp_path / "work/lung_findings/metrics.json").write_text(json.dumps({"cases": cases}))
    figures, section = whole_lung(tmp_path / "data", tmp_path / "work")
    found = figures["beside_whole_lung"]["ground glass opacity"]
    assert found["network"]["mean"] == pytest.approx(0.54)
    assert found["whole_lung"]["mean"] == pytest.approx(0.4)
    assert found["difference"]["ci95"][0] > 0.1
    assert found["network"]["count"] == 5
    assert figures["truth_outside_the_lungs"] == {"ground glass opacity": 0.0, "consolidation": 1.0}
    assert "| ground glass opacity | 5 | 0.540" in section
    assert "of consolidation 100% of the marked area lies outside the lungs" in section


def test_what_is_left_without_lungs_stands_beside_what_there_is_with_them(tmp_path: Path) -> None:
    for name, mean in (("pneumonia", 0.7), ("pneumonia_blacked", 0.6)):
        (tmp_path / name).mkdir()
        found = {"summary": {"all classes": {"auc": {"mean": mean, "ci95": [mean - 0.05, mean + 0.05], "count": 9}}}}
        (tmp_path / name / "metrics.json").write_text(json.dumps(found))
    figures, section = blacked_out(tmp_path, tmp_path)
    assert figures["auc"]["lungs"]["mean"] == 0.7
    assert figures["auc"]["lungs_blacked_out"]["mean"] == 0.6
    assert "AUC 0.600 (0.550 to 0.650); with\nthem 0.700 (0.650 to 0.750)" in section
