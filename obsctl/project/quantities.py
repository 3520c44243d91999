"""Durations, sizes and shares: text in the project file, exact numbers behind it."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_DURATION_MS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_SIZE_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE_BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

# Prometheus holds durations as 64-bit nanoseconds: 292 years. The Engine holds bytes in 63 bits.
_TEXT_MAX = 40
_LONGEST_MS = 100 * _DURATION_MS["y"]
_LARGEST_BYTES = 2**50


class Quantity(str):
    """A string of a fixed form; keeps the spelling of the user.

    Raises ValueError for another form or a size that nothing downstream can hold.
    """

    __slots__ = ()
    pattern: ClassVar[str]
    noun: ClassVar[str]
    example: ClassVar[str]
    units: ClassVar[str]

    def __new__(cls, text: str) -> Self:
        if not re.fullmatch(cls.pattern, text):
            raise ValueError(f"`{text}` is no {cls.noun} such as `{cls.example}`")
        self = super().__new__(cls, text)
        self._check_range()
        return self

    def _check_range(self) -> None:
        """Raises ValueError where the number is beyond what the stack can hold."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def parse(value: object, strict_text: core_schema.ValidatorFunctionWrapHandler) -> object:
            if not isinstance(value, str):
                raise cls._unexpected(hint=cls._with_unit(value))
            try:
                return cls(strict_text(value))
            except ValueError as error:
                raise cls._unexpected(hint=cls._advice(value, error)) from None

        text = core_schema.str_schema(strict=True)
        return core_schema.no_info_wrap_validator_function(
            parse,
            text,
            serialization=core_schema.to_string_ser_schema(),
            metadata={
                "pydantic_js_updates": {"pattern": f"^{cls.pattern}$", "examples": [cls.example]}
            },
        )

    @classmethod
    def _unexpected(cls, hint: str) -> PydanticCustomError:
        expected = f"a {cls.noun} such as `{cls.example}`"
        return PydanticCustomError(
            "expected", "expected {expected}", {"expected": expected, "hint": hint}
        )

    @classmethod
    def _advice(cls, text: str, error: ValueError) -> str:
        message = str(error)
        if re.fullmatch(cls.pattern, text):
            return message  # the form is right, the range is not
        if len(text) > _TEXT_MAX:
            return cls.units
        nearest = cls._nearest(re.sub(r"\s+", "", text))
        return f"write `{nearest}`" if re.fullmatch(cls.pattern, nearest) else cls.units

    @classmethod
    def _nearest(cls, text: str) -> str:
        """What was probably meant; `text` has no spaces."""
        return text

    @classmethod
    def _with_unit(cls, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            return cls.units
        written = " or ".join(f"`{value}{unit}`" for unit in cls._common_units())
        return f"write the unit too: {written}"

    @classmethod
    def _common_units(cls) -> tuple[str, ...]:
        return ("s", "m")


class Duration(Quantity):
    """Prometheus's spelling: `15s`, `1h30m`, `2w`; zero is no duration."""

    __slots__ = ()
    # [0-9], not \d: that one takes the digits of every script.
    pattern = (
        r"(?=.*[1-9])([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m(?!s))?([0-9]+s)?([0-9]+ms)?"
    )
    noun = "duration"
    example = "15s"
    units = "units: `ms`, `s`, `m`, `h`, `d`, `w`, `y`, the largest first, as in `1h30m`"

    @classmethod
    def _nearest(cls, text: str) -> str:
        long_unit = r"([0-9]+)(s|m|h|d|w|y)(econd|ec|inute|in|our|ay|eek|ear)s?"
        return re.sub(long_unit, r"\1\2", text.lower())

    @property
    def seconds(self) -> float:
        return self._milliseconds / 1000

    @property
    def _milliseconds(self) -> int:
        return _milliseconds(str(self))

    def _check_range(self) -> None:
        # The length first: int() refuses thousands of digits with an error of its own.
        if len(self) > _TEXT_MAX or self._milliseconds > _LONGEST_MS:
            raise ValueError("a duration is at most 100y")


@lru_cache(maxsize=1024)  # the catalogue's waits come back for each service
def _milliseconds(text: str) -> int:
    parts = re.findall(r"([0-9]+)(ms|[smhdwy])", text)
    return sum(int(count) * _DURATION_MS[unit] for count, unit in parts)


class Size(Quantity):
    """A number of bytes with its unit: `512MiB`, `2GiB`, `10GB`."""

    __slots__ = ()
    pattern = r"(?=.*[1-9])(0|[1-9][0-9]*)(\.[0-9]+)?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)"
    noun = "size"
    example = "2GiB"
    units = "units: `KiB`, `MiB`, `GiB`, `TiB`, or the decimal `KB`, `MB`, `GB`, `TB`"

    @classmethod
    def _nearest(cls, text: str) -> str:
        match = re.fullmatch(r"([0-9.]+)([kmgt])(i?b)?", text, re.IGNORECASE)
        return f"{match[1]}{match[2].upper()}iB" if match else text

    @property
    def bytes(self) -> int:
        match = re.fullmatch(r"([0-9.]+)([KMGT]?i?B)", self)
        assert match is not None  # noqa: S101 - __new__ has checked the form
        return int(Decimal(match[1]) * _SIZE_BYTES[match[2]])

    def _check_range(self) -> None:
        if not 1 <= self.bytes <= _LARGEST_BYTES:
            raise ValueError("a size is at least 1B and at most 1024TiB")

    @classmethod
    def _common_units(cls) -> tuple[str, ...]:
        return ("MiB", "GiB")


class Share(Quantity):
    """A percentage from 0% to 100%: `5%`, `99.9%`."""

    __slots__ = ()
    pattern = r"(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%"
    noun = "share"
    example = "5%"
    units = "a share is a percentage from `0%` to `100%`"

    @property
    def ratio(self) -> float:
        return float(Decimal(self.rstrip("%")) / 100)

    @classmethod
    def _with_unit(cls, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return cls.units
        percent = Decimal(str(value)) * (100 if 0 < value < 1 else 1)
        return f"write `{percent.normalize():f}%`" if 0 <= percent <= 100 else cls.units  # noqa: PLR2004
