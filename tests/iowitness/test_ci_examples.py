"""The pipelines of docs/ci.md and this project's own: well formed, and true to the commands."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from iowitness.check_commands import commands as check_commands
from iowitness.specs.suite import ready_suite_names
from iowitness.trace_commands import commands as trace_commands

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs/ci.md").read_text()
_BLOCKS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)]
_OWN = yaml.safe_load((_ROOT / ".github/workflows/ci.yml").read_text())
_WORKFLOWS = [_OWN, *(block for block in _BLOCKS if "jobs" in block)]
_PLUGIN = (_ROOT / "iowitness/pytest_plugin/settings.py").read_text()


def _steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def _shell_lines() -> list[str]:
    runs = [step["run"] for one in _WORKFLOWS for step in _steps(one) if "run" in step]
    runs += [
        line for block in _BLOCKS if "jobs" not in block for line in block["io-contracts"]["script"]
    ]
    runs += re.findall(r"^iowitness .*?(?=  +#|$)", _PAGE, re.MULTILINE)
    return [line for run in runs for line in run.splitlines()]


@pytest.mark.parametrize("workflow", _WORKFLOWS, ids=lambda one: one["name"])
def test_a_workflow_has_what_github_asks_for(workflow: Any) -> None:
    assert workflow[True]  # YAML 1.1 takes the key `on` for a truth
    for job in workflow["jobs"].values():
        assert job["runs-on"]
    for step in _steps(workflow):
        assert ("run" in step) != ("uses" in step), step
        assert re.fullmatch(r"[\w-]+/[\w./-]+@v\d+", step.get("uses", "a/b@v1"))


@pytest.mark.parametrize("workflow", _WORKFLOWS, ids=lambda one: one["name"])
def test_it_shows_the_report_and_keeps_the_artifacts_in_any_case(workflow: Any) -> None:
    always = [step for step in _steps(workflow) if step.get("if") == "always()"]
    assert any("report.md" in one.get("run", "") for one in always)
    assert any("$GITHUB_STEP_SUMMARY" in one.get("run", "") for one in always)
    assert any("upload-artifact" in one.get("uses", "") for one in always)


def test_the_own_workflow_runs_the_script_of_this_repository_and_keeps_its_folder() -> None:
    script = (_ROOT / ".ci/run").read_text()
    assert any(step.get("run") == ".ci/run" for step in _steps(_OWN))
    (kept,) = (step["with"]["path"] for step in _steps(_OWN) if "upload" in step.get("uses", ""))
    assert f"--out {kept}" in script


def test_the_gitlab_job_keeps_artifacts_and_junit() -> None:
    (job,) = (block["io-contracts"] for block in _BLOCKS if "jobs" not in block)
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["reports"]["junit"] == "artifacts/junit.xml"


def test_every_option_and_suite_in_the_examples_exists() -> None:
    known = {
        option
        for command in (*check_commands, *trace_commands)
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    seen = 0
    for line in _shell_lines():
        if not re.search(r"\b(pytest|iowitness) ", line) or "pip install" in line:
            continue
        before, _, _ = line.partition(" -- ")
        for option in re.findall(r"(?<!\S)--[\w-]+", before):
            seen += 1
            assert option in known or f'"{option}"' in _PLUGIN or option == "--junitxml", line
        for suite in re.findall(r"--suite (\S+)", line):
            assert suite in ready_suite_names()
    assert seen >= 10
