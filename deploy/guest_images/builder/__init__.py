"""What every image is built with: packages, kernel modules, initramfs, disk, stamp."""
