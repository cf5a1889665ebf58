"""How all plots look: colours and matplotlib's settings."""

from typing import Any

INK, MUTED, GRID, ACCENT, BAD = "#1c2733", "#5b6875", "#e3e8ed", "#d9480f", "#b42318"
BLUE, PALE, GREEN, VIOLET, AMBER = "#2b7bba", "#8a96a3", "#2f9e6e", "#8d7bb8", "#d4a017"
DASHED = (0, (4, 3))
STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.titley": 1.0,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#9aa6b2",
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "ytick.color": MUTED,
    "legend.facecolor": "white",
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.fontsize": 8.5,
    "legend.columnspacing": 1.2,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may hold dollar signs
}
