"""The options of every stage as one frozen tree, read strictly from one TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from diaphane.acquire.options import Options as AcquireOptions
from diaphane.assess.options import Options as AssessOptions
from diaphane.core.strict import from_mapping
from diaphane.engine.options import Options as EngineOptions
from diaphane.errors import UsageError
from diaphane.fuse.options import Options as FuseOptions
from diaphane.measure.options import Options as MeasureOptions
from diaphane.report.options import Options as ReportOptions
from diaphane.segment.options import Options as SegmentOptions
from diaphane.track.options import Options as TrackOptions
from diaphane.view.options import Options as ViewOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do at each stage; a table of this name in the TOML file for each."""

    acquire: AcquireOptions = field(default_factory=AcquireOptions)
    track: TrackOptions = field(default_factory=TrackOptions)
    segment: SegmentOptions = field(default_factory=SegmentOptions)
    measure: MeasureOptions = field(default_factory=MeasureOptions)
    assess: AssessOptions = field(default_factory=AssessOptions)
    fuse: FuseOptions = field(default_factory=FuseOptions)
    view: ViewOptions = field(default_factory=ViewOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    engine: EngineOptions = field(default_factory=EngineOptions)
    """what runs the networks of every stage"""
    seed: int = 0
    """of everything that draws; no stage of today's run does"""


def read_plan(path: Path) -> Plan:
    """The plan in a TOML file.

    Raises:
        UsageError: No such file, not TOML, an unknown key (the nearest known one is named), or a value out of range.
    """
    try:
        if not path.is_file():
            raise UsageError(f"{path}: no such plan; give a TOML file or leave --plan out")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"{path}: the plan cannot be read ({problem.strerror})") from problem
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"{path}: not TOML ({problem})") from problem
    return from_mapping(Plan, values, f"{path.name}:")
