"""What finished grids settle: nearest or random, beam or sampling or greedy, demonstrations or none.

    python -m a3core fewshot-eval --pool train_pool.jsonl --validation validation_1000.jsonl --out runs/triviaqa
    python -m benchmarks.fewshot_results runs/triviaqa assets/fewshot_grid

Nothing is run here: each folder's tables are read, and get a section of their own. Every test is paired, question by
question; the p-values that answer one question together are corrected by Holm's method.
"""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from a3core.common.stats import correct_by_holm
from a3core.fewshot.encoder import DEFAULT_ENCODER
from a3core.fewshot.sweep.report import LOG_PROBABILITY, TESTED, Results, load_results
from a3core.fewshot.sweep.run import SweepArgs
from a3core.llm.local import MODEL_NAME
from benchmarks.report import table, write_section

ROOT = Path(__file__).resolve().parents[1]
LEVEL = 0.05
BETTER, WORSE, UNSHOWN = "better", "worse", "no difference shown"
UNCLEAR = "unclear"  # the signed ranks differ, but the mean's interval holds 0
ZERO_SHOT = "k = 0"  # as comparisons.csv calls it
ALWAYS_NAMED = ("k", "selection", "decoding", "n", "n_log_probability")  # options in every command

# Families: the comparisons that answer one question


def find_family(comparisons: pd.DataFrame, column: str, this: str | None, that: str, scored: str) -> pd.DataFrame:
    """The rows that compare `this` with `that` in `column`, with their `holm` and `verdict`; possibly none.

    A row that compares them the other way is turned round. `this` None: everything against `that`. `scored` is
    "exact match" or LOG_PROBABILITY. Zero-shot rows, the same under every selection, count once.
    """
    rows = comparisons[(comparisons["decoding"] == LOG_PROBABILITY) == (scored == LOG_PROBABILITY)]
    straight = rows[(rows["against"] == that) & ((rows[column] == this) if this else True)]
    turned = turn_round(rows[(rows["against"] == this) & (rows[column] == that)], column)
    family = pd.concat([part for part in (straight, turned) if len(part)] or [straight])
    family = family[~((family["k"] == 0) & family.duplicated("k"))].sort_values("k", kind="stable")
    return add_verdicts(family)


def turn_round(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Comparisons of a with b as comparisons of b with a."""
    turned = rows.assign(difference=-rows["difference"], low=-rows["high"], high=-rows["low"])
    sides = {"only_this": rows["only_that"], "only_that": rows["only_this"]}
    return turned.assign(**{column: rows["against"], "against": rows[column]}, **sides)


def add_verdicts(family: pd.DataFrame) -> pd.DataFrame:
    """The rows with Holm's p-value over all of them and what it says."""
    if not len(family):
        return family.assign(holm=[], verdict=[])
    family = family.assign(holm=correct_by_holm(family["p"].tolist()))
    return family.assign(verdict=[judge(row) for row in family.itertuples()])


def judge(row: Any) -> str:
    """What one comparison shows at the level of 5 %."""
    if row.holm >= LEVEL:
        return UNSHOWN
    if row.decoding != LOG_PROBABILITY:
        return BETTER if row.only_this > row.only_that else WORSE
    if row.low <= 0 <= row.high:
        return UNCLEAR
    return BETTER if row.difference > 0 else WORSE


def describe_verdicts(family: pd.DataFrame, columns: list[str]) -> str:
    """`better in 2 of 6 (greedy k = 8, 16), no difference shown at this n in 4, worse in none`."""
    if set(family["verdict"]) == {UNSHOWN}:
        return f"**{UNSHOWN} at this n** in any of {len(family)}"
    parts = []
    for verdict in (BETTER, UNCLEAR, UNSHOWN, WORSE):
        rows = family[family["verdict"] == verdict]
        if len(rows) == len(family):
            return f"**{verdict} in all {len(rows)}**"
        named = name_cells(rows, columns) if verdict != UNSHOWN else ""
        shown = f"{verdict} at this n" if verdict == UNSHOWN else verdict
        if len(rows) or verdict in (BETTER, WORSE):
            count = f"{len(rows)} of {len(family)}" if len(rows) else "none"
            parts.append(f"**{shown} in {count}**" + f" ({named})" * bool(named))
    return ", ".join(parts)


def name_cells(rows: pd.DataFrame, columns: list[str]) -> str:
    """`zero-shot; nearest beam k = 4, 8`."""
    ks: dict[str, list[str]] = {}
    for row in rows.itertuples():
        name = " ".join(getattr(row, column) for column in columns) if row.k else "zero-shot"
        ks.setdefault(name, []).extend([str(row.k)] if row.k else [])
    return "; ".join(f"{name} k = {', '.join(own)}".strip() if own else name for name, own in ks.items())


# Tables


def tabulate_matches(summary: pd.DataFrame) -> str:
    """Exact match with its interval: a row for each k, a column for each selection and decoding."""
    return tabulate_cells(summary[summary["decoding"] != LOG_PROBABILITY], ["selection", "decoding"], describe_match)


def describe_match(row: Any) -> str:
    return f"{row.exact_match:.1%} [{row.low:.1%}, {row.high:.1%}]"


def tabulate_tests(family: pd.DataFrame, columns: list[str]) -> str:
    """A row for each k, a column for each value of `columns`: what each test measured, p, Holm's p, verdict."""
    return tabulate_cells(family, columns, describe_test)


def describe_test(row: Any) -> str:
    shown = f"**{row.verdict}**" if row.verdict != UNSHOWN else row.verdict
    if row.decoding == LOG_PROBABILITY:
        measured = f"{row.difference:+.2f} [{row.low:+.2f}, {row.high:+.2f}]"
    else:
        measured = f"{row.only_this:.0f} : {row.only_that:.0f}"
    return f"{measured}, p = {row.p:.2g} ({row.holm:.3g}): {shown}"


def tabulate_cells(rows: pd.DataFrame, columns: list[str], describe) -> str:
    """A row for each k, a column for each value of `columns`, "" where there is nothing."""
    heads = list(dict.fromkeys(rows[columns].itertuples(index=False, name=None)))
    cells = {(row.k, *(getattr(row, column) for column in columns)): describe(row) for row in rows.itertuples()}
    lines = [(k, *(cells.get((k, *head), "") for head in heads)) for k in dict.fromkeys(rows["k"])]
    return table(["k", *(", ".join(head) for head in heads)], lines)


def tabulate_log_probabilities(summary: pd.DataFrame) -> str:
    rows = summary[summary["decoding"] == LOG_PROBABILITY]
    return tabulate_cells(rows, ["selection"], describe_log_probability)


def describe_log_probability(row: Any) -> str:
    error = 1.96 * row.log_probability_error
    return f"{row.log_probability:.2f} [{row.log_probability - error:.2f}, {row.log_probability + error:.2f}]"


def tabulate_seconds(summary: pd.DataFrame) -> str:
    """Seconds a prompt, and against greedy decoding with as many demonstrations; over all selections."""
    asked = summary[(summary["k"] > 0) | ~summary.duplicated(["k", "decoding"])]  # zero-shot prompts ran once
    totals = asked.groupby(["k", "decoding"], sort=False)[["seconds", "n"]].sum().reset_index()
    totals = totals.assign(each=totals["seconds"] / totals["n"]).sort_values("k", kind="stable")
    greedy = totals[totals["decoding"] == "greedy"].set_index("k")["each"]

    def describe(row: Any) -> str:
        ratio = f" ({row.each / greedy[row.k]:.1f}x)" if row.k in greedy.index else ""
        return f"{row.each:.2f} s{ratio}"

    return tabulate_cells(totals, ["decoding"], describe)


# Paragraphs


def describe_selection(results: Results) -> list[str]:
    """Is nearest better than random?"""
    matches = find_family(results.comparisons, "selection", "nearest", "random", "exact match")
    scores = find_family(results.comparisons, "selection", "nearest", "random", LOG_PROBABILITY)
    parts = ["### Is nearest better than random?"]
    if len(matches):
        said = describe_verdicts(matches, ["decoding"])
        parts += [f"By exact match {said}. Questions that only nearest has right : only random; {name_test(matches)}."]
        parts += [tabulate_tests(matches, ["decoding"])]
    if len(scores):
        said = describe_verdicts(scores, [])
        parts += [f"By the log-probability of the gold answer {said}. In nats; {name_test(scores)}."]
        parts += [tabulate_tests(scores.assign(which="nearest less random"), ["which"])]
    return parts if len(parts) > 1 else []


def describe_sight(results: Results) -> list[str]:
    """How often a right answer is in the prompt, and what is left of nearest against random without it."""
    if results.sight is None:  # of a run from before
        return []
    tests = results.tests[results.tests["decoding"] == LOG_PROBABILITY].set_index(["k", "selection", "against"])
    sight = results.sight[results.sight["decoding"] == LOG_PROBABILITY].set_index(["k", "selection"])["in_sight"]
    lines = []
    for k in sorted(k for k, selection, against in tests.index if (selection, against) == ("nearest", "random") and k):
        test = tests.loc[k, "nearest", "random"]
        lines += [(k, sight[k, "random"], sight[k, "nearest"], describe_shift(test), describe_shift(test, "_without"))]
    if not lines:
        return []
    said = "Questions with a right answer among their demonstrations, and the gold answer's log-probability, nearest "
    said += "less random, in nats: over all questions, and over those that have it in sight on neither side. The "
    said += "Hodges-Lehmann estimate [95 % interval] and Wilcoxon's p, in brackets by Holm's method over all tests of "
    said += "`tests.csv`."
    heads = ["k", "in sight, random", "in sight, nearest", "all", "not in sight"]
    return ["### The answer in sight", said, table(heads, lines)]


def describe_shift(test: Any, suffix: str = "") -> str:
    n, difference, low, high, p, holm = (test[f"{name}{suffix}"] for name in TESTED)
    return f"{difference:+.2f} [{low:+.2f}, {high:+.2f}], n = {n:,.0f}, p = {p:.2g} ({holm:.3g})"


def describe_beam(results: Results) -> list[str]:
    """Is beam search better than sampling, and than greedy decoding?"""
    parts = []
    for other, why in (("sampling", " (the assignment's 3.1.b)"), ("greedy", "")):
        family = find_family(results.comparisons, "decoding", "beam", other, "exact match")
        if len(family):
            said = describe_verdicts(family, ["selection"])
            parts += [f"### Is beam search better than {other}{why}?"]
            parts += [f"By exact match {said}. Questions that only beam search has right : only {other}; "]
            parts[-1] += f"{name_test(family)}. Zero-shot, the same under every selection, stands in the first column."
            parts += [tabulate_tests(family, ["selection"])]
    return parts


def describe_zero_shot(results: Results) -> list[str]:
    """What no demonstrations do, and whether some are better than none."""
    alone = results.summary[results.summary["k"] == 0].drop_duplicates("decoding")
    said = [f"{row.decoding} {describe_match(row)}" for row in alone.itertuples() if row.decoding != LOG_PROBABILITY]
    parts = ["### What does zero-shot do (the assignment's 3.3), and are demonstrations better than none?"]
    parts += ["Exact match without demonstrations: " + "; ".join(said) + "."] if said else []
    for scored, unit in (("exact match", "Questions right only with them : only without"), (LOG_PROBABILITY, "Nats")):
        family = find_family(results.comparisons, "against", None, ZERO_SHOT, scored)
        columns = ["selection"] if scored == LOG_PROBABILITY else ["selection", "decoding"]
        if len(family):
            verdicts = describe_verdicts(family, columns)
            parts += [f"With demonstrations by {scored} {verdicts}. {unit}; {name_test(family)}."]
            parts += [tabulate_tests(family, columns)]
    return parts if len(parts) > 1 else []


def name_test(family: pd.DataFrame) -> str:
    """Which test the family's p-values are of."""
    scored = family["decoding"].iloc[0] == LOG_PROBABILITY
    test = "mean difference [95 % interval] and Wilcoxon's p" if scored else "McNemar's exact p"
    return f"{test}, in brackets by Holm's method over {len(family)} tests, n = {family['n'].iloc[0]:,}"


def describe_results(results: Results) -> str:
    """The body of a section."""
    summary = results.summary
    parts = [describe_run(results.metadata)]
    if summary["exact_match"].notna().any():
        n = summary.loc[summary["exact_match"].notna(), "n"].max()
        parts += [f"Exact match, n = {n:,}, with 95 % Wilson intervals:", tabulate_matches(summary)]
    if summary["log_probability"].notna().any():
        n = summary.loc[summary["log_probability"].notna(), "n"].max()
        parts += [f"Log-probability of the gold answer (nats, mean with 95 % interval), n = {n:,}:"]
        parts += [tabulate_log_probabilities(summary)]
    for describe in (describe_selection, describe_sight, describe_beam, describe_zero_shot):
        parts += describe(results)
    parts += [
        "### Seconds a prompt",
        "Wall time of the run, whatever else ran beside it; in brackets against greedy decoding:",
        tabulate_seconds(summary),
    ]
    dropped = int(summary.groupby(["k", "selection"])["dropped"].max().sum())
    parts += [f"The model's window had no room for {dropped:,} demonstrations."] if dropped else []
    return "\n\n".join(parts)


def describe_run(facts: dict[str, Any]) -> str:
    """What was run: the model, the pool, the questions, and the command."""
    pool, asked = facts["pool"], facts["validation"]
    said = f"`{describe_command(facts)}`: {facts['model']} is asked questions of {asked['name']} "
    said += f"({asked['rows']:,}, sha256 {asked['sha256'][:12]}) with demonstrations of {pool['name']} "
    said += f"({pool['rows']:,}, sha256 {pool['sha256'][:12]}), embedded by {facts['encoder']}. "
    said += " ".join([*pool["notes"], *asked["notes"]])
    args = facts["args"]
    how = (
        f"Answers have up to {args['max_new_tokens']} tokens; beam search keeps {args['width']} beams, sampling is at "
    )
    how += f"temperature {args['temperature']}. A verdict is given where Holm's p is below {LEVEL}."
    return f"{said.strip()}\n\n{how}"


def describe_command(facts: dict[str, Any]) -> str:
    """The command that repeats the run; files are called by their names only."""
    args, plain = facts["args"], SweepArgs()
    parts = ["--pool", facts["pool"]["name"], "--validation", facts["validation"]["name"]]
    for field in fields(SweepArgs):
        value = args.get(field.name, field.default)  # what a run of before did not know is as by default
        value = tuple(value) if isinstance(value, list) else value
        if field.name in ALWAYS_NAMED or value != getattr(plain, field.name):
            parts += write_option(field.name, value)
    model = re.search(r"'(.*?)'", facts["model"])
    parts += ["--model", model[1]] if model and model[1] != MODEL_NAME else []
    parts += ["--encoder", facts["encoder"]] if facts["encoder"] != DEFAULT_ENCODER else []
    return "python -m a3core fewshot-eval " + shlex.join(parts) + " --out DIR"


def write_option(name: str, value: Any) -> list[str]:
    """A field of SweepArgs as the command line has it."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    return [f"--{option}", ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]


def name_results(folder: Path, facts: dict[str, Any]) -> str:
    """What the section is called: the built-in bank, or the folder."""
    return "builtin" if facts["pool"]["name"] == "builtin" else folder.resolve().name


def shorten(folder: Path) -> str:
    """The folder as a reader may have it: within the repository, else among its runs."""
    folder = folder.resolve()
    return str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else Path("runs") / folder.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="written by fewshot-eval")
    flags = parser.parse_args()
    try:
        found = {folder: load_results(folder) for folder in flags.folders}
    except ValueError as error:
        parser.error(str(error))
    for folder, results in found.items():
        name = name_results(folder, results.metadata)
        title = f"Few-shot: {name}, {results.metadata['pool']['rows']:,} demonstrations to choose from"
        command = f"python -m benchmarks.fewshot_results {shorten(folder)}"
        write_section(f"fewshot-{name}", title, command, describe_results(results))


if __name__ == "__main__":
    main()
