"""The Stack's rules, tests and routes in the shape that their files have."""

from collections.abc import Iterable, Mapping
from typing import Any

from obsctl.conventions import GENERATED_HEADER, SEVERITIES
from obsctl.stack.cases import EVALUATION_S, SLOW_EVALUATION_S
from obsctl.stack.model import Rule, RuleGroup, RunbookPage, Stack

_RULE_FILES = ("alert_rules.yml", "recording_rules.yml")


def context(stack: Stack) -> dict[str, Any]:
    """What the templates know beside the Stack itself."""
    return {
        "stack": stack,
        "alert_groups": _groups(stack.rule_groups, "alert"),
        "recording_groups": _groups(stack.rule_groups, "record"),
        "quick_tests": _tests(stack, slow=False),
        "slow_tests": _tests(stack, slow=True),
        "quick_interval": f"{EVALUATION_S // 60}m",
        "slow_interval": f"{SLOW_EVALUATION_S // 3600}h",
        "rule_files": _RULE_FILES,
    }


def _groups(groups: Iterable[RuleGroup], what: str) -> list[dict[str, object]]:
    """Alerting and recording rules live in files of their own; a group may have both."""
    found: list[dict[str, object]] = []
    for group in groups:
        rules: list[dict[str, object]] = [
            _rule(rule) for rule in group.rules if getattr(rule, what) is not None
        ]
        if rules:
            found.append({"name": group.name, "rules": rules})
    return found


def _rule(rule: Rule) -> dict[str, object]:
    fields: dict[str, object] = {
        "alert": rule.alert,
        "record": rule.record,
        "expr": rule.expr,
        "for": rule.for_,
        "keep_firing_for": rule.keep_firing_for,
        "labels": rule.labels,
        "annotations": rule.annotations,
    }
    return {key: value for key, value in fields.items() if value}


def _tests(stack: Stack, *, slow: bool) -> list[Mapping[str, object]]:
    return [test.document for test in stack.rule_tests if test.slow is slow]


def runbook_text(page: RunbookPage) -> str:
    """A runbook's page: its title, then what the resolver has written."""
    return f"# {page.title}\n\n<!-- {GENERATED_HEADER} -->\n\n{page.body.strip()}\n"


def runbook_index(stack: Stack) -> str:
    """All runbooks by severity; an alert with several tiers is listed under each."""
    lines = [f"# Runbooks of {stack.project}", "", f"<!-- {GENERATED_HEADER} -->"]
    for severity in (*SEVERITIES, "none"):
        pages = [page for page in stack.runbooks if severity in page.severities]
        if pages:
            lines += ["", f"## {severity.capitalize()}", ""]
            lines += [
                f"- [{page.title}]({page.alert}.md) ({', '.join(page.services)})"
                for page in sorted(pages, key=lambda page: page.alert)
            ]
    return "\n".join(lines) + "\n"
