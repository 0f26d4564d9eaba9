"""The page of an ablation: the paper's figures beside what came out, and how sure the order is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.paper.certainty import PhotoMeans, Resampled, from_json, resample
from benchmarks.paper.tables import TABLES, Row, Table, variant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.paper.certainty import Figure

DRAWS = 400
PROMPT = "mask IoU in true boxes"


@dataclass(frozen=True)
class Results:
    """Finished runs by variant, in the order of their seeds."""

    runs: dict[str, list[dict[str, Any]]]
    full: bool

    def of(self, row: Row) -> list[dict[str, Any]]:
        """Return the runs that stand for a row, none where there are none."""
        variant = variant_of(row, full=self.full)
        return self.runs.get(str(variant), []) if variant else []


def page(head: Sequence[str], results: Results, tables: Sequence[Table] = TABLES, draws: int = DRAWS) -> str:
    """Return the page as Markdown: `head`, a summary, and a section for each of the tables."""
    sections, summary = [], []
    for table in tables:
        verdicts, text = _section(table, results, draws)
        sections += [*text, ""]
        summary += [f"| {table.name} {table.title} | {what} | {says} |" for what, says in verdicts]
    lines = [*head, "", "## In short", "", "| Table | The paper's order | Here |", "| --- | --- | --- |", *summary, ""]
    return "\n".join([*lines, *sections]).rstrip() + "\n"


def _section(table: Table, results: Results, draws: int) -> tuple[list[tuple[str, str]], list[str]]:
    """Return a table's verdicts and its text."""
    names = list(dict.fromkeys(name for row in table.rows for name in row.figures))
    prompt = any(name.startswith("mask") for name in names)
    head = "".join(f" {name}: paper | here |" for name in names) + (f" {PROMPT} |" if prompt else "")
    lines = [f"## {table.name}: {table.title}", "", *([table.note, ""] if table.note else [])]
    lines += [f"| |{head} runs |", "| --- |" + " ---: |" * (2 * len(names) + prompt + 1)]
    for row in table.rows:
        runs = results.of(row)
        cells = "".join(f" {row.figures[name]:.1f} | {_spread(runs, name)} |" for name in names)
        lines.append(f"| {row.label} |{cells}" + (f" {_spread(runs, PROMPT)} |" if prompt else "") + f" {len(runs)} |")
    verdicts: list[tuple[str, str]] = []
    for name in (n for n in names if n.endswith(" AP")):
        verdicts += _verdicts(table, results, name, draws)
    if prompt:
        verdicts += _verdicts(table, results, PROMPT, draws)
    lines += ["", *(f"- {what}: {says}" for what, says in verdicts)]
    return verdicts, lines


def _spread(runs: list[dict[str, Any]], name: str) -> str:
    """Return mean and standard deviation over the seeds."""
    values = [run["figures"][name] for run in runs if name in run["figures"]]
    if not values:
        return "-"
    spread = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{spread}"


def _verdicts(table: Table, results: Results, name: str, draws: int) -> list[tuple[str, str]]:
    """Return for each difference that the paper finds what came out, and for the order as a whole.

    The paper has no IoU in true boxes: rows are compared in its order of mask AP.
    """
    rows = [row for row in table.rows if results.of(row)]
    order = "mask AP" if name == PROMPT else name
    pairs = [
        (better, worse)
        for better in range(len(rows))
        for worse in range(len(rows))
        if rows[better].figures[order] - rows[worse].figures[order] >= table.least - 1e-9
    ]
    if not pairs:
        return [(name, "nothing to compare")]
    found = resample([[_figure(run, name) for run in results.of(row)] for row in rows], draws)
    verdicts = [_verdict(rows, results, name, pair, found) for pair in pairs]
    if len(pairs) > 1:
        share = found.share(pairs)
        verdicts.append((f"{name}: all of these at once", f"in {share:.0%} of the draws"))
    return verdicts


def _figure(run: dict[str, Any], name: str) -> Figure:
    if name == PROMPT:
        return PhotoMeans(np.array(run["overlaps"]["total"]), np.array(run["overlaps"]["count"]))
    return from_json(run["matches"][name.split(maxsplit=1)[0]])


def _verdict(rows: list[Row], results: Results, name: str, pair: tuple[int, int], found: Resampled) -> tuple[str, str]:
    better, worse = pair
    paper = f", {rows[better].figures[name] - rows[worse].figures[name]:+.1f}" if name != PROMPT else ""
    low, high = found.interval(better, worse)
    means = {row: float(np.mean([run["figures"][name] for run in results.of(rows[row])])) for row in pair}
    effect = f"{means[better] - means[worse]:+.1f} (95%: {100 * low:+.1f} to {100 * high:+.1f})"
    runs = " and ".join(str(len(results.of(rows[row]))) for row in pair)
    says = f"{effect}, {_word(low, high)}; {runs} runs"
    return f"{name}: {rows[better].label} over {rows[worse].label}{paper}", says


def _word(low: float, high: float) -> str:
    """Return in words what an interval says of an order."""
    if low > 0:
        return "**holds**"
    return "**reversed**" if high < 0 else "undecided"
