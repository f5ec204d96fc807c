"""Passphrases of encrypted volumes, which libvirt keeps in memory and gives to QEMU. Domains name them by volume."""

from __future__ import annotations

import libvirt

from workers.drivers import values
from workers.drivers.hypervisor.keys import KeyOperations
from workers.drivers.hypervisor.libvirt.connection import Connection
from workers.drivers.hypervisor.libvirt.failures import translated
from workers.drivers.hypervisor.libvirt.xml.secret import PassphraseSecret, VolumeUsage


class LibvirtKeys(KeyOperations):
    """The keys' part of LibvirtDriver. The secret's UUID is the volume's; its usage says whose cloud has it."""

    _connection: Connection
    _home: str

    def keep_key(self, volume_id: str, passphrase: str) -> None:
        values.check_uuid(volume_id, "a volume's id")
        secret = PassphraseSecret(uuid=volume_id, usage=VolumeUsage(volume=self._usage(volume_id)))

        def work(connection: libvirt.virConnect) -> None:
            connection.secretDefineXML(secret.xml()).setValue(passphrase.encode())

        with translated():
            self._connection.run(work)

    def forget_key(self, volume_id: str) -> None:
        def work(connection: libvirt.virConnect) -> None:
            try:
                connection.secretLookupByUUIDString(volume_id).undefine()
            except libvirt.libvirtError as error:
                if error.get_error_code() != libvirt.VIR_ERR_NO_SECRET:
                    raise

        with translated():
            self._connection.run(work)

    def kept_keys(self) -> tuple[str, ...]:
        def work(connection: libvirt.virConnect) -> tuple[str, ...]:
            secrets = connection.listAllSecrets(libvirt.VIR_CONNECT_LIST_SECRETS_EPHEMERAL)
            known = {secret.UUIDString(): secret.usageID() for secret in secrets}
            return tuple(key for key, usage in known.items() if usage == self._usage(key))

        with translated():
            return self._connection.run(work)

    def _usage(self, volume_id: str) -> str:
        return f"{self._home} {volume_id}"
