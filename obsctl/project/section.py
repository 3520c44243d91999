"""What every section of obsctl.yaml shares, and references to secrets."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from obsctl.project.fields import Name, Text, VariableName, refused


class Section(BaseModel):
    """Immutable, nothing coerced, no unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, populate_by_name=True, allow_inf_nan=False
    )


class SecretReference(Section):
    """The name of a secret; its value is never in the project file."""

    secret: Name = Field(description="File name under secrets/ that holds the value.")


class Credentials(Section):
    """How an exporter logs in."""

    user: Text = Field(description="User name at the service.")
    password: SecretReference = Field(description="The user's password, as a reference.")


class SecretSource(
    Section, json_schema_extra={"oneOf": [{"required": [k]} for k in ("env", "file", "exec")]}
):
    """Where `obsctl up` takes the value of a secret from, each time that it runs."""

    env: VariableName | None = Field(None, description="A variable of obsctl's environment.")
    file: Text | None = Field(None, description="A file that only you can read.")
    exec_: tuple[Text, ...] | None = Field(
        None,
        alias="exec",
        json_schema_extra={"minItems": 1},
        description="A program and its arguments, such as [pass, show, slack]; no shell.",
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise refused("a source is exactly one of `env`, `file` and `exec`")
        if self.exec_ == ():
            raise refused("`exec` names no program", "such as `[pass, show, slack]`")
        return self
