"""Unified diffs that stay fast on files of a million lines.

difflib alone takes time by the square of the lines; here lines that are unique in both files
anchor the comparison, and difflib sees only what lies between two anchors.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_CONTEXT = 3
# Between two anchors; beyond it, one side is told as replaced by the other.
_COMPARED_MAX = 4_000_000
# One line in so many may differ for the cheap comparison; a moved line makes more differ.
_STAY_IN_PLACE = 4

Opcode = tuple[str, int, int, int, int]


def unified(old: str, new: str, before: str, after: str) -> str:
    """The difference in the form of `diff -u`; "" where there is none."""
    if old == new:
        return ""
    a, b = old.splitlines(), new.splitlines()
    hunks = _Compared(a, b).get_grouped_opcodes(_CONTEXT)
    lines = [f"--- {before}", f"+++ {after}"]
    for hunk in hunks:
        first, last = hunk[0], hunk[-1]
        lines.append(f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@")
        for tag, i1, i2, j1, j2 in hunk:
            if tag == "equal":
                lines += [f" {line}" for line in a[i1:i2]]
            else:
                lines += [f"-{line}" for line in a[i1:i2]]
                lines += [f"+{line}" for line in b[j1:j2]]
    return "\n".join(lines) + "\n"


def _span(start: int, stop: int) -> str:
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


class _Compared(SequenceMatcher[str]):
    """difflib's grouping into hunks, on opcodes that were found segment by segment."""

    def __init__(self, a: Sequence[str], b: Sequence[str]) -> None:
        super().__init__(None, (), ())
        self._found = list(_joined(_opcodes(a, b)))

    def get_opcodes(self) -> list[Opcode]:  # type: ignore[override] # tags are plain strings here
        return list(self._found)


def _opcodes(a: Sequence[str], b: Sequence[str]) -> Iterator[Opcode]:
    i = j = 0
    for anchor_i, anchor_j in [*_anchors(a, b), (len(a), len(b))]:
        yield from _segment(a, b, (i, anchor_i, j, anchor_j))
        if anchor_i < len(a):
            yield "equal", anchor_i, anchor_i + 1, anchor_j, anchor_j + 1
        i, j = anchor_i + 1, anchor_j + 1


def _segment(
    a: Sequence[str], b: Sequence[str], between: tuple[int, int, int, int]
) -> Iterator[Opcode]:
    i1, i2, j1, j2 = between
    if a[i1:i2] == b[j1:j2]:
        if i1 < i2:
            yield "equal", i1, i2, j1, j2
    elif (replaced := _replaced_in_place(a[i1:i2], b[j1:j2])) is not None:
        for k, tag in enumerate(replaced):
            yield tag, i1 + k, i1 + k + 1, j1 + k, j1 + k + 1
    elif (i2 - i1) * (j2 - j1) > _COMPARED_MAX:
        yield "replace", i1, i2, j1, j2
    else:
        matcher = SequenceMatcher(None, a[i1:i2], b[j1:j2], autojunk=False)
        for tag, p1, p2, q1, q2 in matcher.get_opcodes():
            yield tag, i1 + p1, i1 + p2, j1 + q1, j1 + q2


def _replaced_in_place(a: Sequence[str], b: Sequence[str]) -> list[str] | None:
    """A tag a line where most lines stay in their places, as when values change; else None."""
    if len(a) != len(b):
        return None
    tags = ["equal" if before == after else "replace" for before, after in zip(a, b, strict=True)]
    return tags if tags.count("replace") * _STAY_IN_PLACE <= len(tags) else None


def _joined(opcodes: Iterator[Opcode]) -> Iterator[Opcode]:
    """Neighbours of the same kind as one."""
    last: Opcode | None = None
    for opcode in opcodes:
        if last and last[0] == opcode[0]:
            last = (last[0], last[1], opcode[2], last[3], opcode[4])
            continue
        if last:
            yield last
        last = opcode
    if last:
        yield last


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Lines that are unique in both, as many as keep their order: the longest rising run."""
    once_in_a, once_in_b = _places_of_unique(a), _places_of_unique(b)
    pairs = [(i, once_in_b[line]) for line, i in once_in_a.items() if line in once_in_b]
    tops: list[int] = []  # smallest last place in b of a run of each length
    ends: list[int] = []  # index of that pair
    previous: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(tops, j)
        previous.append(ends[length - 1] if length else -1)
        if length == len(tops):
            tops.append(j)
            ends.append(index)
        else:
            tops[length], ends[length] = j, index
    run = []
    index = ends[-1] if ends else -1
    while index >= 0:
        run.append(pairs[index])
        index = previous[index]
    return run[::-1]


def _places_of_unique(lines: Sequence[str]) -> dict[str, int]:
    counts = Counter(lines)
    return {line: index for index, line in enumerate(lines) if counts[line] == 1}
