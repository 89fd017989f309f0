"""The options of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EngineName = Literal["onnxruntime", "openvino"]
Precision = Literal["float32", "bfloat16", "int8"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What runs the networks, in which precision, and with how much of the machine."""

    engine: Literal["auto", "onnxruntime", "openvino"] = "auto"
    """what runs the networks; auto: what was faster on this machine, measured once where the work is long enough, else onnxruntime"""
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    """of the network's arithmetic; auto: bfloat16 where openvino runs it and the processor lists it, int8 for a bundle that was quantised, else float32"""
    threads: int = 0
    """of the engine and of OpenCV; 0: as many as the processor has cores"""
    memory_mb: int = 0
    """what the process may take where a network looks at a volume: one that would need more is refused; 0: what the machine has free"""

    def __post_init__(self) -> None:
        if not 0 <= self.threads <= 1024:
            raise ValueError(f"threads must lie between 0 and 1024, got {self.threads}")
        if self.memory_mb < 0:
            raise ValueError(f"memory_mb must be 0 or more, got {self.memory_mb}")
        if (self.engine, self.precision) == ("onnxruntime", "bfloat16"):
            raise ValueError("onnxruntime computes in float32 or int8; for bfloat16 leave engine on auto or take openvino")


PORTABLE = Options(engine="onnxruntime")
"""What every installation has, and the same everywhere: what a training judges its bundles with."""
