"""The form of `obsctl check --json`, as a JSON Schema for those who read it by program."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from obsctl.health.findings.report import SCHEMA_VERSION, Layer, State


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Summary(_Document):
    """How many findings are in each state."""

    fail: int = Field(ge=0)
    warn: int = Field(ge=0)
    skip: int = Field(ge=0)
    ok: int = Field(ge=0)


class FindingDocument(_Document):
    """One claim about one part of the stack, and whether it holds."""

    layer: Layer = Field(description="Where it was looked at; a cause comes before its effects.")
    subject: str = Field(description="What the claim is about.")
    claim: str = Field(description="What should hold.")
    state: State = Field(description="A warn is to be looked at, and does not fail the check.")
    evidence: str = Field(description="What was seen; several lines at times, or empty.")
    code: str = Field(
        description="For `obsctl explain`; empty where all is well. A skip with the code "
        "`not-applicable` is nothing to look at: this set-up has no such thing; one with the code "
        "`not-yet` can be told in a moment, after something was started or changed."
    )
    cause: str = Field(description="What is wrong, in words; empty where nothing is.")
    fix: str = Field(description="The next command or change; empty where nothing is wrong.")
    part: str = Field(description="The component, service or receiver that it belongs to.")


class ReportDocument(_Document):
    """The report of one `obsctl check`."""

    # `schema` is a method of every pydantic model.
    version: Literal[1] = Field(
        alias="schema", description="Changes when a key goes, or changes its meaning."
    )
    healthy: bool = Field(description="True when nothing failed: exit code 0.")
    seconds: float = Field(ge=0, description="What the checks took.")
    summary: Summary
    findings: list[FindingDocument] = Field(description="Worst first.")


def report_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the report."""
    schema = ReportDocument.model_json_schema(by_alias=True)
    title = f"obsctl check --json, form {SCHEMA_VERSION}"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}
