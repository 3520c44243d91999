"""Types of single values in obsctl.yaml, each with its own words for what is wrong."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from obsctl.conventions import NAME_PATTERN
from obsctl.project.addresses import RefusedError, check_ip, check_label, check_url, parse_address
from obsctl.project.quantities import Duration, Share, Size

# The Engine starts nothing below 6 MiB, and no part of the stack lives in so little.
_MEMORY_MIN_BYTES = 16 * 2**20
# Its log of writes and a first block; the log is not deleted for size.
_RETENTION_MIN_BYTES = 512 * 2**20

_METRICS = r"[a-zA-Z_:][a-zA-Z0-9_:]*\*?"
_NETWORK = r"[a-zA-Z0-9][a-zA-Z0-9_.-]*"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_IMAGE = re.compile(
    r"([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*"
    r"(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
_MAIL = re.compile(r"[^\s@<>,]+@[^\s@<>,]+")


def refused(message: str, hint: str | None = None) -> PydanticCustomError:
    """An error of the `plain` type: load.py shows its message and hint as they are."""
    # Braces in user text would be taken for placeholders, so it travels in the context.
    return PydanticCustomError("plain", "{message}", {"message": message, "hint": hint})


def _checked(check: Callable[[str], object]) -> AfterValidator:
    def validate(text: str) -> str:
        try:
            check(text)
        except RefusedError as error:
            raise refused(error.message, error.hint) from None
        return text

    return AfterValidator(validate)


def _one_of(expected: str, hint: str | None = None) -> WrapValidator:
    """One message for a union, instead of one per member."""

    def validate(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError(
                "expected", "expected {expected}", {"expected": expected, "hint": hint}
            ) from None

    return WrapValidator(validate)


def _check_image(text: str) -> None:
    if "://" in text:
        raise RefusedError("an image or registry is named without a scheme", "remove `http(s)://`")
    if not _IMAGE.fullmatch(text):
        raise RefusedError(f"`{text}` is no image name", "such as `prom/prometheus:v3.13.2`")


def _check_network(text: str) -> None:
    if not re.fullmatch(_NETWORK, text):
        raise RefusedError(f"`{text}` is no network name", "`docker network ls` lists them")
    if text in {"bridge", "host", "none"}:
        raise RefusedError(
            f"the network `{text}` knows no names", "the application needs a network of its own"
        )


def _check_mail(text: str) -> None:
    for part in text.split(","):
        if not _MAIL.fullmatch(part.strip()):
            raise RefusedError(f"`{part.strip()}` is no e-mail address")


def _check_memory(size: Size) -> Size:
    if size.bytes < _MEMORY_MIN_BYTES:
        raise refused(f"`{size}` is too little memory for a container", "at least `16MiB`")
    return size


def _check_retention_size(size: Size) -> Size:
    if size.bytes < _RETENTION_MIN_BYTES:
        raise refused(f"`{size}` is too little for Prometheus to keep", "at least `512MiB`")
    return size


def _check_alert_name(text: str) -> None:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", text):
        raise RefusedError(
            f"`{text}` is no alert name", "letters and digits, such as `HighErrorRate`"
        )


def _check_record_name(text: str) -> None:
    if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", text):
        raise RefusedError(f"`{text}` is no metric name", "such as `service:requests:rate5m`")


def _check_variable(text: str) -> None:
    if not re.fullmatch(_VARIABLE, text):
        # Not shown: somebody may have written the value here.
        raise RefusedError("this is no name of a variable", "such as `SLACK_WEBHOOK`")


def _check_metric_names(text: str) -> None:
    if not re.fullmatch(_METRICS, text):
        raise RefusedError(
            f"`{text}` is no metric name", "such as `orders_total`, or `orders_*` for several"
        )


def _check_path(text: str) -> None:
    if not re.fullmatch(r"/[^\s#]*", text):
        raise RefusedError(f"`{text}` is no path", "a path begins with `/` and has no spaces")


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, StringConstraints(min_length=1)]
Severity = Literal["critical", "warning", "info"]

Address = Annotated[
    str,
    _checked(parse_address),
    WithJsonSchema({"type": "string", "pattern": r"^(\[[0-9a-fA-F:.]+\]|[\w.-]+):[0-9]{1,5}$"}),
]
Url = Annotated[
    str,
    _checked(check_url),
    WithJsonSchema({"type": "string", "pattern": r"^https?://[^\s@]+$"}),
]
IpAddress = Annotated[str, _checked(check_ip)]
ImageName = Annotated[str, _checked(_check_image)]
NetworkName = Annotated[
    str, _checked(_check_network), WithJsonSchema({"type": "string", "pattern": f"^{_NETWORK}$"})
]
# As HTTP's basic authentication takes it: no colon; and no space, as it is a word of a label.
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
MailAddress = Annotated[str, _checked(_check_mail)]
Memory = Annotated[Size, AfterValidator(_check_memory)]
RetentionSize = Annotated[Size, AfterValidator(_check_retention_size)]
LabelName = Annotated[
    str,
    _checked(check_label),
    WithJsonSchema({"type": "string", "pattern": "^(?!__|le$)[a-zA-Z_][a-zA-Z0-9_]*$"}),
]
AlertName = Annotated[str, _checked(_check_alert_name)]
RecordName = Annotated[str, _checked(_check_record_name)]
VariableName = Annotated[
    str,
    _checked(_check_variable),
    WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE}$"}),
]
MetricNames = Annotated[
    str,
    _checked(_check_metric_names),
    WithJsonSchema({"type": "string", "pattern": f"^{_METRICS}$"}),
]
UrlPath = Annotated[str, _checked(_check_path), WithJsonSchema({"type": "string", "pattern": "^/"})]

Threshold = Annotated[
    Share | Duration | Size | float | int,
    _one_of("a share (`5%`), a duration (`2s`), a size (`1GiB`) or a number"),
]
Scalar = str | int | float | bool
Setting = Annotated[
    Scalar | tuple[Scalar, ...], _one_of("text, a number, `true`, `false`, or a list of these")
]
