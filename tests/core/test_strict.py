from __future__ import annotations

from pathlib import Path

import pytest

from diaphane.errors import UsageError
from diaphane.plan import Plan, read_plan


def plan_of(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "ct.toml"
    path.write_text(text)
    return read_plan(path)


def test_plan_sets_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "seed = 4\n[segment]\nthreshold = 0.4\n[acquire]\nspacing_mm = 1\n")
    assert (plan.seed, plan.segment.threshold, plan.acquire.spacing_mm) == (4, 0.4, 1.0)
    assert plan.measure == Plan().measure


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[segment]\ntreshold = 0.4\n", r"ct.toml.segment: unknown key 'treshold'; did you mean 'threshold'\?"),
        ("[segmnt]\n", r"ct.toml: unknown key 'segmnt'; did you mean 'segment'\?"),
        ("[segment]\nthreshold = 'high'\n", "ct.toml.segment.threshold: expected float, got str 'high'"),
        ("[segment]\nthreshold = 1.5\n", "threshold must lie between 0 and 1, got 1.5"),
        ("[view]\ncolormap = 'rainbow'\n", "'rainbow' is not one of viridis, cividis, magma, jet"),
        ("segment = 3\n", "expected a table of keys, got int"),
        ("[segment\n", "not TOML"),
        ("[measure]\nbin_count = true\n", "expected int"),
    ],
)
def test_wrong_plan_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        plan_of(tmp_path, text)


def test_missing_plan_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such plan"):
        read_plan(tmp_path / "none.toml")
