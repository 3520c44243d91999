"""What every section of obsctl.yaml shares, and references to secrets."""

from pydantic import BaseModel, ConfigDict, Field

from obsctl.project.fields import Name, Text


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
