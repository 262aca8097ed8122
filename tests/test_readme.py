"""What README and docs/ say is so: options exist, links lead somewhere, variables and flags are those of the code."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from statistics import median

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = (
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "BENCHMARKS")),
    *sorted((ROOT / "docs").glob("*.md")),
)
BLOCKS = [block for path in DOCUMENTS for block in re.findall(r"```bash\n(.*?)```", path.read_text(), re.DOTALL)]
LINES = dict.fromkeys(line for block in BLOCKS for line in block.splitlines())
COMMANDS = [line for line in LINES if line.startswith("python -m a3core")]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_the_two_commands_stand_in_it():
    install = "pip install -r requirements.txt -c constraints.txt"
    assert f"\n{install} && python app.py\n" in README
    assert f"\n{install} && pytest\n" in README


def test_the_space_runs_the_gradio_that_was_tested():
    version = re.search(r"^sdk_version: (.*)$", README, re.MULTILINE)[1]
    assert f"\ngradio=={version} " in CONSTRAINTS
    assert len(re.search(r"^short_description: (.*)$", README, re.MULTILINE)[1]) <= 60


def test_every_requirement_is_pinned():
    names = re.findall(
        r"^([A-Za-z0-9_.-]+)[>=<]", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(names) > 10
    pinned = {name.lower().replace("_", "-") for name in re.findall(r"^(\S+)==", CONSTRAINTS, re.MULTILINE)}
    assert {name.lower().replace("_", "-") for name in names} <= pinned


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_its_commands_exists(command):
    from a3core.__main__ import app

    _, _, _, name, *words = shlex.split(command)
    names = [name, words[0]] if name == "grader" else [name]  # a group of commands
    text = CliRunner().invoke(app, [*names, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    for option in (word for word in words if word.startswith("--")):
        assert option in text


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(path):
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert link.startswith("http") or (path.parent / link).exists(), link


def test_settings_are_those_of_the_code():
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "a3core").rglob("*.py"))
    read = set(re.findall(r"""(?:environ(?:\.get\(|\[)|list_names\()"([A-Z][A-Z0-9_]+)\"""", code))
    assert read == set(re.findall(r"`([A-Z][A-Z0-9_]{6,})`", settings))
    flags = set(re.findall(r'"(--[a-z-]+)"', (ROOT / "a3core" / "ui" / "launch.py").read_text(encoding="utf-8")))
    assert flags == set(re.findall(r"^\| `(--[a-z-]+)", settings, re.MULTILINE))


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150
    text = re.sub(r"^---.*?^---$|```.*?```|^[|#!].*?$", "\n", README, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    sentences = [sentence.split() for sentence in re.split(r"[.:?]\s|\n\n", text)]
    lengths = [len(words) for words in sentences if len(words) > 1]
    assert len(lengths) > 40 and median(lengths) <= 14 and max(lengths) <= 26, max(sentences, key=len)


def test_the_file_tree_is_true():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text.split("## Tree\n\n```\n")[1].split("```")[0]
    named = set(re.findall(r"\b([a-z_]+\.(?:py|txt|md|csv|json))\b", tree))
    there = {path.name for path in ROOT.rglob("*") if ".git" not in path.parts}
    assert named <= there
    assert "app.py" in named
    folders = {path.parent.name for path in (ROOT / "a3core").rglob("__init__.py")} - {"migrations"}
    assert not [folder for folder in folders if f"{folder}/" not in tree]


SECTIONS = {
    found[1]: found[0]
    for path in (ROOT / "docs" / "benchmarks").glob("*.md")
    for found in re.finditer(r"<!-- (\S+) -->.*?<!-- /\1 -->", path.read_text(encoding="utf-8"), re.DOTALL)
}
FIGURE = r"[+-]?\d[\d,]*(?:\.\d+)?"


def read_claims(path: Path) -> list[tuple[str, str]]:
    """The name of a section, and what a table of claims says it holds, of each row that links to one."""
    rows = [line.strip("| ").split(" | ") for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    links = [(re.search(r"benchmarks/[\w-]+\.md#([^)]+)\)", cells[-1]), cells) for cells in rows]
    return [(link[1], cells[1]) for link, cells in links if link]


def list_figures(text: str) -> set[str]:
    return {figure.replace(",", "").lstrip("+") for figure in re.findall(FIGURE, text)}


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if read_claims(path)], ids=lambda path: path.name)
def test_a_claim_has_the_figures_of_its_section(path):
    for section, claim in read_claims(path):
        figures = list_figures(claim)
        assert figures and figures <= list_figures(SECTIONS[section]), (
            section,
            figures - list_figures(SECTIONS[section]),
        )


def test_what_training_cost_has_the_scores_of_the_cards():
    from a3core.birthplace.checkpoints import load_training

    row = r"^\| ([a-z-]+)(?:, with [a-z-]+)? \|.* (\d+) out of (\d+):"
    rows = re.findall(row, SECTIONS["recall-cost"], re.MULTILINE)
    assert len(rows) == 3
    for name, correct, total in rows:
        last = load_training(ROOT / "checkpoints" / name).measurements[-1]
        assert (last.correct, last.total) == (int(correct), int(total)), name


def test_the_table_of_claims_is_short():
    assert 20 <= len(read_claims(ROOT / "BENCHMARKS.md")) <= 30


@pytest.mark.parametrize(("name", "least"), [("README", 9), ("BENCHMARKS", 19)] + [
    (f"docs/{name}", least) for name, least in (("birthplace", 7), ("attention", 4), ("few-shot", 5), ("grader", 5))
])  # fmt: skip
def test_every_interval_of_a_document_was_measured(name, least):
    rows = [json.loads((ROOT / "assets" / run / "run.json").read_text("utf-8")) for run in ("cot_run", "recall_run")]
    measured = {f"[{100 * row['low']:.1f}, {100 * row['high']:.1f}]" for run in rows for row in run["accuracy"]}
    for text in SECTIONS.values():
        measured |= {f"[{low}, {high}]" for low, high in re.findall(r"\[[+]?(-?[\d.]+)%?, [+]?(-?[\d.]+)%?\]", text)}
    text = re.sub(r"```.*?```", "", (ROOT / f"{name}.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    intervals = re.findall(r"\[-?[\d.]+, -?[\d.]+\]", text)
    assert len(intervals) >= least and set(intervals) <= measured, set(intervals) - measured


def test_the_licence_of_every_package_that_is_asked_for_is_listed():
    listed = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8").lower().replace("_", "-")
    needed = re.findall(r"^([A-Za-z0-9_.-]+)[>=<\[]", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert [name for name in needed if f"| {name.lower().replace('_', '-')} |" not in listed] == []


def test_the_grader_document_has_the_counts_of_the_shipped_run():
    from a3core.grader.runs.changed_explanations import count_outcomes, describe_counts, load_outcomes
    from a3core.grader.runs.generation import load_run
    from a3core.grader.runs.responses import build_run_key

    run = load_run(ROOT / "assets" / "cot_run")
    outcomes = load_outcomes(build_run_key(run.name, run.responses))
    assert len(outcomes) == 394
    assert f"```\n{describe_counts(count_outcomes(outcomes))}\n```" in (ROOT / "docs" / "grader.md").read_text("utf-8")


# The examples of docs/data-formats.md

EXAMPLES = dict(
    re.findall(r"```\w+ (\S+)\n(.*?)```", (ROOT / "docs" / "data-formats.md").read_text(encoding="utf-8"), re.DOTALL)
)


@pytest.fixture
def example(tmp_path):
    """Writes an example of the document as a file."""

    def example(name: str) -> Path:
        (tmp_path / name).write_text(EXAMPLES[name], encoding="utf-8")
        return tmp_path / name

    return example


def test_every_example_of_a_format_is_read_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert len(EXAMPLES) == 7 and [name for name in EXAMPLES if f'example("{name}")' not in text] == []


def test_facts_questions_pools_and_tasks_are_as_the_examples(example):
    from a3core.birthplace.data.facts import FactsFormat, load_facts
    from a3core.birthplace.data.loading import load_questions
    from a3core.fewshot.pools import load_pool
    from a3core.grader.runs.tasks import load_task

    corpus = load_facts(example("capitals.csv"), FactsFormat(question="What is the capital of {name}?"))
    assert len(corpus.train) + len(corpus.dev) == 10
    assert [question.place for question in load_questions(example("questions.tsv"))] == ["Baltimore", "St. Louis"]
    assert load_pool(example("pool.jsonl"))[0].answers == ("Danube", "Donau")
    task = load_task(str(example("sums.jsonl")))
    assert len(task.demonstrations) == len(task.questions) == 1


def test_responses_labels_and_mappings_are_as_the_examples(example, tmp_path, monkeypatch):
    from a3core.__main__ import app
    from a3core.grader.importing.mapping import Mapping

    monkeypatch.setenv("A3_DATA", str(tmp_path / "data"))
    words = ["grader", "import", str(example("responses.jsonl")), "--run", "pilot", "--json"]
    done = CliRunner().invoke(app, [*words, "--labels", str(example("labels.csv"))])
    assert json.loads(done.stdout) == {
        "run": "pilot", "responses": 2, "labels": 2, "annotators": ["ann"], "skipped": 0
    }  # fmt: skip
    assert Mapping.from_json(example("mapping.json").read_text(encoding="utf-8")).gold_answer == "target"


def test_every_section_of_the_benchmarks_names_a_script_that_is_there():
    scripts = [script for text in SECTIONS.values() for script in re.findall(r"`python -m benchmarks\.(\w+)", text)]
    assert len(scripts) > 20
    for script in scripts:
        assert (ROOT / "benchmarks" / f"{script}.py").is_file()


def test_a_section_has_a_link_and_stands_once():
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "benchmarks").glob("*.md")]
    for name in SECTIONS:
        assert sum(text.count(f'<!-- {name} -->\n<a id="{name}"></a>\n') for text in files) == 1, name
