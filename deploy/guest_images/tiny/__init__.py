"""The image tiny: Debian's kernel, busybox and an SSH server."""
