"""Frame times of tools/bench as a picture: results.json -> PNG. Called by tools/bench --figure."""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FRAME_MS = 1000 / 60
SHADES = (("p50", "#2c6e9b"), ("p95", "#5ba4cf"), ("p99", "#a9d3ea"))


def read(path):
    """(capture, tour, frame_ms) by line."""
    with open(path) as file:
        for line in file:
            capture, text = line.rstrip("\n").split("\t")
            result = json.loads(text)
            yield capture, result["tour"], result["frame_ms"]


def main(source, target):
    rows = list(read(source))
    figure, axes = plt.subplots(figsize=(8, 0.6 + 0.3 * len(rows)), dpi=150, layout="constrained")
    for y, (_, _, frame) in enumerate(rows):
        for name, color in reversed(SHADES):  # the shorter in front of the longer
            axes.barh(y, frame[name], height=0.62, color=color)
        axes.plot(frame["max"], y, marker="|", markersize=9, color="#333333")
    axes.axvline(FRAME_MS, color="#c0392b", linewidth=1)
    axes.annotate("60 Hz", (FRAME_MS, len(rows) - 0.35), xytext=(3, 0), textcoords="offset points", color="#c0392b", fontsize=8)
    axes.set_yticks(range(len(rows)), [f"{capture}  {tour}" for capture, tour, _ in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.1, -0.7)
    axes.set_xlabel("milliseconds a frame: p50, p95, p99; the mark is the longest", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.savefig(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
