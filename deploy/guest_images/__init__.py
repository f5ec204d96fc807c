"""An image builder: `builder` makes disks of Debian packages, each other folder is a recipe of one image."""
