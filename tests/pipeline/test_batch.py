from __future__ import annotations

from pathlib import Path

import pytest

from diaphane.errors import UsageError
from diaphane.pipeline.batch import case_names, run_many
from diaphane.plan import Plan


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a.png", "b.png"], ["a", "b"]),
        (["x/a.jpg", "y/a.png", "a-2.bmp", "A.tif"], ["a", "a-2", "a-2-2", "A-3"]),
        (["...png", "..png", ".png"], ["_..", "_.", "_.png"]),
        (["cases.csv.png", "features.csv.png", "index.html.png", "Index.HTML.png"], ["cases.csv-2", "features.csv-2", "index.html-2", "Index.HTML-3"]),
        (["=cmd.png", "-x.png"], ["_=cmd", "_-x"]),
        (["b\udcffd.png"], ["b_d"]),
        (["é" * 200 + ".png"], ["é" * 75]),
    ],
)
def test_case_names_are_unique_and_stay_in_their_folder(files: list[str], names: list[str]) -> None:
    assert case_names([Path(f) for f in files]) == names


def test_several_pictures_do_not_go_into_the_folder_of_one_case(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text("{}")
    with pytest.raises(UsageError, match="is the folder of one case"):
        run_many([], tmp_path, Plan())
