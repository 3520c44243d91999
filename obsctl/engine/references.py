"""Image references as docker spells them."""


def split_reference(reference: str) -> tuple[str, str]:
    """Repository, and tag or digest, as the Engine's pull endpoint wants them."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        return repository, digest
    repository, colon, tag = reference.rpartition(":")
    # A colon before a slash belongs to the registry's port.
    return (repository, tag) if colon and "/" not in tag else (reference, "latest")
