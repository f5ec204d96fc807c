"""How passwords are stored: argon2id at the size that OWASP names, so that a login stays under 150 ms."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet); old hashes are upgraded at login."""

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1
