"""Image references as docker spells them."""

from typing import Final

# What Podman puts in front of a name: where docker would look, and where nobody has to.
_IMPLIED: Final = ("docker.io/library/", "docker.io/", "localhost/")


def familiar(reference: str) -> str:
    """Without the registry that goes without saying."""
    prefix = next((one for one in _IMPLIED if reference.startswith(one)), "")
    return reference.removeprefix(prefix)


def split_reference(reference: str) -> tuple[str, str]:
    """Repository, and tag or digest, as the Engine's pull endpoint wants them."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        return repository, digest
    repository, colon, tag = reference.rpartition(":")
    # A colon before a slash belongs to the registry's port.
    return (repository, tag) if colon and "/" not in tag else (reference, "latest")
