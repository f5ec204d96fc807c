"""Each command of `nova` once: what it gives, or in which words it is refused."""

import pytest
from novaclient.v2 import shell

from tests.api.clients.commands import Commands
from tests.api.clients.every_command import Table, left_out, subcommands
from tests.cloud import Cloud

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]
NOVA = """
--os-compute-api-version 2.91 keypair-add nk ~ PRIVATE
keypair-list ~ nk
keypair-show nk ~ ssh
admin: agent-list ! 410
admin: agent-create linux x86_64 1 http://a 0123456789abcdef0123456789abcdef kvm ! 410
admin: agent-modify 1 2 http://a 0123456789abcdef0123456789abcdef ! 410
admin: agent-delete 1 ! 410
admin: aggregate-create na east ~ na
admin: aggregate-list ~ na
admin: aggregate-add-host na sim-001
admin: aggregate-cache-images na $(image show tiny -f value -c id)
admin: aggregate-set-metadata na ssd=yes
admin: aggregate-update --name nb na
admin: aggregate-show nb ~ sim-001
admin: aggregate-remove-host nb sim-001
admin: aggregate-delete nb
boot --image tiny --flavor m1.tiny --nic net-name=net --key-name nk --poll nv = nv ACTIVE
list ~ nv
show nv ~ ACTIVE
ssh nv --network net --private
add-secgroup nv open
list-secgroup nv ~ open
remove-secgroup nv open
availability-zone-list ~ nova
backup nv nightly daily 1
clear-password nv
get-password nv
set-password nv
console-log nv ~ login:
admin: diagnostics @nv ~ uptime
admin: flavor-create --is-public false nf 77 64 1 1 ~ nf
admin: flavor-key nf set a=b
admin: flavor-access-add nf $(project show demo -f value -c id)
admin: flavor-access-list --flavor nf ~ 77
admin: flavor-access-remove nf $(project show demo -f value -c id)
admin: flavor-update nf words
admin: flavor-delete nf
flavor-list ~ m1.tiny
flavor-show m1.tiny ~ 128
get-mks-console nv ! Unavailable console type
get-rdp-console nv rdp-html5 ! Unavailable console type
get-serial-console nv ! Unavailable console type
get-spice-console nv spice-html5 ! Unavailable console type
get-vnc-console nv novnc ! Unavailable console type
admin: hypervisor-list ~ sim-003
admin: hypervisor-servers sim ~ sim
admin: hypervisor-show $(hypervisor show sim-001 -f value -c id) ~ simulated
admin: --os-compute-api-version 2.87 hypervisor-stats ~ vcpus
admin: hypervisor-uptime $(hypervisor show sim-001 -f value -c id) ~ sim-001
image-create --poll nv ns
instance-action nv $(server event list nv -f value -c "Request ID") ~ createImage
instance-action-list nv ~ create
admin: instance-usage-audit-log ~ sim
interface-list nv ~ ACTIVE
interface-attach --net-id $(network show shared -f value -c id) nv
interface-detach nv $(port list --network shared -f value -c ID)
limits ~ Instances
meta nv set a=b
lock nv
unlock nv
pause nv = nv PAUSED
unpause nv = nv ACTIVE
suspend nv = nv SUSPENDED
resume nv = nv ACTIVE
stop nv = nv SHUTOFF
start nv = nv ACTIVE
reboot nv = nv ACTIVE
rebuild --poll nv tiny = nv ACTIVE
rescue nv = nv RESCUE
unrescue nv = nv ACTIVE
admin: refresh-network @nv
admin: reset-network @nv ! 410
admin: reset-state @nv = nv ERROR
admin: reset-state --active @nv = nv ACTIVE
resize --poll nv m1.small = nv VERIFY_RESIZE
resize-revert nv = nv ACTIVE
resize --poll nv m1.small = nv VERIFY_RESIZE
resize-confirm nv = nv ACTIVE
shelve nv = nv SHELVED
admin: shelve-offload @nv = nv SHELVED_OFFLOADED
unshelve nv = nv ACTIVE
trigger-crash-dump nv
update --description words nv
server-group-create ng anti-affinity ~ ng
server-group-list ~ ng
server-group-get $(server group show ng -f value -c id) ~ ng
server-group-delete $(server group show ng -f value -c id)
server-tag-add nv t
server-tag-list nv ~ t
server-tag-set nv u v
server-tag-delete nv u
server-tag-delete-all nv
admin: server-topology @nv
admin: migrate --poll @nv = nv VERIFY_RESIZE
admin: migration-list ~ migration
admin: resize-confirm @nv = nv ACTIVE
admin: host-meta sim set a=b
admin: evacuate @nv ! still in use
admin: host-evacuate sim-001
admin: host-evacuate-live sim
admin: host-servers-migrate sim-001
admin: reset-state --active @nv
admin: quota-class-show default ~ instances
admin: quota-class-update default --instances 10
admin: quota-defaults ~ instances
admin: quota-show ~ instances
admin: quota-update --instances 9 $(project show demo -f value -c id)
admin: quota-delete --tenant $(project show demo -f value -c id)
admin: service-list ~ nova-compute
admin: service-disable $(compute service list --host sim-003 -f value -c ID)
admin: service-enable $(compute service list --host sim-003 -f value -c ID)
admin: service-force-down $(compute service list --host sim-003 -f value -c ID)
admin: service-force-down --unset $(compute service list --host sim-003 -f value -c ID)
admin: service-delete none ! none
usage ~ Usage
admin: usage-list ~ Usage
version-list ~ 2.96
volume-attach nv @data = data in-use
volume-attachments nv ~ /dev/vd
admin: volume-update @nv @data @data
volume-detach nv @data = data available
bash-completion ~ boot
help ~ boot
"""
UNDER_WAY = """
admin: live-migration @nv = nv MIGRATING
admin: server-migration-list @nv ~ running
admin: server-migration-show @nv $(server migration list --status running -f value -c Id) ~ running
admin: live-migration-abort @nv $(server migration list --status running -f value -c Id) = nv ACTIVE
admin: live-migration @nv = nv MIGRATING
admin: live-migration-force-complete @nv $(server migration list --status running -f value -c Id) = nv ACTIVE
"""
AFTER = """
delete nv = nv SOFT_DELETED
restore @nv = nv ACTIVE
force-delete nv = nv gone
keypair-delete nk
"""


@pytest.mark.usefixtures("surroundings", "kept", "hands")
def test_nova(cloud: Cloud, run: Commands, admin: Commands) -> None:
    table = Table(cloud, run, admin, "nova")
    table.run(NOVA)
    cloud.plan(migrate_memory=60)
    table.run(UNDER_WAY, at_rest=False)
    cloud.plan()
    table.run(AFTER)
    assert not left_out(subcommands(shell), table.commands)
