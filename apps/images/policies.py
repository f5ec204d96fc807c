"""Policy rules of the image service, under Glance's names."""

from apps.common.policy import ADMIN, ANYBODY, PROJECT_MEMBER

RULES = {
    "add_image": "role:member or rule:context_is_admin",
    "delete_image": PROJECT_MEMBER,
    "get_image": ANYBODY,
    "get_images": ANYBODY,
    "modify_image": PROJECT_MEMBER,
    "publicize_image": ADMIN,
    "communitize_image": PROJECT_MEMBER,
    "download_image": ANYBODY,
    "upload_image": PROJECT_MEMBER,
    "deactivate": PROJECT_MEMBER,
    "reactivate": PROJECT_MEMBER,
    "add_member": PROJECT_MEMBER,
    "delete_member": PROJECT_MEMBER,
    "get_members": ANYBODY,
    "modify_member": "rule:context_is_admin or (role:member and project_id:%(member_id)s)",
    "images:any_project": ADMIN,
    # Metadata definitions: everybody can read public ones, administrators can write.
    **{
        f"get_metadef_{noun}": ANYBODY
        for noun in ("namespace", "namespaces", "object", "objects", "property", "properties", "tag", "tags")
    },
    "get_metadef_resource_type": ANYBODY,
    "list_metadef_resource_types": ANYBODY,
    **{
        f"{verb}_metadef_{noun}": ADMIN
        for verb in ("add", "modify", "delete")
        for noun in ("namespace", "object", "property", "tag")
    },
    "add_metadef_tags": ADMIN,
    "delete_metadef_tags": ADMIN,
    "add_metadef_resource_type_association": ADMIN,
    "remove_metadef_resource_type_association": ADMIN,
}
