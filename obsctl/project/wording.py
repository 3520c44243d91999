"""Says in plain words what the schema found wrong with a value."""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from obsctl.project.document import Document, KeyPath
from obsctl.project.known_keys import fields_at, known_keys_hint
from obsctl.project.masking import LOGIN, looks_secret, mask_url

_SHOWN_MAX = 60

# pydantic's error type -> what a user would call the wanted thing.
_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "`true` or `false`",
    "tuple_type": "a list",
    "dict_type": "a section (`key: value`)",
    "model_type": "a section (`key: value`)",
    "model_attributes_type": "a section (`key: value`)",
}
_NAME_MAX = 63
_NAME_RULE = "names have `a-z`, `0-9`, `-` and `_`, at most 63, a letter or digit at both ends"


class Wording:
    """Message and hint for one error of the schema, found at `path` in the document."""

    def __init__(self, document: Document, path: KeyPath, error: ErrorDetails) -> None:
        self._document = document
        self._path = path
        self._error = error
        self._context: dict[str, Any] = error.get("ctx", {})

    def tell(self) -> tuple[str, str | None]:
        kind = self._error["type"]
        if self._context.get("class_name") == "SecretReference" and kind in _EXPECTED:
            return self._literal_secret()
        if self._context.get("class_name") == "SecretSource" and kind in _EXPECTED:
            return self._literal_source()
        if kind in _EXPECTED:
            return self._wrong_type(_EXPECTED[kind], self._type_hint(kind))
        tellers: dict[str, Callable[[], tuple[str, str | None]]] = {
            "missing": self._missing,
            "extra_forbidden": self._unknown,
            "plain": self._plain,
            "expected": self._wrong_form,
            "literal_error": self._not_a_choice,
            "greater_than_equal": self._out_of_range,
            "less_than_equal": self._out_of_range,
            "string_pattern_mismatch": self._no_name,
            "string_too_short": self._empty,
        }
        return tellers.get(kind, self._other)()

    def _plain(self) -> tuple[str, str | None]:
        return mask_url(self._context["message"]), self._context["hint"]

    def _wrong_form(self) -> tuple[str, str | None]:
        return self._wrong_type(self._context["expected"], self._context["hint"])

    def _empty(self) -> tuple[str, str | None]:
        return f"`{self._label()}` is empty", None

    def _other(self) -> tuple[str, str | None]:
        return f"`{self._label()}`: {self._error['msg'].lower()}", None

    def _label(self) -> str:
        """What the value is called: its key, or the key of the list that holds it."""
        keys = [part for part in self._path if isinstance(part, str)]
        return keys[-1] if keys else "the file"

    def _hides(self) -> bool:
        keys = [part for part in self._path if isinstance(part, str)]
        return LOGIN in keys or any(map(looks_secret, keys))

    def _literal_secret(self) -> tuple[str, str]:
        name = self._label()
        if isinstance(self._error["input"], dict | tuple):
            return f"`{name}` is not a reference to a secret", "write `{ secret: NAME }`"
        return (
            f"`{name}` holds the secret itself; this file may only name it",
            "write `{ secret: NAME }` and put the value into `secrets/NAME`",
        )

    def _literal_source(self) -> tuple[str, str]:
        message = f"`{self._label()}` is no source of a secret"
        return message, "write `{ env: VAR }`, `{ file: PATH }` or `{ exec: [PROGRAM, ...] }`"

    def _missing(self) -> tuple[str, str | None]:
        *above, name = self._path
        field = fields_at(tuple(above)).get(str(name))
        message = f"`{name}` is missing{_within(above)}"
        if field is None or name == "version":
            return message, "write `version: 1`"
        return message, _as_hint(field.description)

    def _unknown(self) -> tuple[str, str | None]:
        *above, name = self._path
        known = tuple(fields_at(tuple(above)))
        return f"unknown setting `{name}`{_within(above)}", known_keys_hint(str(name), known)

    def _wrong_type(self, expected: str, hint: str | None) -> tuple[str, str | None]:
        message = f"expected {expected} for `{self._label()}`"
        return (message if self._hides() else f"{message}, got {self._got()}"), hint

    def _got(self) -> str:
        value = self._error["input"]
        match value:
            case None:
                return "nothing"
            case dict():
                return "a section"
            case tuple():
                return "a list"
            case str():
                return f"text `{_shortened(mask_url(value))}`"
        return f"`{_shortened(self._raw())}`"

    def _raw(self) -> str:
        return self._document.raw(self._path) or str(self._error["input"])

    def _type_hint(self, kind: str) -> str | None:
        value = self._error["input"]
        if kind == "string_type" and isinstance(value, bool | int | float):
            return None if self._hides() else f"write it in quotes: `'{self._raw()}'`"
        if kind in ("int_type", "float_type") and isinstance(value, str) and value.isdecimal():
            return "remove the quotes"
        if kind == "bool_type" and str(value).lower() in ("yes", "no", "on", "off", "y", "n"):
            return f"`{value}` is text in YAML 1.2; write `true` or `false`"
        if kind == "tuple_type" and isinstance(value, str | int | float) and not self._hides():
            return f"write it as a list: `[{_shortened(self._raw())}]`"
        return None

    def _not_a_choice(self) -> tuple[str, str | None]:
        choices = str(self._context["expected"]).replace("'", "`").replace(" or ", ", ")
        if not choices.startswith("`"):
            choices = f"`{choices}`"
        wanted = choices if ", " not in choices else f"one of {choices}"
        known = choices.split("`")[1::2]
        if self._error["input"] in known and not wanted.startswith("one of"):
            return self._wrong_type(wanted, "remove the quotes")
        nearest = get_close_matches(str(self._error["input"]), known, 1)
        hint = f"did you mean `{nearest[0]}`?" if nearest else None
        return self._wrong_type(wanted, hint)

    def _out_of_range(self) -> tuple[str, None]:
        least, most = self._context.get("ge"), self._context.get("le")
        bound = f"at most {most}" if least is None else f"at least {least}"
        return f"`{self._label()}` must be {bound}, got `{_shortened(self._raw())}`", None

    def _no_name(self) -> tuple[str, str]:
        if self._hides() and "[key]" not in self._error["loc"]:
            return f"the value of `{self._label()}` is no name of a secret", _NAME_RULE
        name = str(self._error["input"])
        nearest = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
        hint = f"such as `{nearest}`; {_NAME_RULE}" if 0 < len(nearest) <= _NAME_MAX else _NAME_RULE
        return f"`{_shortened(name)}` is no valid name", hint


def _within(above: Sequence[str | int]) -> str:
    """The section that a key belongs to; nothing at the top of the file."""
    match above:
        case [*_, str(name)]:
            return f" in `{name}`"
        case [*_, str(name), int(index)]:
            return f" in item {index + 1} of `{name}`"
    return ""


def _as_hint(description: str | None) -> str | None:
    """A sentence of the schema in the form of a hint: lower case, no final period."""
    if not description:
        return None
    first = description.split(maxsplit=1)[0]
    lowered = description[0].lower() if first[1:] == first[1:].lower() else description[0]
    hint = lowered + description[1:]
    return hint if hint.endswith("...") else hint.removesuffix(".")


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."
