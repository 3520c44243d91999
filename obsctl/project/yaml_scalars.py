"""What a plain scalar means by the core schema of YAML 1.2."""

import re

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER_START = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DIGITS_MAX = 18  # a 64-bit number


def resolve(text: str) -> object:
    """A plain scalar by the core schema: dates, `NO`, `on` and `22:22` are text.

    Raises ValueError for numbers that no configuration can hold.
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INT.fullmatch(text) or _OCTAL_HEX.fullmatch(text):
        return _integer(text)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"`{text}` is no number that a configuration can hold")
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise _too_large(text)
        return number
    return text


def _integer(text: str) -> int:
    if len(text.lstrip("+-0ox")) > _DIGITS_MAX:
        raise _too_large(text)
    # int(text, 0) would refuse the leading zeros that YAML 1.2 reads as decimal.
    base = {"0o": 8, "0x": 16}.get(text[:2])
    return int(text) if base is None else int(text[2:], base)


def _too_large(text: str) -> ValueError:
    shown_max = 24
    if len(text) <= shown_max:
        return ValueError(f"the number `{text}` is too large")
    return ValueError(f"the number `{text[:shown_max]}...` of {len(text)} characters is too large")
