"""host:port addresses, URLs and label names: what they may look like, and why not."""

import re
from dataclasses import dataclass
from functools import cache
from ipaddress import AddressValueError, IPv6Address, ip_address
from urllib.parse import urlsplit

# `_` is not for host names of the internet, but Docker's and Compose's names have it.
_HOST = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    r"(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?"
)
_HOST_MAX = 253
_PORT_MAX = 65535
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class RefusedError(ValueError):
    """A text is not of the wanted form; `hint` says what to write."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class Address:
    """A host (name, IPv4, or IPv6 without brackets) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@cache  # every stage asks for those that it sees
def parse_address(text: str) -> Address:
    """Read `host:port` or `[IPv6]:port`; raises RefusedError for anything else."""
    _refuse_odd_text(text)
    if "://" in text:
        raise RefusedError("an address is `host:port`, without a scheme", _without_scheme(text))
    if "@" in text:
        raise RefusedError("an address holds no user name", "a login has settings of its own")
    if "/" in text:
        raise RefusedError(
            "an address is `host:port`, without a path", "see `metrics_path` for a path"
        )
    if text.startswith("["):
        return _parse_bracketed(text)
    if text.count(":") > 1:
        raise _several_colons(text)
    host, colon, port = text.partition(":")
    if not colon:
        raise RefusedError(f"`{text}` has no port", f"write `{text}:PORT`")
    return Address(_checked_host(host), _checked_port(port))


def check_url(text: str) -> None:
    """Raises RefusedError unless `text` is an http(s) URL with a valid host and port."""
    _refuse_odd_text(text)
    try:
        parts = urlsplit(text)
        port = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")
        host = parts.hostname or ""
    except ValueError as error:
        raise RefusedError(f"not a URL: {str(error).lower()}") from None
    if parts.scheme not in ("http", "https"):
        raise RefusedError("a URL begins with `http://` or `https://`")
    if parts.username is not None or parts.password is not None:
        raise RefusedError(
            "a URL here holds no user name or password", "this file is committed to git"
        )
    if not host:
        raise RefusedError("the host is missing")
    if ":" in host:
        _checked_ipv6(host)
    else:
        _checked_host(host)
    if port[1]:
        _checked_port(port[2])


def check_ip(text: str) -> None:
    """Raises RefusedError unless `text` is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        hint = "`127.0.0.1` keeps the ports on this machine, `0.0.0.0` opens them to all"
        raise RefusedError(f"`{text}` is no IP address", hint) from None


def check_label(name: str) -> None:
    """Raises RefusedError unless `name` may be a label of a rule."""
    if name == "le":
        raise RefusedError("the label `le` belongs to histogram buckets", "choose another name")
    if name.startswith("__"):
        raise RefusedError(f"labels that begin with `__`, such as `{name}`, belong to Prometheus")
    if not _LABEL.fullmatch(name):
        raise RefusedError(
            f"`{name}` is no label name", "letters, digits and `_`, not a digit first"
        )


def _refuse_odd_text(text: str) -> None:
    if not text:
        raise RefusedError("the text is empty")
    if re.search(r"\s", text):
        raise RefusedError(f"`{text}` has a space in it", "write one address or URL per list item")


def _without_scheme(text: str) -> str:
    try:
        parts = urlsplit(text)
        host = parts.netloc.rpartition("@")[2]
        port = parts.port or {"https": 443}.get(parts.scheme, 80)
    except ValueError:
        return "write `host:port`"
    bare = host if re.search(r":[0-9]+$", host) else f"{host}:{port}"
    return f"write `{bare}`" + ("; `scheme: https` is a setting" if text[:5] == "https" else "")


def _parse_bracketed(text: str) -> Address:
    host, bracket, port = text[1:].partition("]")
    if not bracket or not port.startswith(":"):
        raise RefusedError(f"`{text}` has no port", "an IPv6 address is written `[::1]:9100`")
    return Address(_checked_ipv6(host), _checked_port(port[1:]))


def _several_colons(text: str) -> RefusedError:
    host, _, port = text.rpartition(":")
    try:
        IPv6Address(host)
    except AddressValueError:
        return RefusedError(f"`{text}` has more than one `:`", "an address is `host:port`")
    return RefusedError("an IPv6 address needs brackets", f"write `[{host}]:{port}`")


def _checked_ipv6(host: str) -> str:
    try:
        return str(IPv6Address(host))
    except AddressValueError:
        raise RefusedError(f"`{host}` is no IPv6 address") from None


def _checked_host(host: str) -> str:
    if not host:
        raise RefusedError("the host is missing", "an address is `host:port`")
    if len(host) > _HOST_MAX or not _HOST.fullmatch(host):
        raise RefusedError(
            f"`{host}` is no host name", "letters, digits, `-` and `.`; at most 63 between dots"
        )
    if re.fullmatch(r"[0-9.]+", host):
        try:
            ip_address(host)
        except ValueError:
            raise RefusedError(f"`{host}` is no IP address") from None
    return host


def _checked_port(port: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= _PORT_MAX:
        raise RefusedError(f"`{port}` is no port", f"a port is a number from 1 to {_PORT_MAX}")
    return int(port)
