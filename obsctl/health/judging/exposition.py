"""Series in Prometheus's text format, as far as counters need it; pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_LINE: Final = re.compile(r"^([\w:]+)\{([^\n]*)\} (\S+)", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def labelled(text: str, name: str) -> Iterator[tuple[Mapping[str, str], float]]:
    """Labels and value of each series of a metric; those without a label are left out."""
    for line in _LINE.finditer(text):
        if line[1] == name:
            yield dict(_LABEL.findall(line[2])), float(line[3])
