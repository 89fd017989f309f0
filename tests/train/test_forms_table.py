"""Tables in CSV: what is read, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from diaphane.errors import InputError
from diaphane.train.forms_table import read_table


def test_table_with_two_columns_of_a_name_or_too_many_cells_is_refused(tmp_path: Path) -> None:
    for text, says in (
        ("image,Age,age\na,1,2\n", "more than one column 'age'"),
        ("image,place\na,arm, left\n", "line 2 has more cells than there are columns; put a value that holds a comma between quotes"),
    ):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(InputError, match=says):
            read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text('image,place,\na,"arm, left",\nb,leg,,\nc\n')
    assert read_table(tmp_path / "t.csv") == [{"image": "a", "place": "arm, left"}, {"image": "b", "place": "leg"}, {"image": "c", "place": ""}]
