"""The volume service's rules, with Cinder's names and defaults (cinder/policies/)."""

from apps.common.policy import ADMIN, ANYBODY, PROJECT_MEMBER, PROJECT_READER

_READ = (
    "volume:get volume:get_all volume:get_snapshot volume:get_all_snapshots volume:get_volume_metadata "
    "volume:get_snapshot_metadata volume:get_transfer volume:get_all_transfers volume_extension:quotas:show "
    "volume_extension:volume_image_metadata:show volume_extension:volume_encryption_metadata "
    "group:get group:get_all group:get_group_snapshot group:get_all_group_snapshots "
    "backup_plan:get backup_plan:get_all "
    "backup:get backup:get_all limits_extension:used_limits message:get message:get_all"
)
_WRITE = (
    "volume:create volume:update volume:delete volume:extend volume:retype "
    "volume:revert_to_snapshot volume:reimage volume:reimage_reserved volume_extension:volume_actions:upload_image "
    "volume:update_readonly_flag volume:create_snapshot "
    "volume:update_snapshot volume:delete_snapshot volume:create_volume_metadata volume:update_volume_metadata "
    "volume:delete_volume_metadata volume:update_snapshot_metadata volume:delete_snapshot_metadata "
    "volume:attachment_create volume:attachment_update volume:attachment_delete volume:attachment_complete "
    "group:create group:update group:delete group:create_group_snapshot group:update_group_snapshot "
    "backup_plan:create backup_plan:update backup_plan:delete "
    "group:delete_group_snapshot backup:create backup:update backup:restore backup:delete "
    "volume:create_transfer volume:accept_transfer volume:delete_transfer "
    "volume_extension:volume_image_metadata:set volume_extension:volume_image_metadata:remove "
    "volume_extension:volume_actions:attach volume_extension:volume_actions:detach "
    "volume_extension:volume_actions:reserve volume_extension:volume_actions:unreserve "
    "volume_extension:volume_actions:begin_detaching volume_extension:volume_actions:roll_detaching "
    "volume_extension:volume_actions:initialize_connection volume_extension:volume_actions:terminate_connection "
    "snapshot_extension:snapshot_actions:update_snapshot_status message:delete"
)
_ADMIN = (
    "group:group_types:create group:group_types:update group:group_types:delete group:reset_status "
    "group:group_types_specs:get group:group_types_specs:get_all group:group_types_specs:create "
    "group:group_types_specs:update group:group_types_specs:delete group:reset_group_snapshot_status "
    "backup:export-import volume_extension:backup_admin_actions:reset_status "
    "volume_extension:backup_admin_actions:force_delete volume:force_delete "
    "volume_extension:volume_admin_actions:reset_status "
    "volume_extension:volume_manage volume_extension:volume_unmanage volume_extension:list_manageable "
    "snapshot_extension:snapshot_manage snapshot_extension:snapshot_unmanage snapshot_extension:list_manageable "
    "volume_extension:volume_admin_actions:migrate_volume "
    "volume_extension:volume_admin_actions:migrate_volume_completion "
    "volume_extension:volume_admin_actions:extend_volume_completion "
    "volume_extension:volume_admin_actions:force_delete volume_extension:volume_admin_actions:force_detach "
    "volume_extension:snapshot_admin_actions:reset_status volume_extension:snapshot_admin_actions:force_delete "
    "volume_extension:type_create volume_extension:type_update volume_extension:type_delete "
    "volume_extension:types_extra_specs:create volume_extension:types_extra_specs:update "
    "volume_extension:types_extra_specs:delete volume_extension:volume_type_access:addProjectAccess "
    "volume_extension:volume_type_access:removeProjectAccess volume_extension:volume_type_access:get_all_for_type "
    "volume_extension:volume_actions:upload_public volume_extension:volume_type_encryption:get "
    "volume_extension:volume_type_encryption:create volume_extension:volume_type_encryption:update "
    "volume_extension:volume_type_encryption:delete volume_extension:qos_specs_manage:create "
    "volume_extension:qos_specs_manage:get volume_extension:qos_specs_manage:get_all "
    "volume_extension:qos_specs_manage:update volume_extension:qos_specs_manage:delete "
    "volume_extension:default_get volume_extension:default_get_all volume_extension:default_set_or_update "
    "volume_extension:default_unset volume_extension:quotas:update volume_extension:quotas:delete "
    "volume_extension:quota_classes:get volume_extension:quota_classes:update volume_extension:services:index "
    "volume_extension:services:update volume_extension:hosts volume_extension:capabilities "
    "scheduler_extension:scheduler_stats:get_pools"
)
_ANYBODY = (
    "volume_extension:type_get volume_extension:type_get_all volume_extension:access_types_extra_specs "
    "volume_extension:types_extra_specs:index volume_extension:types_extra_specs:show volume:availability_zone_list "
    "volume_extension:list_extensions"
)

RULES: dict[str, str] = {
    **dict.fromkeys(_READ.split(), PROJECT_READER),
    **dict.fromkeys(_WRITE.split(), PROJECT_MEMBER),
    **dict.fromkeys(_ADMIN.split(), ADMIN),
    **dict.fromkeys(_ANYBODY.split(), ANYBODY),
}
