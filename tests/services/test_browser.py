"""The report in a real browser: headless Chromium through Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.services.browser import opened

from diaphane.core.arrays import BoolArray
from diaphane.pipeline import run

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from opened()


@pytest.fixture(scope="module")
def report(made: tuple[Path, BoolArray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser") / "case"
    run(made[0], folder)
    return folder / "report.html"


def test_report_opens_without_request_or_complaint_and_shows_its_pictures(browser: Any, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda r: requests.append(r.url))
    page.on("console", lambda m: complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto(report.as_uri())
    assert [u for u in requests if not u.startswith(("file:", "data:"))] == []
    assert complaints == []
    assert "1 skin lesion found." in page.inner_text("section.summary")
    widths = page.eval_on_selector_all("img", "images => images.map(i => i.complete ? i.naturalWidth : 0)")
    assert len(widths) == 4  # as it came, outlined, how probable, as the network saw it
    assert min(widths) >= 256
    page.close()


@pytest.mark.parametrize("width", [380, 1100])
def test_report_fits_a_phone_and_a_desk(browser: Any, report: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_all_measurements_unfold(browser: Any, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    assert not page.get_by_text("joint entropy").last.is_visible()
    page.locator("summary", has_text="measurements").click()
    assert page.get_by_text("joint entropy").last.is_visible()
    page.close()
