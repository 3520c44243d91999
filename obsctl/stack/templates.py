"""Prometheus's templates in annotations and labels: do their actions close, are functions known."""

import difflib
import re
from collections.abc import Iterator
from typing import Final

_FUNCTIONS: Final = frozenset(
    """
    query first label value sortByLabel strvalue args reReplaceAll safeHtml externalURL pathPrefix
    tableLink graphLink humanize humanize1024 humanizeDuration humanizePercentage
    humanizeTimestamp title toUpper toLower match stripPort stripDomain toTime toDuration now
    parseDuration urlQueryEscape
    and or not len index slice print printf println html js urlquery call eq ne lt le gt ge
    if else end range with define template block break continue nil true false
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_VARIABLES: Final = frozenset({"labels", "externalLabels", "externalURL", "value"})
_ACTION: Final = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_COMMENT: Final = re.compile(r"\s*/\*.*\*/\s*", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_WORD: Final = re.compile(r"(?<![\w.$])[A-Za-z_]\w*")
_VARIABLE: Final = re.compile(r"\$(\w*)")
_DECLARED: Final = re.compile(r"\$(\w+)(?=(?:\s*,\s*\$\w+)?\s*:?=)")
_OPENING: Final = re.compile(r"\s*(if|range|with|define|block)\b")


def template_problems(text: str) -> Iterator[tuple[str, str | None]]:
    """Message and hint for everything that Prometheus would refuse in a template."""
    rest = _ACTION.sub("", text)
    if "{{" in rest or "}}" in rest:
        yield "`{{` without its `}}`", None
        return
    actions = [action for action in _ACTION.findall(text) if not _COMMENT.fullmatch(action)]
    own = {name for action in actions for name in _DECLARED.findall(action)}
    depth = 0
    for action in actions:
        bare = _STRING.sub('""', action)
        yield from _unknown(bare, own)
        depth += bool(_OPENING.match(bare)) - (bare.strip() == "end")
    if depth:
        yield "an `if`, `range` or `with` and its `end` do not match", None


def _unknown(action: str, own: set[str]) -> Iterator[tuple[str, str | None]]:
    for word in _WORD.findall(action):
        if word not in _FUNCTIONS:
            near = difflib.get_close_matches(word, _FUNCTIONS, 1)
            yield (
                f"templates have no function `{word}`",
                f"did you mean `{near[0]}`?" if near else None,
            )
    for match in _VARIABLE.finditer(action):
        name = match[1]
        if name and name not in _VARIABLES | own:
            yield (
                f"templates have no variable `${name}`",
                "known: `$labels`, `$value`, `$externalLabels`, `$externalURL`",
            )
