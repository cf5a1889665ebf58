"""The files around the code agree with it: versions, workflows, hooks, templates."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import ranknosh

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read_yaml(path):
    return YAML(typ="safe", pure=True).load(path.read_text())


def jobs_of_tests():
    return read_yaml(ROOT / ".github/workflows/tests.yml")["jobs"]


def project():
    """The text of pyproject.toml's first tables; the oldest Python here has no reader of TOML."""
    return (ROOT / "pyproject.toml").read_text()


def test_the_version_is_one():
    assert 'dynamic = ["version"]' in project()
    assert '[tool.setuptools.dynamic]\nversion = {attr = "ranknosh.__version__"}' in project()
    assert not re.search(r"^version = \"", project(), re.MULTILINE)
    assert read_yaml(ROOT / "CITATION.cff")["version"] == ranknosh.__version__


def test_the_changelog_begins_with_the_version_of_the_code():
    heading = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    released, _, development = ranknosh.__version__.partition(".dev")
    assert re.fullmatch(r"\d+\.\d+\.\d+", released)
    assert heading.startswith(f"{released} (")
    assert (heading == f"{released} (unreleased)") is bool(development)


def test_the_changelog_has_versions_in_falling_order_and_no_other_part():
    parts = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    numbers = [tuple(map(int, re.match(r"(\d+)\.(\d+)\.(\d+)\b", part).groups())) for part in parts]
    assert numbers == sorted(set(numbers), reverse=True)


def test_results_and_the_command_line_tell_the_version_of_the_code(capsys):
    from ranknosh.cli import main
    from ranknosh.runs.provenance import versions

    assert versions()["ranknosh"] == ranknosh.__version__
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ranknosh {ranknosh.__version__}\n"


def test_there_are_the_workflows_of_the_project():
    assert {path.stem for path in WORKFLOWS} >= {"tests", "slow", "release"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_whole(path):
    """Every job has a machine, an end and steps that are an action or a command; permissions are stated."""
    workflow = read_yaml(path)
    assert {"name", "on", "permissions", "jobs"} <= set(workflow)  # YAML 1.2: "on" is a word
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        assert job["timeout-minutes"] <= 360
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])
        assert all("@" in step["uses"] for step in job["steps"] if "uses" in step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_commands_of_a_workflow_are_there(path):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    steps = [step["run"] for job in read_yaml(path)["jobs"].values() for step in job["steps"] if "run" in step]
    assert [target for step in steps for target in re.findall(r"\bmake ([\w-]+)", step) if target not in targets] == []
    assert [name for step in steps for name in re.findall(r"configs/\S+", step) if not (ROOT / name).exists()] == []


def test_every_python_that_the_project_takes_is_tested_with_the_newest_and_the_oldest():
    lowest = re.search(r'requires-python = ">=(3\.\d+)"', project())[1]
    wanted = [f"3.{minor}" for minor in range(int(lowest.split(".")[1]), 14)]
    for kind in ("newest", "oldest"):
        assert jobs_of_tests()[kind]["strategy"]["matrix"]["python"] == wanted
    oldest = " ".join(step.get("run", "") for step in jobs_of_tests()["oldest"]["steps"])
    assert "--resolution lowest-direct" in oldest


def test_every_dependency_has_a_lower_bound_and_no_upper_one():
    """The lower bounds are what the tests with the oldest dependencies install."""
    listed = re.search(r"^dependencies = \[\n(.*?)^\]", project(), re.DOTALL | re.MULTILINE)[1]
    names = re.findall(r'^  "([^"]+)"', listed, re.MULTILINE)
    assert len(names) > 15
    assert all(re.fullmatch(r"[\w.-]+(\[\w+\])?>=[\d.]+", name) for name in names)


def test_hooks_run_the_tools_of_make_lint():
    (local,) = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    tools = {hook["entry"].split()[0] for hook in local["hooks"]} - {".venv/bin/python"}
    lint = (ROOT / "Makefile").read_text().split("\nlint:")[1].split("\n\n")[0]
    assert tools == {f".venv/bin/{name}" for name in re.findall(r"\$\(BIN\)/(\w+)", lint)}
    named = [word for hook in local["hooks"] for word in hook["entry"].split() if word.endswith(".py")]
    assert named
    assert all((ROOT / name).exists() for name in named)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_asks_something(path):
    form = read_yaml(path)
    if path.stem == "config":
        return
    assert {"name", "description", "body"} <= set(form)
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids)) > 2
    assert any(field.get("validations", {}).get("required") for field in form["body"])


@pytest.mark.parametrize(
    ("short", "meaning"),
    [
        ("NOSH", "non-uniform successive halving"),
        ("MACs", "multiply-accumulates"),
        ("ema_", "averaged weights"),
    ],
)
def test_short_words_are_spelled_out_in_the_pages_where_they_are_met_first(short, meaning):
    for page in ("README.md", "docs/glossary.md"):
        text = (ROOT / page).read_text()
        assert short in text, page
        assert meaning in text.lower(), page
    assert "NOSH pyramid (non-uniform successive halving)" in (ROOT / "docs/ray_tune.md").read_text()


def test_the_leaderboards_help_spells_its_columns_out(capsys):
    from ranknosh.cli import main

    with pytest.raises(SystemExit):
        main(["top", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "MACs are multiply-accumulates of one input" in text
    assert "ema_ before it was measured with averaged weights" in text
