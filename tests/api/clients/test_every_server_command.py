"""Each command of `openstack` for servers and hosts once: what it gives, or in which words it is refused."""

from importlib.metadata import entry_points

import pytest

from tests.api.clients.commands import Commands
from tests.api.clients.every_command import Table, left_out
from tests.cloud import Cloud, wait_for

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]
HOSTS = ("sim-001", "sim-002", "sim-003")
ALIVE = """
keypair create --private-key key k
keypair list ~ k
keypair show k ~ ssh
flavor list ~ m1.tiny
flavor show m1.tiny ~ 128
admin: flavor create --ram 64 --disk 1 --vcpus 1 f1 ~ f1
admin: flavor set --property a=b f1
admin: flavor unset --property a f1
admin: flavor delete f1
admin: aggregate create --zone east a1 ~ east
admin: aggregate add host a1 sim-001 ~ sim-001
admin: aggregate set --property ssd=yes a1
admin: aggregate unset --property ssd a1
admin: aggregate cache image a1 tiny
admin: aggregate list ~ a1
admin: aggregate show a1 ~ sim-001
admin: aggregate remove host a1 sim-001
admin: aggregate delete a1
admin: hypervisor list ~ sim-003
admin: hypervisor show sim-001 ~ simulated
admin: hypervisor stats show ~ vcpus
admin: --os-compute-api-version 2.42 host list ~ sim-002
admin: --os-compute-api-version 2.42 host show sim-001 ~ sim-001
admin: --os-compute-api-version 2.42 host set --disable sim-003
admin: --os-compute-api-version 2.42 host set --enable sim-003
admin: compute agent list ! 410
admin: compute agent create linux x86_64 1 http://a 0123456789abcdef0123456789abcdef kvm ! 410
admin: compute agent set --agent-version 2 --url http://a --md5hash 0123456789abcdef0123456789abcdef 1 ! 410
admin: compute agent delete 1 ! 410
admin: compute service list --service nova-compute ~ sim-001
admin: compute service set --disable sim-003 nova-compute
admin: compute service set --enable sim-003 nova-compute
server group create --policy anti-affinity apart ~ anti-affinity
server group list ~ apart
server group show apart ~ anti-affinity
server create --image tiny --flavor m1.tiny --network net --key-name k --wait vm = vm ACTIVE
admin: usage list ~ demo
admin: usage show --project demo ~ Servers
server list ~ vm
server show vm ~ ACTIVE
server set --property a=b --tag x vm
server unset --property a --tag x vm
server event list vm ~ create
server event show vm $(server event list vm -f value -c "Request ID") ~ create
console log show vm ~ login:
console url show --novnc vm ! Unavailable console type novnc
admin: console connection show none ! none
server ssh --login root --private vm
server pause vm = vm PAUSED
server unpause vm = vm ACTIVE
server suspend vm = vm SUSPENDED
server resume vm = vm ACTIVE
server stop vm = vm SHUTOFF
server start vm = vm ACTIVE
server reboot --hard --wait vm = vm ACTIVE
server lock --reason work vm
server stop vm ! locked
server unlock vm
server dump create vm
server rescue --image tiny vm = vm RESCUE
server unrescue vm = vm ACTIVE
server rebuild --image tiny --wait vm = vm ACTIVE
server image create --name snap --wait vm
server backup create --name daily --type daily --rotate 2 --wait vm
server resize --flavor m1.small --wait vm = vm VERIFY_RESIZE
server resize revert vm = vm ACTIVE
server resize --flavor m1.small --wait vm = vm VERIFY_RESIZE
server resize confirm vm = vm ACTIVE
server shelve --wait vm = vm SHELVED
server unshelve --wait vm = vm ACTIVE
"""
DEVICES = """
server add security group vm open
server remove security group vm open
server add volume vm data = data in-use
server volume list vm ~ /dev/vdb
server volume set --delete-on-termination vm data
server volume update --preserve-on-termination vm data
server remove volume vm data = data available
port create --network net p1
server add port vm p1
server remove port vm p1
server add network vm shared
server remove network vm shared
server add fixed ip --fixed-ip-address 10.5.0.77 vm net ~ 10.5.0.77
--os-compute-api-version 2.43 server remove fixed ip vm 10.5.0.77
floating ip create public
server add floating ip vm $(floating ip list -f value -c "Floating IP Address")
server remove floating ip vm $(floating ip list -f value -c "Floating IP Address")
server add share vm none ! share
server share list vm
server share show vm none ! share
server remove share vm none ! share
"""
MOVES = """
admin: server create --image tiny --flavor m1.tiny --network shared --wait move = move ACTIVE
admin: server shelve --offload --wait move = move SHELVED_OFFLOADED
admin: server unshelve --wait move = move ACTIVE
admin: server migrate --wait move = move VERIFY_RESIZE
admin: server migration revert move = move ACTIVE
admin: server migrate --wait move = move VERIFY_RESIZE
admin: server migration confirm move = move ACTIVE
admin: server migrate --wait move = move VERIFY_RESIZE
admin: server migrate revert move = move ACTIVE
admin: server migrate --wait move = move VERIFY_RESIZE
admin: server migrate confirm move = move ACTIVE
admin: server migrate --live-migration --wait move = move ACTIVE
admin: server migration list --server move ~ completed
"""
# `server migration show` of the client's release 10.5 takes the server for the migration; `nova` shows one.
UNDER_WAY = """
admin: server migrate --live-migration move = move MIGRATING
admin: server migration show move $(server migration list --status running -f value -c Id) ! could not be found
admin: server migration abort move $(server migration list --status running -f value -c Id) = move ACTIVE
admin: server migrate --live-migration move = move MIGRATING
admin: server migration force complete move $(server migration list --status running -f value -c Id) = move ACTIVE
"""
DEAD = """
admin: compute service set --down {host} nova-compute
admin: server evacuate move = move SHUTOFF
admin: compute service delete $(compute service list --host {host} -f value -c ID)
"""
AFTER = """
server delete vm = vm SOFT_DELETED
server restore @vm = vm ACTIVE
server delete --force vm = vm gone
admin: server delete --force --wait move = move gone
server group delete apart
keypair delete k
"""


@pytest.mark.usefixtures("surroundings", "kept", "hands")
def test_openstack(cloud: Cloud, run: Commands, admin: Commands) -> None:
    table = Table(cloud, run, admin)
    table.run(ALIVE + DEVICES + MOVES)
    cloud.plan(migrate_memory=60)
    table.run(UNDER_WAY, at_rest=False)
    cloud.plan()
    places = dict(
        cloud.rows(
            "SELECT name, host FROM compute_server WHERE deleted_at IS NULL"
            " UNION ALL SELECT name, host FROM volumes_volume WHERE deleted_at IS NULL AND host <> ''"
        )
    )
    host = places.pop("move")
    if host in places.values():  # a service of a host with servers or volumes is not deleted
        host = next(name for name in HOSTS if name not in places.values())
        table.run(f"admin: server migrate --live-migration --host {host} --wait move = move ACTIVE")
    cloud.overrides["agent"] = {"CELERITY_SERVED_HOSTS": ",".join(set(HOSTS) - {host})}
    cloud.kill("agent")
    cloud.rows("UPDATE scheduling_host SET heartbeat_at = now() - interval '1 hour' WHERE name = %s", host)
    table.run(DEAD.format(host=host))
    del cloud.overrides["agent"]
    cloud.kill("agent")
    wait_for(lambda: cloud.hosts_up() == len(HOSTS), what="all hosts again")
    table.run(AFTER)
    assert not left_out(
        {entry.name.replace("_", " ") for entry in entry_points(group="openstack.compute.v2")}, table.commands
    )
