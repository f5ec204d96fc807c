"""A store of objects in a bucket of an S3 server, below a prefix."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from workers.drivers import values
from workers.drivers.backup.archive.objects import MANIFEST, Objects
from workers.drivers.backup.errors import StoreFull, StoreUnavailable

T = TypeVar("T")
CONNECT_S, READ_S, ATTEMPTS = 5, 20, 3
LISTING_S = 5  # once: recovery waits for it, and asks again a minute later
_ABSENT = ("NoSuchKey", "404")
_FULL = ("QuotaExceeded", "InsufficientCapacity", "507")


class Bucket(Objects):
    """Options: `s3_endpoint` (a URL; Amazon's without it), `s3_region`, `s3_access_key`, `s3_secret_key`.

    The secret is in no text of an error: boto3 sends signatures alone.
    """

    def __init__(self, name: str, prefix: str, options: Mapping[str, Any]) -> None:
        """Remember where; nothing is opened."""
        self._name, self._prefix = name, f"{prefix.strip('/')}/".lstrip("/")
        self._options = dict(options)
        self._guard = threading.Lock()
        self._made: dict[bool, Any] = {}

    def put(self, name: str, data: bytes) -> None:
        self._ask(lambda it: it.put_object(Bucket=self._name, Key=self._key(name), Body=data))

    def get(self, name: str) -> bytes | None:
        def read(client: Any) -> bytes:
            body: bytes = client.get_object(Bucket=self._name, Key=self._key(name))["Body"].read()
            return body

        return self._ask(read, absent=True)

    def remove(self, backup_id: str) -> None:
        self._delete([self._key(f"{backup_id}/{MANIFEST}")])
        for page in self._pages(Prefix=self._key(f"{backup_id}/")):  # of 1000 objects
            self._delete([item["Key"] for item in page.get("Contents", ())])

    def backups(self) -> tuple[str, ...]:
        prefixes = (
            item["Prefix"] for page in self._pages(Prefix=self._prefix, Delimiter="/", patient=False)
            for item in page.get("CommonPrefixes", ())
        )  # fmt: skip
        names = (text.removeprefix(self._prefix).rstrip("/") for text in prefixes)
        return tuple(sorted(name for name in names if values.is_uuid(name)))

    def _delete(self, keys: Sequence[str]) -> None:
        objects = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        if not keys:
            return
        answer = self._ask(lambda it: it.delete_objects(Bucket=self._name, Delete=objects)) or {}
        if answer.get("Errors"):
            raise StoreUnavailable("The store of backups refused.", details=str(answer["Errors"][:3]))

    def _pages(self, *, patient: bool = True, **arguments: str) -> list[dict[str, Any]]:
        def read(client: Any) -> list[dict[str, Any]]:
            return list(client.get_paginator("list_objects_v2").paginate(Bucket=self._name, **arguments))

        return self._ask(read, patient=patient) or []

    def _key(self, name: str) -> str:
        backup_id, _, rest = name.partition("/")
        values.check_uuid(backup_id, "a backup's id")
        return f"{self._prefix}{backup_id}/{rest}"

    def _ask(self, work: Callable[[Any], T], *, absent: bool = False, patient: bool = True) -> T | None:
        """Ask the server. ``absent``: None where there is no such object. Raises StoreFull, StoreUnavailable."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            return work(self._client(patient))
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if absent and code in _ABSENT:
                return None
            if code in _FULL:
                raise StoreFull("The store of backups has no space left.", details=str(error)) from error
            raise StoreUnavailable("The store of backups refused.", details=str(error)) from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise StoreUnavailable("The store of backups does not answer.", details=str(error)) from error

    def _client(self, patient: bool) -> Any:
        """Return a client, which all threads share. Its library is loaded by the first backup."""
        with self._guard:
            if patient not in self._made:
                import boto3
                from botocore.config import Config

                config = Config(
                    connect_timeout=CONNECT_S,
                    read_timeout=READ_S if patient else LISTING_S,
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS if patient else 1},
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required",  # older servers know no others
                    response_checksum_validation="when_required",
                )
                known = self._options
                self._made[patient] = boto3.session.Session().client(
                    "s3",
                    endpoint_url=known.get("s3_endpoint") or None,
                    region_name=known.get("s3_region") or "us-east-1",
                    aws_access_key_id=known.get("s3_access_key") or None,
                    aws_secret_access_key=known.get("s3_secret_key") or None,
                    config=config,
                )
            return self._made[patient]
