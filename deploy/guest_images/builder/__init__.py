"""The parts of the `tiny` guest image's build: packages, initramfs, root file system, disk, stamp."""
