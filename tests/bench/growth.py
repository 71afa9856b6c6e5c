"""Cost against size: the worked example at an eighth, a quarter, a half and the whole, as a table and a picture.

    .venv/bin/python tests/bench/growth.py FOLDER PICTURE.svg

Runs `worked_example.py` once a size, prints a Markdown table for docs/benchmarks.md and draws CPU seconds and memory of
each verb against the share. FOLDER is emptied between sizes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

SHARES = (0.125, 0.25, 0.5, 1.0)
VERBS = {"acquire": "#1f5fbf", "index": "#1a7f4b", "records add": "#8f5a00", "match": "#b3261e", "assess": "#566174"}
_ROW = re.compile(r"^\| ([\w -]+) \| ([\d.]+) \| ([\d.]+) \| ([\d,]+) \|", re.MULTILINE)

WIDTH, HEIGHT, EDGE = 380, 240, 46


def run(folder: Path, share: float) -> dict[str, tuple[float, float, int]]:
    """Verb → wall seconds, CPU seconds, MiB."""
    shutil.rmtree(folder, ignore_errors=True)
    script = Path(__file__).with_name("worked_example.py")
    said = subprocess.run(
        [sys.executable, script, folder, "--share", str(share)], capture_output=True, text=True, check=True
    ).stdout
    print(said, file=sys.stderr, flush=True)
    return {verb: (float(wall), float(cpu), int(mib.replace(",", ""))) for verb, wall, cpu, mib in _ROW.findall(said)}


def chart(left: int, title: str, unit: str, lines: dict[str, list[float]]) -> str:
    """One diagram: shares to the right, values up, a line a verb."""
    top = max(max(values) for values in lines.values()) * 1.08

    def point(share: float, value: float) -> str:
        x = left + EDGE + share * (WIDTH - EDGE - 16)
        return f"{x:.1f},{HEIGHT - 30 - value / top * (HEIGHT - 70):.1f}"

    parts = [f'<text x="{left + EDGE}" y="18" font-weight="600">{title}</text>']
    for step in range(5):
        value = top * step / 4
        y = point(0, value).split(",")[1]
        parts.append(f'<line x1="{left + EDGE}" x2="{left + WIDTH - 16}" y1="{y}" y2="{y}" stroke="#d9dde5"/>')
        parts.append(f'<text x="{left + EDGE - 6}" y="{y}" text-anchor="end" dy="4">{value:,.0f}</text>')
    for share, name in zip(SHARES, ("1/8", "1/4", "1/2", "1"), strict=True):
        x = point(share, 0).split(",")[0]
        parts.append(f'<text x="{x}" y="{HEIGHT - 12}" text-anchor="middle">{name}</text>')
    parts.append(f'<text x="{left + WIDTH - 16}" y="18" text-anchor="end">{unit}</text>')
    for verb, values in lines.items():
        where = " ".join(point(share, value) for share, value in zip(SHARES, values, strict=True))
        parts.append(f'<polyline points="{where}" fill="none" stroke="{VERBS[verb]}" stroke-width="2"/>')
    return "\n".join(parts)


def main() -> None:
    folder, picture = Path(sys.argv[1]), Path(sys.argv[2])
    costs = [run(folder, share) for share in SHARES]
    shutil.rmtree(folder, ignore_errors=True)
    print("| verb | CPU s at 1/8 | 1/4 | 1/2 | 1 | memory MiB at 1/8 | 1/4 | 1/2 | 1 |")
    print("|---|---|---|---|---|---|---|---|---|")
    for verb in VERBS:
        cpu = " | ".join(f"{cost[verb][1]:.1f}" for cost in costs)
        memory = " | ".join(f"{cost[verb][2]:,}" for cost in costs)
        print(f"| {verb} | {cpu} | {memory} |")
    cpu_lines = {verb: [cost[verb][1] for cost in costs] for verb in VERBS}
    memory_lines = {verb: [float(cost[verb][2]) for cost in costs] for verb in VERBS}
    legend = "".join(
        f'<rect x="{EDGE + 120 * n}" y="{HEIGHT + 4}" width="12" height="12" fill="{colour}"/>'
        f'<text x="{EDGE + 120 * n + 18}" y="{HEIGHT + 14}">{verb}</text>'
        for n, (verb, colour) in enumerate(VERBS.items())
    )
    picture.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT + 28}" font-family="sans-serif" '
        f'font-size="11" fill="#1b2330"><rect width="{2 * WIDTH}" height="{HEIGHT + 28}" fill="#ffffff"/>\n'
        f"{chart(0, 'CPU by share of the model case', 'seconds', cpu_lines)}\n"
        f"{chart(WIDTH, 'Memory of a verb and its workers', 'MiB', memory_lines)}\n{legend}</svg>\n"
    )


if __name__ == "__main__":
    main()
