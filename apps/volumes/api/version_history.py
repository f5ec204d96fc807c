"""What each microversion of block storage changes, and which tests show it: docs/volume-api.md is made from this."""

from apps.common.api import version_tables
from apps.volumes.api import versions

INTRODUCTION = """# The Block Storage API's microversions

Made by `celerity api_docs` from `apps/volumes/api/version_history.py`; do not edit it.

`/volume/v3` speaks {lowest} to {highest}. Below are what each version changes, and a test that shows it. A call of a
later version is answered by 404, a word in a body that belongs to a later version by 400, as Cinder does; where Cinder
ignores such a word or takes it all the same, the line says so. There are no clusters of volume services, no
replication of back ends and no consistency groups: what belongs to them is answered in the API's form.
"""
TABLE = version_tables.VersionTable(
    page="volume-api.md",
    introduction=INTRODUCTION,
    lowest=versions.LOWEST,
    highest=versions.HIGHEST,
    changes=version_tables.read(
        """
0 | the first | volumes/volumes::microversions volumes/cloud::discovery
1 | `visibility` and `protected` of images of volumes | volumes/versions::before_and_since
2 | other words than those of booleans in filters of volumes: 400; they were true | volumes/versions::before_and_since
3 | messages about what failed | volumes/cloud::constants
4 | volumes are filtered by `glance_metadata` | volumes/versions::before_and_since
5 | pages, order and filters of messages, ignored before |
| | volumes/versions::before_and_since volumes/lists::filters_of_messages
6 | empty names of consistency groups, which are not offered: 404 | volumes/cloud::what_is_not_offered_says_so
7 | `cluster` of services; `clusters`, which are not offered: 404 |
| | volumes/versions::before_and_since volumes/cloud::what_is_not_offered_says_so
8 | `manageable_volumes` and `manageable_snapshots` | volumes/versions::before_and_since
9 | backups are renamed | volumes/backups::document_by_version
10 | volumes are filtered by `group_id` | volumes/versions::before_and_since
11 | types of groups, and their specs | volumes/versions::before_and_since
12 | `volumes/summary` | volumes/volume_lists::summary
13 | groups; `group_id` of a new volume is taken in each version | volumes/versions::before_and_since
14 | snapshots of groups; groups of groups and of their snapshots | volumes/versions::before_and_since
15 | ETags of volumes' metadata | volumes/volumes::metadata
16 | volumes migrate to a `cluster`, of which there are none: 400 | volumes/versions::before_and_since
17 | what can be managed is listed by `cluster`: 400 | volumes/versions::before_and_since
18 | administrators see a backup's project | volumes/versions::before_and_since
19 | `reset_status` of groups' snapshots | volumes/versions::before_and_since
20 | `reset_status` of groups | volumes/versions::before_and_since
21 | administrators see `provider_id` of volumes: null | volumes/versions::before_and_since
22 | snapshots are filtered by `metadata` | volumes/snapshots::lists
23 | `force` of a volume's DELETE, ignored before | volumes/versions::before_and_since
24 | `workers/cleanup`, of clusters, which are not offered: 404 | volumes/cloud::what_is_not_offered_says_so
25 | the `volumes` of a group, for `list_volume` | volumes/versions::before_and_since
26 | `failover` of clusters: 404, for there is no replication | volumes/versions::before_and_since
27 | attachments | volumes/attachments::versions
28 | pools are filtered by `name` | volumes/versions::before_and_since
29 | pages, order and filters of groups' snapshots, ignored before | volumes/versions::before_and_since
30 | snapshots are sorted by `name` | volumes/versions::before_and_since
31 | unknown filters: 400, unless an administrator asks for all projects | volumes/lists::filters
32 | `get-log` and `set-log` of services, which are not offered: 404 | volumes/versions::before_and_since
33 | `resource_filters` | volumes/versions::before_and_since
34 | filters by a part of a text, with a tilde | volumes/lists::filters
35 | pools are filtered by `volume_type` | volumes/versions::before_and_since
36 | the summary has the volumes' metadata | volumes/volume_lists::summary
37 | backups are sorted by `name` | volumes/versions::before_and_since
38 | replication of groups, which is not offered: 400 | volumes/versions::before_and_since
39 | administrators read the limits of another project | volumes/cloud::limits
40 | volumes go back to their newest snapshot | volumes/versions::before_and_since
41 | `user_id` of snapshots | volumes/snapshots::document_by_version
42 | volumes in use are extended | volumes/volumes::quota_of_extensions
43 | `metadata` of backups | volumes/versions::before_and_since volumes/backups::document_by_version
44 | `os-complete` of attachments | volumes/attachments::versions
45 | `with_count` of lists | volumes/volume_lists::lists volumes/snapshots::lists volumes/backups::lists
46 | volumes of an image without data: of the snapshot that it names for the root disk |
| | volumes/versions::before_and_since
47 | volumes of backups; `backup_id` of a new volume is taken in each version | volumes/versions::before_and_since
48 | `shared_targets` and `service_uuid` of volumes | volumes/volumes::document_by_version
49 | `backend_state` of services | volumes/versions::before_and_since
50 | says that volumes may have several servers, which types allow in each version | volumes/volume_types::extra_specs
51 | `availability_zone` of backups | volumes/versions::before_and_since
52 | zones of types; types are filtered by `extra_specs` |
| | volumes/type_features::types_of_availability_zones volumes/lists::filters
53 | unknown words of a new volume, ignored before, and changes of nothing, which changed nothing: 400 |
| | volumes/versions::before_and_since
54 | `mode` of attachments | volumes/attachments::versions
55 | `no_snapshots` of transfers | volumes/versions::before_and_since
56 | administrators see `user_id` of backups | volumes/backups::document_by_version
57 | projects of transfers, and whether they are `accepted` | volumes/versions::before_and_since
58 | administrators see the project of groups and of their snapshots | volumes/versions::before_and_since
59 | pages and order of transfers: markers and keys are ignored before, and the oldest is first |
| | volumes/versions::before_and_since
60 | volumes are filtered by times | volumes/versions::before_and_since
61 | administrators see `cluster_name` of volumes: null | volumes/versions::before_and_since
62 | default types of projects | volumes/versions::before_and_since volumes/type_features::default_types
63 | `volume_type_id` of volumes | volumes/volumes::document_by_version
64 | `encryption_key_id` of volumes and backups |
| | volumes/encrypted_volumes::a_volume_has_a_key volumes/encrypted_volumes::backups_have_the_key
65 | `consumes_quota` of volumes and snapshots: true; filters by it |
| | volumes/volumes::document_by_version volumes/lists::filters
66 | snapshots of volumes in use need no `force` | volumes/snapshots::a_volume_in_use
67 | URLs without a project's ID, which are served in every version | volumes/volumes::the_project_in_the_path
68 | `os-reimage` | volumes/reimage::refusals_change_nothing
69 | `shared_targets` may be null; here it is false in each version | volumes/volumes::document_by_version
70 | transfers of encrypted volumes, with their snapshots | volumes/versions::before_and_since
71 | `os-extend_volume_completion`: no extension waits for a server here | volumes/versions::before_and_since
"""
    ),
)
