"""The config drive: an ISO 9660 image in which a guest finds its metadata."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from workers.drivers import values
from workers.drivers.errors import SpecInvalid

if TYPE_CHECKING:
    import pycdlib

VOLUME_LABEL = "config-2"
"""What cloud-init looks for (OpenStack's config drive, version 2)."""

_NAME_LIMIT = 64  # Joliet's, in characters


def check_paths(files: Mapping[str, bytes]) -> None:
    """Raise SpecInvalid unless every path is relative and plain."""
    for path in files:
        _check(path)


def build(files: Mapping[str, bytes]) -> bytes:
    """The image's bytes, with Joliet and Rock Ridge, so that every system sees the same names.

    Raises SpecInvalid for a path that is not relative and plain.
    """
    import pycdlib  # 4 MiB, which a host without config drives does not need

    check_paths(files)
    image = pycdlib.PyCdlib()
    image.new(interchange_level=1, joliet=3, rock_ridge="1.09", vol_ident=VOLUME_LABEL)
    directories: dict[str, str] = {"": ""}
    try:
        for path in sorted(files):
            parent, _, name = path.rpartition("/")
            iso_parent = _directory(image, directories, parent)
            data = files[path]
            image.add_fp(
                io.BytesIO(data),
                len(data),
                f"{iso_parent}/F{len(directories):03}{_serial(path, files)}.;1",
                rr_name=name,
                joliet_path=f"/{path}",
                file_mode=0o100444,
            )
        return _written(image)
    except pycdlib.pycdlibexception.PyCdlibException as error:
        raise SpecInvalid("the config drive cannot be made", details=str(error)) from error
    finally:
        image.close()


def _serial(path: str, files: Mapping[str, bytes]) -> str:
    return f"{sorted(files).index(path):04}"


def _written(image: pycdlib.PyCdlib) -> bytes:
    sink = io.BytesIO()
    image.write_fp(sink)
    return sink.getvalue()


def _directory(image: pycdlib.PyCdlib, known: dict[str, str], path: str) -> str:
    """The ISO name of a directory, made with its parents when it is new. Guests see the other two names."""
    if path in known:
        return known[path]
    parent, _, name = path.rpartition("/")
    iso_name = f"{_directory(image, known, parent)}/D{len(known):04}"
    image.add_directory(iso_name, rr_name=name, joliet_path=f"/{path}")
    known[path] = iso_name
    return iso_name


def _check(path: str) -> None:
    values.check_plain_text(path, "a config drive's path")
    names = path.split("/")
    if any(name in ("", ".", "..") or len(name) > _NAME_LIMIT for name in names) or len(names) > 8:
        raise SpecInvalid(f"not a path for a config drive: {path!r}")
    if any(ch in "*:;?\\" for ch in path):
        raise SpecInvalid(f"not a path for a config drive: {path!r}")
