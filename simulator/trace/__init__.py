"""What happened when: spans, breakdowns, the critical path, and their exchange formats."""

from simulator.trace.causes import infer_causes
from simulator.trace.critical_path import Piece, breakdown, communication_ratio, critical_path
from simulator.trace.spans import NO_CAUSE, Category, RankInfo, Span, Trace

__all__ = [
    "NO_CAUSE",
    "Category",
    "Piece",
    "RankInfo",
    "Span",
    "Trace",
    "breakdown",
    "communication_ratio",
    "critical_path",
    "infer_causes",
]
