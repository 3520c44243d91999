"""Files that are written once: never over something that is there."""

import os


def write_once(directory: int, name: str, content: bytes, mode: int) -> bool:
    """Make a file that is whole or absent after a crash; False where the name is taken.

    `directory` is an open descriptor. Raises OSError where the file cannot be made.
    """
    temporary = f".{name}.{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(temporary, flags, 0o600, dir_fd=directory)
        try:
            with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor, not a path
                stream.write(content)
                stream.flush()
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
            # A link never replaces what is there; a rename would.
            os.link(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        finally:
            os.unlink(temporary, dir_fd=directory)
        os.fsync(directory)
    except FileExistsError:
        return False
    return True
