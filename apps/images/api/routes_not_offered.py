"""Routes of Glance that are not offered here, each with the feature's name; README lists the same features."""

IMPORT = "image import"

# place below the version -> feature
NOT_OFFERED: dict[str, str] = {
    "cache": "the image cache",
    "images/<image_id>/import": IMPORT,
    "images/<image_id>/locations": "locations of images",
    "images/<image_id>/stage": IMPORT,
    "stores": "several image stores",
    "tasks": "tasks of images",
}
