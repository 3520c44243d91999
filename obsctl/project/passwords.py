"""bcrypt, the one form in which Prometheus and its kin take a password's hash."""


def hashed(password: bytes, rounds: int) -> str:
    """A hash with a salt of its own; 2^rounds iterations."""
    import bcrypt

    return bcrypt.hashpw(password, bcrypt.gensalt(rounds)).decode("ascii")


def is_hash_of(value: str, password: bytes) -> bool:
    """Whether a hash was made of this password; False for what is no hash."""
    import bcrypt

    try:
        return bcrypt.checkpw(password, value.encode())
    except ValueError:
        return False
