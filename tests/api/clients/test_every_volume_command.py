"""Each command of `openstack` for volumes, and those of `cinder`, once: what it gives, or how it is refused."""

from importlib.metadata import entry_points

import pytest
from cinderclient.v3 import shell

from tests.api.clients.commands import Commands
from tests.api.clients.every_command import Table, left_out, subcommands
from tests.cloud import Cloud

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]
# Three commands of the client's release 10.5 cannot work anywhere: it sends a record to export to be imported, its own
# method's name as the action of a group's failover, and gives a clean-up too few arguments. `cinder` has all three.
VOLUMES = """
admin: volume service list ~ cinder-volume
admin: volume service set --disable --disable-reason work sim-002@local cinder-volume
admin: volume service set --disable sim-003@local cinder-volume
volume create --size 1 v = v available
admin: volume service set --enable sim-002@local cinder-volume
admin: volume service set --enable sim-003@local cinder-volume
volume create --size 1 --image tiny --bootable root = root available
volume list ~ root
volume show v ~ available
volume set --property a=b --size 2 v = v available
volume unset --property a v
volume summary ~ Total
volume snapshot create --volume v s ~ s
volume snapshot list ~ s
volume snapshot set --property a=b s
volume snapshot unset --property a s
volume snapshot show s ~ available
--os-volume-api-version 3.40 volume revert s = v available
volume snapshot delete s
volume transfer request create --name t v ~ auth_key
volume transfer request list ~ t
volume transfer request show t ~ t
volume transfer request accept --auth-key wrong @t ! could not be found
volume transfer request delete @t = v available
admin: volume service list --service cinder-backup ~ sim-001
admin: volume service set --disable sim-001 cinder-backup
admin: volume service set --enable sim-001 cinder-backup
volume backup create --name b v ~ b
volume backup list ~ b
volume backup set --property a=b b
volume backup unset --property a b
volume backup show b ~ available
volume backup restore --force b v = v available
admin: volume backup record export @b ~ Backup Service
admin: volume backup record import local e30= ! Method "POST" not allowed
volume backup delete b
--os-volume-api-version 3.3 volume message list
--os-volume-api-version 3.3 volume message show none ! none
--os-volume-api-version 3.3 volume message delete none ! none
volume attachment create --server @vm v ~ reserved
volume attachment list ~ reserved
volume attachment show $(volume attachment list -f value -c ID) ~ reserved
volume attachment set --host h --ip 10.0.0.1 $(volume attachment list -f value -c ID)
volume attachment complete $(volume attachment list -f value -c ID)
volume attachment delete $(volume attachment list -f value -c ID)
admin: volume type create --property site:a=b fast ~ fast
admin: volume type list ~ fast
admin: volume type set --property site:c=d fast
admin: volume type unset --property site:c fast
admin: volume type show fast ~ site:a=
admin: volume qos create --consumer front-end --property total_iops_sec=100 q ~ q
admin: volume qos associate q fast
admin: volume qos list ~ q
admin: volume qos set --property total_bytes_sec=1000000 q
admin: volume qos unset --property total_bytes_sec q
admin: volume qos show q ~ total_iops_sec
admin: volume qos disassociate --all q
admin: volume qos delete q
admin: volume group type create gt ~ gt
admin: volume group type set --property a=b gt
admin: volume group type list ~ gt
admin: volume group type show gt ~ gt
volume group create --volume-group-type gt --volume-type fast --name g ~ g
volume group list ~ g
volume group show g ~ available
volume group set --description words g
volume create --size 1 --type fast member = member available
volume group add volume g member
volume group snapshot create --name gs g ~ gs
volume group snapshot list ~ gs
volume group snapshot show gs ~ available
volume group snapshot delete gs
volume group remove volume g member
admin: volume group failover @g ! no such action: modify_body_for_action
volume group delete g
admin: volume group type delete gt
volume delete member = member gone
admin: volume type delete fast
admin: volume backend pool list ~ sim-001@local#local
admin: volume backend capability show sim-001@local ~ Key
admin: volume host set --disable sim-001@local ! does not offer
admin: volume host set --enable sim-001@local ! does not offer
admin: volume host failover --volume-backend far sim-001@local ! does not offer
admin: volume migrate --host sim-002@local#local @v = v available
admin: block storage cleanup ! missing 3 required keyword-only arguments
admin: block storage cluster list ! does not offer
admin: block storage cluster show c ! does not offer
admin: block storage cluster set --disable c ! does not offer
admin: block storage log level list ! does not offer
admin: block storage log level set DEBUG ! does not offer
admin: block storage resource filter list ~ volume
admin: block storage resource filter show volume ~ status
admin: --os-volume-api-version 3.8 block storage volume manageable list sim-001@local#local
admin: --os-volume-api-version 3.8 block storage snapshot manageable list sim-001@local#local
consistency group create --volume-type __DEFAULT__ c ! does not offer
consistency group list ! does not offer
consistency group show c ! does not offer
consistency group set --name d c ! does not offer
consistency group add volume c v ! does not offer
consistency group remove volume c v ! does not offer
consistency group delete c ! does not offer
consistency group snapshot create --consistency-group c d ! does not offer
consistency group snapshot list ! does not offer
consistency group snapshot show d ! does not offer
consistency group snapshot delete d ! does not offer
volume delete v = v gone
volume delete root = root gone
"""
CINDER = """
admin: service-list ~ cinder-volume
admin: service-disable sim-002@local cinder-volume
admin: service-disable sim-003@local cinder-volume
create --name v 1 = v available
admin: service-enable sim-002@local cinder-volume
admin: service-enable sim-003@local cinder-volume
list ~ v
show v ~ available
rename v w
rename w v
extend v 2 = v available
metadata v set a=b
metadata-show v ~ a
metadata-update-all v c=d ~ c
image-metadata v set a=b
image-metadata-show v ~ a
set-bootable v true
readonly-mode-update v true
readonly-mode-update v false
reimage v $(image show tiny -f value -c id) = v available
upload-to-image v copied ~ copied
admin: reset-state --state error @v = v error
admin: reset-state --state available @v = v available
summary ~ total_count
snapshot-create --name s v ~ s
snapshot-list ~ s
snapshot-show s ~ available
snapshot-metadata s set a=b
snapshot-metadata-show s ~ a
snapshot-metadata-update-all s c=d ~ c
snapshot-rename s z
snapshot-rename z s
admin: snapshot-reset-state --state available @s
revert-to-snapshot s = v available
admin: snapshot-unmanage @s
admin: snapshot-manageable-list sim-001@local#local ~ source-name
admin: snapshot-manage --name back @v _snapshot-@s ~ back
snapshot-delete back
transfer-create --name t v ~ auth_key
transfer-list ~ t
transfer-show t ~ t
transfer-accept @t wrong ! could not be found
transfer-delete t
backup-create --name b v ~ b
backup-list ~ b
backup-show b ~ available
backup-update --name b2 b
backup-restore --volume v b2 = v available
admin: backup-export @b2 ~ backup_service
admin: backup-import local e30= ! 400
admin: backup-reset-state --state available @b2
backup-delete b2
message-list
message-show none ! none
message-delete none ! none
attachment-create v @vm ~ Property
attachment-list ~ reserved
attachment-show $(volume attachment list -f value -c ID) ~ reserved
attachment-update --host h --ip 10.0.0.1 $(volume attachment list -f value -c ID)
attachment-complete $(volume attachment list -f value -c ID)
attachment-delete $(volume attachment list -f value -c ID)
admin: type-create fast ~ fast
type-list ~ fast
type-default ~ __DEFAULT__
admin: type-key fast set site:a=b
admin: extra-specs-list ~ fast
admin: type-show fast ~ fast
admin: type-update --description words @fast
admin: encryption-type-create --cipher aes-xts-plain64 --key-size 256 --control-location front-end fast luks ~ luks
admin: encryption-type-list ~ luks
admin: encryption-type-show fast ~ luks
admin: encryption-type-update --key-size 512 fast
admin: encryption-type-delete fast
admin: type-create --is-public false own ~ own
admin: type-access-add --volume-type own --project-id $(project show demo -f value -c id)
admin: type-access-list --volume-type own ~ Project_ID
admin: type-access-remove --volume-type own --project-id $(project show demo -f value -c id)
admin: type-delete own
admin: default-type-set @fast $(project show demo -f value -c id) ~ Property
admin: default-type-list ~ Project ID
admin: default-type-unset $(project show demo -f value -c id)
retype v fast = v available
admin: qos-create q total_iops_sec=100 consumer=front-end ~ q
admin: qos-list ~ q
admin: qos-show @q ~ total_iops_sec
admin: qos-key @q set total_bytes_sec=1000000
admin: qos-associate @q @fast
admin: qos-get-association @q ~ fast
admin: qos-disassociate @q @fast
admin: qos-disassociate-all @q
admin: qos-delete @q
admin: group-type-create gt ~ gt
admin: group-type-key gt set a=b
admin: group-type-list ~ gt
admin: group-type-show gt ~ gt
admin: group-type-update --description words --is-public True gt
admin: group-specs-list ~ gt
group-type-default ! Default group type can not be found
group-create --name g gt fast ~ g
group-list ~ g
group-show g ~ available
group-update --add-volumes @v g
group-snapshot-create --name gs g ~ gs
group-snapshot-list ~ gs
group-snapshot-show gs ~ available
group-create-from-src --name g2 --group-snapshot gs ~ g2
group-snapshot-delete gs
admin: group-enable-replication @g ! does not offer
admin: group-disable-replication @g ! does not offer
admin: group-failover-replication @g ! does not offer
admin: group-list-replication-targets @g ! does not offer
group-update --remove-volumes @v g
group-delete g
group-delete --delete-volumes g2
admin: group-type-delete gt
admin: service-get-log ! does not offer
admin: service-set-log DEBUG ! does not offer
admin: get-pools ~ local
admin: get-capabilities sim-001@local ~ Volume
admin: freeze-host sim-001@local ! does not offer
admin: thaw-host sim-001@local ! does not offer
admin: failover-host sim-001@local ! does not offer
admin: work-cleanup ! does not offer
admin: cluster-list ! does not offer
admin: cluster-show c ! does not offer
admin: cluster-enable c ! does not offer
admin: cluster-disable c ! does not offer
cgsnapshot-list ! does not offer
cgsnapshot-show c ! No c
cgsnapshot-create c ! No c
cgsnapshot-delete c ! No c
consisgroup-list ! does not offer
consisgroup-show c ! No c
consisgroup-create __DEFAULT__ ! does not offer
consisgroup-create-from-src --cgsnapshot c ! No c
consisgroup-update --name d c ! No c
consisgroup-delete c ! No c
admin: migrate @v sim-002@local#local = v available
admin: unmanage @v = v gone
admin: manageable-list sim-002@local#local ~ source-name
admin: manage --name again sim-002@local#local volume-@v ~ again
admin: force-delete again
create --name d 1 = d available
delete d = d gone
absolute-limits ~ maxTotalVolumes
rate-limits
availability-zone-list ~ nova
admin: quota-class-show default ~ volumes
admin: quota-class-update --volumes 10 default
quota-defaults $(token issue -f value -c project_id) ~ volumes
quota-show $(token issue -f value -c project_id) ~ volumes
admin: quota-usage $(project show demo -f value -c id) ~ In_use
admin: quota-update --volumes 9 $(project show demo -f value -c id)
admin: quota-delete $(project show demo -f value -c id)
list-filters ~ volume
list-extensions ~ Alias
api-version ~ 3.
version-list ~ 3.71
bash-completion ~ create
help ~ create
"""


def test_openstack(cloud: Cloud, run: Commands, admin: Commands) -> None:
    run("server create --image tiny --flavor m1.tiny --nic none --wait vm")
    table = Table(cloud, run, admin)
    table.run(VOLUMES)
    names = {entry.name.replace("_", " ") for entry in entry_points(group="openstack.volume.v3")}
    assert not left_out(names, table.commands)


def test_cinder(cloud: Cloud, run: Commands, admin: Commands) -> None:
    run("server create --image tiny --flavor m1.tiny --nic none --wait vm")
    table = Table(cloud, run, admin, "cinder")
    table.run(CINDER)
    assert not left_out(subcommands(shell), table.commands)
