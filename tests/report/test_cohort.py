"""Many cases as one group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from diaphane.report.cases import CaseRow, write_cases
from diaphane.report.cohort import distributions, failures, modified_z_scores


def rows_of(values: list[float]) -> list[CaseRow]:
    return [CaseRow(name=f"case{n}", exit_code=0, numbers={"area_px2": value}) for n, value in enumerate(values)]


def test_scores_are_those_of_scipys_scaled_median_absolute_deviation() -> None:
    values = np.random.default_rng(0).normal(5, 3, 101)
    expected = (values - np.median(values)) / stats.median_abs_deviation(values, scale="normal")
    np.testing.assert_allclose(modified_z_scores(values), expected, rtol=1e-4)


def test_case_far_from_the_others_is_named_and_no_other() -> None:
    (found,) = distributions(rows_of([*np.linspace(90, 110, 30), 500.0, -200.0]))
    assert [(o.case, o.value) for o in found.outliers] == [("case30", 500.0), ("case31", -200.0)]
    assert found.outliers[0].score > 3.5 > 0 > found.outliers[1].score
    assert found.count == 32
    assert found.median == pytest.approx(100)
    assert found.extremes == (-200, 500)
    assert max(found.bars) == 1
    assert found.outliers[0].link == "case30/report.html"


def test_equal_values_have_no_outliers() -> None:
    (found,) = distributions(rows_of([3.0] * 20 + [9.0]))
    assert found.outliers == ()
    assert found.median == 3


def test_nine_cases_are_too_few_and_missing_values_do_not_count() -> None:
    assert distributions(rows_of([1.0] * 9)) == []
    assert distributions(rows_of([1.0] * 9 + [float("nan")])) == []


def test_failures_that_differ_in_numbers_are_one_kind_the_most_frequent_first() -> None:
    rows = [
        CaseRow(name="a", error="/a.png: is not a picture"),
        CaseRow(name="b", exit_code=4, doubts=("doubted by the output gate: 3 parts of 12.5 px",)),
        CaseRow(name="c", exit_code=4, doubts=("doubted by the output gate: 14 parts of 2 px",)),
        CaseRow(name="d", exit_code=0),
    ]
    found = failures(rows)
    assert [(f.what, f.cases) for f in found] == [
        ("doubted by the output gate: # parts of # px", (("b", "b/report.html"), ("c", "c/report.html"))),
        ("failed: is not a picture", (("a", ""),)),
    ]


def test_page_over_all_shows_both_and_escapes_names(tmp_path: Path) -> None:
    rows = [*rows_of([*np.linspace(90, 110, 12).tolist(), 900.0]), CaseRow(name="<b>", error="x.png: <script> is not a picture")]
    write_cases(rows, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "What did not work" in page
    assert "<script>" not in page
    assert "&lt;script&gt; is not a picture" in page
    assert page.count("<rect") == 24
    assert 'href="case12/report.html">case12</a> (900)' in page


def test_page_over_a_few_cases_has_neither(tmp_path: Path) -> None:
    write_cases(rows_of([1.0, 2.0]), tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "How the numbers are spread" not in page
    assert "What did not work" not in page


def test_values_that_differ_by_rounding_alone_are_drawn_as_one() -> None:
    (found,) = distributions(rows_of([0.1 + 0.2, 0.3] * 6))
    assert sum(found.bars) == 1
    assert found.outliers == ()
