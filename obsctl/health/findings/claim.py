"""A claim under test: turns what a check saw into a Finding with cause and fix."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from obsctl.health.findings.causes import load_causes
from obsctl.health.findings.report import NOT_APPLICABLE, NOT_YET, Finding, Layer, State

_EVIDENCE_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed about a part; `values` fill the placeholders of any cause."""

    layer: Layer
    subject: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    part: str = ""

    def about(self, part: str) -> "Claim":
        """The same claim, as one about a part of the stack that is not its subject."""
        return replace(self, part=part)

    def ok(self, evidence: str = "") -> Finding:
        return self._finding("ok", evidence)

    def skip(self, reason: str) -> Finding:
        return self._finding("skip", reason)

    def not_applicable(self, reason: str) -> Finding:
        """A skip that is nothing to look at: this set-up has no such thing."""
        return self._finding("skip", f"not applicable here: {reason}", code=NOT_APPLICABLE)

    def not_yet(self, reason: str) -> Finding:
        """A skip that is over in a moment: something was started or changed just now."""
        return self._finding("skip", reason, code=NOT_YET)

    def fail(self, code: str, evidence: str = "", **values: object) -> Finding:
        return self._with_cause("fail", code, evidence, values)

    def warn(self, code: str, evidence: str = "", **values: object) -> Finding:
        return self._with_cause("warn", code, evidence, values)

    def _with_cause(
        self, state: State, code: str, evidence: str, values: Mapping[str, object]
    ) -> Finding:
        known = {"subject": self.subject, **self.values, **values}
        cause, fix = load_causes()[code].filled(**known)
        return self._finding(state, evidence, code=code, cause=cause, fix=fix)

    def _finding(
        self, state: State, evidence: str, *, code: str = "", cause: str = "", fix: str = ""
    ) -> Finding:
        return Finding(
            layer=self.layer,
            subject=self.subject,
            claim=self.text,
            state=state,
            evidence=_shortened(evidence),
            code=code,
            cause=cause,
            fix=fix,
            part=self.part or self.subject,
        )


def _shortened(evidence: str) -> str:
    text = evidence.strip()
    return text if len(text) <= _EVIDENCE_CHARACTERS else text[:_EVIDENCE_CHARACTERS] + " ..."
