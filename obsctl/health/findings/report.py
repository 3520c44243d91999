"""What a health check found, and the forms in which it is told: rows, JSON, JUnit."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final, Literal
from xml.etree import ElementTree as ET

Layer = Literal["containers", "readiness", "configuration", "signals", "canaries", "security"]
State = Literal["fail", "warn", "skip", "ok"]

LAYERS: Final[tuple[Layer, ...]] = (
    "containers",
    "readiness",
    "configuration",
    "signals",
    "canaries",
    "security",
)
STATES: Final[tuple[State, ...]] = ("fail", "warn", "skip", "ok")  # worst first

SCHEMA_VERSION: Final = 1
"""Of the JSON form: raised when a key is renamed, removed or changes its meaning."""


def worst(states: Iterable[State]) -> State:
    """The worst of some states; ok where there are none."""
    return min(states, key=STATES.index, default="ok")


NOT_APPLICABLE: Final = "not-applicable"
NOT_YET: Final = "not-yet"

# What XML 1.0 cannot hold, not even as a reference.
_NOT_XML: Final = {code: "\N{REPLACEMENT CHARACTER}" for code in range(32) if code not in (9, 10)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One claim about one part of the stack, and whether it holds.

    `code` names an entry of the catalogue of causes; `cause` and `fix` are that entry's words
    filled in for this case. They are set for fail and warn; a skip has the code NOT_APPLICABLE
    where there is nothing to miss, NOT_YET where it can be told in a moment, and none where
    another failure keeps from looking.
    `part` is the component, service or receiver that the claim is about, where that is not the
    subject itself.
    """

    layer: Layer
    subject: str
    claim: str
    state: State
    evidence: str = ""
    code: str = ""
    cause: str = ""
    fix: str = ""
    part: str = ""

    @property
    def applies(self) -> bool:
        """False for what this set-up cannot have."""
        return self.code != NOT_APPLICABLE

    @property
    def is_early(self) -> bool:
        """True for what can be told in a moment, after something was started or changed."""
        return self.code == NOT_YET

    @property
    def headline(self) -> str:
        """The cause, with its subject where the cause does not name it."""
        named = self.subject.lower() in self.cause.lower()
        return self.cause if named else f"{self.subject}: {self.cause or self.claim}"

    @property
    def rank(self) -> tuple[int, int, str, str]:
        """Sorts worst first, then in the order in which a cause comes before its effects."""
        return STATES.index(self.state), LAYERS.index(self.layer), self.subject, self.claim


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """The counts of one layer; `line` is what a person reads of a layer that is all green."""

    layer: Layer
    counts: dict[State, int]
    not_applicable: int = 0  # of the skipped

    @property
    def state(self) -> State:
        """The worst of the layer; what does not apply here is no blemish."""
        counts = {**self.counts, "skip": self.counts["skip"] - self.not_applicable}
        return worst(state for state in STATES if counts[state])

    @property
    def line(self) -> str:
        counts = {
            "failed": self.counts["fail"],
            "to look at": self.counts["warn"],
            "skipped": self.counts["skip"] - self.not_applicable,
            "ok": self.counts["ok"],
            "not applicable": self.not_applicable,
        }
        return ", ".join(f"{count} {words}" for words, count in counts.items() if count)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Every finding of one run, worst first."""

    findings: tuple[Finding, ...]
    seconds: float = 0.0

    @classmethod
    def of(cls, findings: Iterable[Finding], seconds: float = 0.0) -> "HealthReport":
        return cls(tuple(sorted(findings, key=lambda finding: finding.rank)), seconds)

    @property
    def healthy(self) -> bool:
        """True when nothing failed; warnings do not make a stack unhealthy."""
        return not any(finding.state == "fail" for finding in self.findings)

    @property
    def exit_code(self) -> int:
        return 0 if self.healthy else 1

    @property
    def counts(self) -> dict[State, int]:
        """How many findings are in each state."""
        counts = dict.fromkeys(STATES, 0)
        for finding in self.findings:
            counts[finding.state] += 1
        return counts

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What failed, and what to look at; worst first."""
        return tuple(finding for finding in self.findings if finding.state in ("fail", "warn"))

    @property
    def early(self) -> tuple[Finding, ...]:
        """What can be told in a moment: a report without them is the whole proof."""
        return tuple(finding for finding in self.findings if finding.is_early)

    @property
    def layers(self) -> tuple[LayerSummary, ...]:
        """The layers that were checked, in order."""
        counts = {layer: dict.fromkeys(STATES, 0) for layer in LAYERS}
        absent = dict.fromkeys(LAYERS, 0)
        for finding in self.findings:
            counts[finding.layer][finding.state] += 1
            absent[finding.layer] += not finding.applies
        return tuple(
            LayerSummary(layer, count, absent[layer])
            for layer, count in counts.items()
            if any(count.values())
        )

    def to_json(self) -> str:
        """The report for machines.

        Its form is that of `obsctl schema report`: all texts are there, "" where there is nothing
        to say.
        """
        document = {
            "schema": SCHEMA_VERSION,
            "healthy": self.healthy,
            "seconds": round(self.seconds, 3),
            "summary": self.counts,
            "findings": [asdict(finding) for finding in self.findings],
        }
        return json.dumps(document, indent=2, ensure_ascii=False)

    def to_junit(self) -> str:
        """The report as JUnit XML: a test suite per layer, a test case per finding."""
        root = ET.Element("testsuites", name="obsctl check", time=f"{self.seconds:.3f}")
        for summary in self.layers:
            findings = [finding for finding in self.findings if finding.layer == summary.layer]
            suite = ET.SubElement(
                root,
                "testsuite",
                name=summary.layer,
                tests=str(len(findings)),
                failures=str(summary.counts["fail"]),
                errors="0",
                skipped=str(summary.counts["skip"]),
            )
            for finding in findings:
                _junit_case(suite, finding)
        ET.indent(root)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _junit_case(suite: ET.Element, finding: Finding) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"{finding.layer}.{_xml_text(finding.subject)}",
        name=_xml_text(finding.claim),
    )
    told = _xml_text(
        "\n".join(filter(None, (finding.evidence, finding.fix and f"fix: {finding.fix}")))
    )
    if finding.state == "fail":
        failure = ET.SubElement(
            case, "failure", type=finding.code, message=_xml_text(finding.cause)
        )
        failure.text = told
    elif finding.state == "skip":
        ET.SubElement(case, "skipped", message=_xml_text(finding.evidence))
    elif finding.state == "warn":
        ET.SubElement(case, "system-out").text = _xml_text(f"warning: {finding.cause}\n") + told


def _xml_text(text: str) -> str:
    return text.translate(_NOT_XML)
