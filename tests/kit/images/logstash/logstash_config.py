"""The Logstash configuration language: text to sections of plugins and conditionals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from logstash_tokens import ConfigurationError, Token, expected, tokenize, unquote

Json = Any

VARIABLE = re.compile(r"\$\{([A-Za-z_.][\w.]*)(?::([^}]*))?\}")


@dataclass(frozen=True)
class Plugin:
    """One plugin of a section."""

    section: str
    name: str
    options: dict[str, Any]
    identifier: str


@dataclass(frozen=True)
class Branch:
    """One `if`, with its alternatives; a condition of None is `else`."""

    arms: list[tuple[Any, list[Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class Selector:
    """A field reference inside a condition."""

    path: str


class Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str, environment: Mapping[str, str]) -> None:
        self.tokens = list(tokenize(text))
        self.position = 0
        self.environment = environment
        self.count = 0
        last = self.tokens[-1] if self.tokens else Token("end", "", 1, 1)
        self.end = Token("end", "", last.line, last.column + len(last.text))

    def peek(self, ahead: int = 0) -> Token:
        """Return a coming token without taking it."""
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else self.end

    def take(self, text: str = "", kind: str = "") -> Token:
        """Take the next token, which must be the given one."""
        token = self.peek()
        if token.kind == "end" or (text and token.text != text) or (kind and token.kind != kind):
            raise expected(repr(text or kind or "more"), token.line, token.column)
        self.position += 1
        return token

    def accept(self, text: str) -> bool:
        """Take the next token if it is the given one."""
        found = self.peek().text == text and self.peek().kind != "string"
        self.position += found
        return found

    def configuration(self) -> dict[str, list[Any]]:
        """Return the plugins and branches of each section."""
        sections: dict[str, list[Any]] = {"input": [], "filter": [], "output": []}
        while self.peek().kind != "end":
            name = self.take(kind="word")
            if name.text not in sections:
                raise expected("input, filter, output", name.line, name.column)
            sections[name.text] += self.block(name.text)
        return sections

    def block(self, section: str) -> list[Any]:
        """Return what stands between braces."""
        self.take("{")
        entries: list[Any] = []
        while not self.accept("}"):
            entries.append(self.branch(section) if self.peek().text == "if"
                           else self.plugin(section))  # fmt: skip
        return entries

    def branch(self, section: str) -> Branch:
        """Return an if / else if / else."""
        self.take("if")
        arms: list[tuple[Any, list[Any]]] = [(self.condition(), self.block(section))]
        while self.accept("else"):
            if self.accept("if"):
                arms.append((self.condition(), self.block(section)))
            else:
                arms.append((None, self.block(section)))
                break
        return Branch(arms)

    def plugin(self, section: str) -> Plugin:
        """Return a plugin with its options."""
        name = self.take(kind="word").text
        options = self.options()
        self.count += 1
        return Plugin(section, name, options, str(options.get("id") or f"{name}-{self.count}"))

    def options(self) -> dict[str, Any]:
        """Return `{ key => value ... }`; hashes of a repeated key merge."""
        self.take("{")
        options: dict[str, Any] = {}
        while not self.accept("}"):
            token = self.take()
            if token.kind not in {"word", "string"}:
                raise expected('a name, "}"', token.line, token.column)
            key = unquote(token.text) if token.kind == "string" else token.text
            self.take("=>")
            value = self.value()
            known = options.get(key)
            both = isinstance(known, dict) and isinstance(value, dict)
            options[key] = {**known, **value} if both and known is not None else value
        return options

    def value(self) -> Json:  # noqa: PLR0911 - one kind of value each
        """Return an option's value: text, number, list, hash or codec."""
        token = self.peek()
        if token.text == "{":
            return self.options()
        if token.kind == "selector":
            return self.selector_list()
        if self.accept("["):
            return self.listing()
        self.take()
        if token.kind == "string":
            return self.substitute(unquote(token.text))
        if token.kind == "number":
            return float(token.text) if "." in token.text else int(token.text)
        if token.kind != "word":
            raise expected("a value", token.line, token.column)
        if self.peek().text == "{":
            return {"codec": token.text, **self.options()}
        return self.substitute(token.text)

    def selector_list(self) -> list[Any]:
        """Return `[word]`, which reads like a field reference, as the list that it is."""
        return [int(part) if part.isdigit() else part
                for part in self.take().text[1:-1].split("][")]  # fmt: skip

    def listing(self) -> list[Any]:
        """Return the rest of a list."""
        items: list[Any] = []
        while not self.accept("]"):
            items.append(self.value())
            if self.peek().text != "]":
                self.take(",")
        return items

    def substitute(self, text: str) -> str:
        """Replace `${VAR}` and `${VAR:default}`; an undefined one is an error."""

        def replace(match: re.Match[str]) -> str:
            value = self.environment.get(match[1], match[2])
            if value is None:
                raise ConfigurationError(
                    f"Cannot evaluate `{match[0]}`. Replacement variable `{match[1]}` is not"
                    " defined in a Logstash secret store or an Environment entry and there is no"
                    " default value given."
                )
            return value

        return VARIABLE.sub(replace, text)

    def condition(self) -> Json:
        """Return a condition as nested tuples: ("or", a, b), ("==", x, y), ("not", x) ..."""
        left = self.comparison()
        while self.peek().text in {"and", "or", "xor", "nand"}:
            left = (self.take().text, left, self.comparison())
        return left

    def comparison(self) -> Json:
        """Return one comparison, negation or parenthesis."""
        if self.accept("!"):
            return ("not", self.comparison())
        if self.accept("("):
            inner = self.condition()
            self.take(")")
            return inner
        left = self.operand()
        if self.peek().kind == "compare":
            return (self.take().text, left, self.operand())
        if self.accept("in"):
            return ("in", left, self.operand())
        if self.peek().text == "not" and self.peek(1).text == "in":
            self.position += 2
            return ("not", ("in", left, self.operand()))
        return ("there", left)

    def operand(self) -> Json:
        """Return a field reference, literal, list or regular expression."""
        token = self.peek()
        if token.kind == "selector":
            return Selector(self.take().text)
        if token.kind == "regex":
            return self.take().text[1:-1]
        return self.value()


def parse(text: str, environment: Mapping[str, str]) -> dict[str, list[Any]]:
    """Parse a configuration; raise ConfigurationError."""
    return Parser(text, environment).configuration()


def plugins(entries: list[Any]) -> Iterator[Plugin]:
    """Yield all plugins of a section, those inside branches too."""
    for entry in entries:
        if isinstance(entry, Plugin):
            yield entry
        else:
            for _, inner in entry.arms:
                yield from plugins(inner)
