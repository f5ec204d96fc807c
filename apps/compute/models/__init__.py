"""Servers, their groups, flavors, key pairs and block devices."""

from apps.compute.models.block_devices import BlockDevice
from apps.compute.models.flavors import Flavor, FlavorAccess
from apps.compute.models.keypairs import KeyPair
from apps.compute.models.migrations import Migration
from apps.compute.models.server_groups import ServerGroup
from apps.compute.models.server_passwords import ServerPassword
from apps.compute.models.servers import Server

__all__ = ["BlockDevice", "Flavor", "FlavorAccess", "KeyPair", "Migration", "Server", "ServerGroup", "ServerPassword"]
