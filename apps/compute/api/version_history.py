"""What each microversion of compute changes, and which tests show it: docs/compute-api.md is made from this."""

from apps.common.api import version_tables
from apps.compute.api import versions

INTRODUCTION = """# The compute API's microversions

Made by `celerity api_docs` from `apps/compute/api/version_history.py`; do not edit it.

`/compute/v2.1` speaks {lowest} to {highest}, the newest of Nova 34. Below are what each version changes, and a test
that shows it. What belongs to a service that is not here is answered in the API's form: no shares, no remote consoles.
"""
TABLE = version_tables.VersionTable(
    page="compute-api.md",
    introduction=INTRODUCTION,
    lowest=versions.LOWEST,
    highest=versions.HIGHEST,
    changes=version_tables.read(
        """
1 | the first | compute/clients_expectations::the_root_gives_the_range_of_microversions
2 | kinds of key pairs; codes 201 and 204 | compute/keypairs::import_by_version
3 | more attributes of servers for administrators; `delete_on_termination` of their volumes | compute/versions::fields
4 | `reserved` of fixed IPs, whose API Nova has removed: 410 | surface/surface::what_is_not_offered_says_so
5 | everybody's lists of servers are filtered by `ip6` | compute/versions::filters
6 | `remote-consoles`; hosts have none: 400 | compute/newest_microversions::consoles
7 | access to a public flavor: 409 | compute/flavors::access_of_a_public_flavor
8 | consoles of the kind `webmks` | compute/newest_microversions::consoles
9 | `locked` of servers | compute/versions::fields
10 | key pairs of other users | compute/keypairs::other_users
11 | `forced_down` of services | compute/hosts::service_verbs_below_2_53
12 | `net_id` of virtual interfaces, whose API Nova has removed: 410 | surface/surface::what_is_not_offered_says_so
13 | project and user of server groups | compute/server_groups::documents
14 | evacuation without `onSharedStorage` and password | compute/live_migrations::evacuate
15 | soft policies of server groups | compute/server_groups::what_is_refused
16 | `host_status` of servers | compute/versions::fields
17 | `trigger_crash_dump` | compute/versions::actions
18 | URLs without a project's ID, which are served in every version |
| | compute/clients_expectations::what_an_active_server_shows
19 | `description` of servers | compute/versions::fields
20 | volumes of shelved servers: 409 before | compute/volume_attachments::volumes_of_a_shelved_server
21 | actions of deleted servers | compute/server_parts::actions_of_a_deleted_server
22 | `force_complete` of live migrations | compute/migrations::of_server
23 | live migrations of a server; kinds of migrations | compute/migrations::of_server
24 | live migrations are aborted | compute/live_migrations::what_is_done_to_one_under_way
25 | `block_migration` may be `auto` | compute/live_migrations::bodies
26 | tags of servers | compute/server_parts::tags compute/versions::filters
27 | the header `OpenStack-API-Version`, which is read in every version | compute/versions::headers
28 | `cpu_info` of hypervisors is an object | compute/hosts::hypervisor_by_version
29 | `force` of evacuations | compute/live_migrations::evacuate
30 | `force` of live migrations | compute/live_migrations::bodies
31 | tokens of all kinds of consoles | compute/newest_microversions::tokens_of_consoles
32 | tags of networks and disks in requests | compute/versions::tags_of_devices
33 | pages of hypervisors; no tags of disks |
| | compute/hosts::hypervisor_pages_and_filters
| | compute/versions::tags_of_devices
34 | live migrations for which there is no room fail in the background; 400 before | compute/live_migrations::bodies
35 | pages of key pairs | compute/keypairs::pages
36 | no proxies for the image, network and volume services | compute/proxies::images compute/proxies::networks
37 | `networks` is required, and may be `auto` or `none`; no tags of networks |
| | compute/server_requests::networks_by_microversion
| | compute/versions::tags_of_devices
38 | unknown statuses in lists of servers: 400 | compute/versions::filters
39 | no metadata of images | compute/versions::calls compute/versions::limits
40 | pages of usage | compute/hosts::usage
41 | `uuid` of aggregates | compute/versions::aggregates
42 | tags of networks and disks again | compute/versions::tags_of_devices
43 | no `os-hosts` | compute/proxies::hosts
44 | no actions on addresses of servers | compute/floating_ips::actions_of_a_server
45 | `createImage` and `createBackup` answer with `image_id` | compute/server_images::answers_of_each_version
46 | the header `X-OpenStack-Request-ID`, which is sent in every version | compute/versions::headers
47 | servers show their flavor's values | compute/versions::fields
48 | diagnostics in one form | compute/versions::diagnostics
49 | tags of attached interfaces and volumes | compute/volume_attachments::refusals
50 | quota classes with server groups, without networks | compute/versions::calls
51 | `volume-extended`; events of actions for everybody |
| | compute/server_external_events::names_by_version
| | compute/server_parts::events_by_version
52 | tags of new servers | compute/versions::requests
53 | services and hypervisors by UUID | compute/hosts::services_by_version compute/hosts::hypervisor_by_version
54 | a rebuild changes the key pair | compute/versions::key_of_a_rebuild
55 | `description` of flavors | compute/flavors::document_by_version
56 | `migrate` to a host | compute/migrations::only_administrators_choose_the_host
57 | no `personality`; a rebuild changes user data | compute/versions::requests compute/versions::limits
58 | pages and times of actions | compute/server_parts::actions_by_version
59 | pages and times of migrations, and their UUIDs | compute/migrations::pages
60 | volumes of several servers | compute/volume_attachments::volumes_that_cannot_be_attached
61 | extra specs in flavors | compute/flavors::document_by_version
62 | hosts of events | compute/server_parts::events_by_version
63 | `trusted_image_certificates`, whose servers are not built: there is no key manager |
| | compute/versions::fields compute/versions::certificates_of_images
64 | `policy` and `rules` of server groups | compute/server_groups::documents
65 | live migrations are aborted before they run | compute/live_migrations::what_is_done_to_one_under_way
66 | `changes-before` | compute/server_values::times_are_compared_as_they_are_shown
67 | volume types of new disks | compute/versions::requests
68 | no `force` of live migrations and evacuations | compute/live_migrations::bodies
69 | partial answers while a cell is down: there is one cell | compute/versions::same
70 | tags in lists of interfaces and volumes | compute/interfaces::tags_stay_with_their_interfaces
71 | `server_groups` of servers | compute/server_groups::joining
72 | ports that request resources, of which networking makes none: each port is taken in each version |
| | compute/versions::ports_with_a_policy
73 | reasons of locks; lists by lock | compute/locks::the_reason_belongs_to_2_73
74 | a new server's `host` and `hypervisor_hostname` | compute/versions::requests
75 | unknown parameters: 400; one form of servers in all answers | compute/flavors::pages_filters_and_order
76 | `power-update` | compute/server_external_events::names_by_version
77 | `unshelve` to a zone | compute/versions::actions
78 | `topology` | compute/versions::calls
79 | `delete_on_termination` of attached volumes | compute/volume_attachments::delete_on_termination_and_tags
80 | users and projects of migrations | compute/migrations::filters
81 | images are cached ahead on an aggregate's hosts | compute/aggregates::images_ahead
82 | `accelerator-request-bound` | compute/server_external_events::names_by_version
83 | more filters for everybody | compute/versions::filters
84 | `details` of events | compute/server_parts::events_by_version
85 | `delete_on_termination` is changed | compute/volume_attachments::delete_on_termination_and_tags
86 | known extra specs are checked | compute/flavors::known_extra_specs_are_checked_from_2_86_on
87 | servers that boot from a volume are rescued | compute/volume_backed_actions::a_rescue
88 | hypervisors without numbers | compute/hosts::hypervisor_by_version
89 | IDs of attachments | compute/volume_attachments::attach_and_detach
90 | `hostname` of new servers, for all to see |
| | compute/versions::fields
| | compute/server_requests::an_update_changes_what_it_names
91 | `unshelve` to a host | compute/migrations::only_administrators_choose_the_host
92 | key pairs are imported alone | compute/keypairs::names_from_2_92_on
93 | a rebuild writes the image to the root volume | compute/volume_backed_actions::a_rebuild_with_another_image
94 | `hostname` with domains | compute/newest_microversions::a_host_name_with_domains
95 | evacuated servers stay off | compute/live_migrations::evacuate
96 | `pinned_availability_zone` of servers | compute/versions::fields
97 | `shares` of servers: none; attaching one: 404 | compute/newest_microversions::shares
98 | properties of servers' images | compute/newest_microversions::fields_of_servers
99 | consoles of the kind `spice-direct`: 400 | compute/newest_microversions::consoles
100 | `scheduler_hints` of servers | compute/newest_microversions::fields_of_servers
101 | attaching a volume answers 202 without a body | compute/volume_attachments::attach_and_detach
102 | flavors by name; no `rxtx_factor`; unknown parameters: 400 everywhere | compute/newest_microversions::flavors
103 | no `os-volumes_boot` | compute/newest_microversions::the_older_name_of_servers
104 | `pinned_availability_zone` is changed | compute/newest_microversions::zones
"""
    ),
)
