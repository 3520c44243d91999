"""Security, templates, policies and data streams of the Elasticsearch stand-in."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from es_security import MIN_PASSWORD, RESERVED, RESERVED_USERS, Principal, check_role, es_error
from es_settings import flatten, text
from es_store import Store, nested_settings
from standin import Faults, HttpError
from standin_http import hash_password, load_json, password_matches

Json = Any
ACK = {"acknowledged": True}


class Management:
    """What administrators do."""

    def __init__(self, store: Store, faults: Faults, file_realm: Path | None = None) -> None:
        self.store = store
        self.faults = faults
        self.file_realm = file_realm

    def bootstrap(self, password: str) -> None:
        """Set the password of `elastic` at the first start only."""
        users = self.store.state["users"]
        if "elastic" not in users:
            users["elastic"] = {"hash": hash_password(password), "roles": ["superuser"]}
            self.store.save()

    def authenticate(self, user: str, password: str) -> Principal | None:
        """Return the principal of valid credentials."""
        known = self._of_the_file_realm(user) or self.store.state["users"].get(user)
        if "refuse-password" in self.faults or not known or not known.get("enabled", True):
            return None
        if not password_matches(password, known["hash"]):
            return None
        return Principal(user, known["roles"], {**self.store.state["roles"], **RESERVED})

    def _of_the_file_realm(self, user: str) -> dict[str, Any] | None:
        """Return a user of a command that has the node's own files."""
        found = load_json(self.file_realm, {}).get(user) if self.file_realm else None
        return {"hash": found, "roles": ["superuser"]} if found else None

    def user_view(self, name: str) -> dict[str, Any]:
        """Return a user as the API shows it."""
        user = self.store.state["users"].get(name, {"roles": RESERVED_USERS.get(name, [])})
        reserved = {"_reserved": True} if name in RESERVED_USERS else {}
        return {
            "username": name,
            "roles": user["roles"],
            "full_name": user.get("full_name"),
            "email": user.get("email"),
            "metadata": {**user.get("metadata", {}), **reserved},
            "enabled": user.get("enabled", True),
        }

    def put_user(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create or change a native user."""
        users = self.store.state["users"]
        if name in RESERVED_USERS:
            raise invalid(f"user [{name}] is reserved")
        if not isinstance(body.get("roles"), list):
            raise invalid("roles are missing")
        created = name not in users
        if created and not body.get("password") and not body.get("password_hash"):
            raise invalid("password must be specified unless you are updating an existing user")
        kept = {} if created else {"hash": users[name]["hash"]}
        if body.get("password"):
            kept["hash"] = hash_password(checked(body["password"]))
        if "hash" not in kept:
            raise invalid("stand-in: password_hash is not stood in for")
        fields = ("roles", "full_name", "email", "metadata", "enabled")
        users[name] = {**kept, **{key: body[key] for key in fields if key in body}}
        self.store.save()
        return {"created": created}

    def set_password(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change the password of a native or reserved user."""
        users = self.store.state["users"]
        hashed = hash_password(checked(body.get("password")))
        if name not in users and name not in RESERVED_USERS:
            raise invalid("user must exist in order to change password")
        users.setdefault(name, {"roles": RESERVED_USERS.get(name, [])})["hash"] = hashed
        self.store.save()
        return {}

    def put_role(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create or change a role."""
        if name in RESERVED:
            raise invalid(f"Role [{name}] is reserved and may not be used.")
        check_role(name, body)
        created = name not in self.store.state["roles"]
        role: dict[str, Any] = {
            "cluster": [],
            "indices": [],
            "applications": [],
            "run_as": [],
            "metadata": {},
        }
        self.store.state["roles"][name] = {**role, **body}
        self.store.save()
        return {"role": {"created": created}}

    def put_template(self, kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Store a `components` or `templates` entry, its settings in Elasticsearch's form."""
        known = {"template", "version", "_meta", "deprecated", "index_patterns", "composed_of",
                 "priority", "data_stream", "allow_auto_create",
                 "ignore_missing_component_templates"}  # fmt: skip
        if unknown := set(body) - known:
            reason = f"[1:1] [{kind}] unknown field [{min(unknown)}]"
            raise es_error(400, "x_content_parse_exception", reason)
        if kind == "templates":
            self._check_index_template(name, body)
        elif not isinstance(body.get("template"), dict):
            raise invalid("Required [template]")
        template = dict(body.get("template") or {})
        if "settings" in template:
            template["settings"] = nested_settings(template["settings"])
        if "lifecycle" in template:
            template["lifecycle"] = {"enabled": True, **template["lifecycle"]}
        if "lose-template" not in self.faults:
            entry = {**body, "template": template} if template else body
            self.store.state[kind][name] = entry
            self.store.save()
        return ACK

    def _check_index_template(self, name: str, body: dict[str, Any]) -> None:
        if not body.get("index_patterns"):
            raise invalid("index patterns are missing")
        optional = set(body.get("ignore_missing_component_templates") or [])
        missing = set(body.get("composed_of") or []) - set(self.store.components) - optional
        if missing:
            reason = (
                f"index template [{name}] specifies component templates {sorted(missing)}"
                " that do not exist"
            )
            raise invalid(reason)

    def put_policy(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Store a lifecycle policy."""
        policy = body.get("policy")
        if not isinstance(policy, dict) or not isinstance(policy.get("phases"), dict):
            raise invalid("[policy] with [phases] is required")
        self.store.state["ilm"][name] = policy
        self.store.save()
        return ACK

    def put_settings(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change cluster settings; null removes one."""
        if not set(body) & {"persistent", "transient"}:
            raise es_error(400, "action_request_validation_exception", "no settings to update")
        for kind in ("persistent", "transient"):
            target = self.store.state["settings"][kind]
            for key, value in flatten(body.get(kind) or {}).items():
                target.pop(key, None)
                if value is not None:
                    target[key] = text(value)
        self.store.save()
        return {**ACK, **self.store.state["settings"]}

    def put_lifecycle(self, expression: str, body: dict[str, Any]) -> dict[str, Any]:
        """Set the retention of existing data streams."""
        names = self.store.names(expression, streams=True)
        if not names and "*" not in expression:
            reason = f"no such index [{expression}]"
            raise es_error(404, "index_not_found_exception", reason, index=expression)
        for name in names:
            self.store.state["indices"][name]["lifecycle"] = {"enabled": True, **body}
        self.store.save()
        return ACK

    def lifecycles(self, expression: str) -> dict[str, Any]:
        """List data streams with their lifecycles only."""
        streams = [
            {"name": name, **optional("lifecycle", self.lifecycle(name))}
            for name in self.store.names(expression, streams=True)
        ]
        return {"global_retention": {}, "data_streams": streams}

    def lifecycle(self, name: str) -> dict[str, Any] | None:
        """Return a stream's own lifecycle with what is derived from it."""
        lifecycle: dict[str, Any] | None = self.store.state["indices"][name]["lifecycle"]
        if not lifecycle or "data_retention" not in lifecycle:
            return lifecycle
        retention = lifecycle["data_retention"]
        by = "data_stream_configuration"
        return {**lifecycle, "effective_retention": retention, "retention_determined_by": by}

    def stream_view(self, name: str) -> dict[str, Any]:
        """Return a data stream as the API shows it."""
        meta = self.store.state["indices"][name]
        ilm = meta["ilm_policy"] and (meta["prefer_ilm"] or not meta["lifecycle"])
        managed = "Index Lifecycle Management" if ilm else "Data stream lifecycle"
        managed = managed if ilm or meta["lifecycle"] else "Unmanaged"
        policy = optional("ilm_policy", meta["ilm_policy"])
        backing = {"index_name": self.store.backing(name), "index_uuid": meta["uuid"]}
        shared = {"prefer_ilm": meta["prefer_ilm"], **policy}
        return {
            "name": name,
            "timestamp_field": {"name": "@timestamp"},
            "indices": [{**backing, **shared, "managed_by": managed}],
            "generation": 1,
            "status": "YELLOW" if meta["replicas"] else "GREEN",
            "template": meta["template"],
            **optional("lifecycle", self.lifecycle(name)),
            **shared,
            "next_generation_managed_by": managed,
            "hidden": False,
            "system": False,
            "allow_custom_routing": False,
            "replicated": False,
            "rollover_on_write": False,
        }


def optional(key: str, value: Json) -> dict[str, Any]:
    """Return {key: value}, or nothing."""
    return {key: value} if value is not None else {}


def pick(entries: dict[str, Any], pattern: str, what: str) -> dict[str, Any]:
    """Return the entries that a name or pattern names; 404 for a name that is not there."""
    found = {
        name: entry
        for name, entry in sorted(entries.items())
        if any(fnmatchcase(name, part) for part in pattern.split(","))
    }
    if not found and "*" not in pattern:
        reason = f"{what} matching [{pattern}] not found"
        raise es_error(404, "resource_not_found_exception", reason)
    return found


def checked(password: object) -> str:
    """Return a password of sufficient length."""
    if not isinstance(password, str) or len(password) < MIN_PASSWORD:
        raise invalid(f"passwords must be at least [{MIN_PASSWORD}] characters long")
    return password


def invalid(reason: str) -> HttpError:
    """Return the 400 of a request that fails validation."""
    full = f"Validation Failed: 1: {reason};"
    return es_error(400, "action_request_validation_exception", full)
