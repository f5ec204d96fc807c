"""The libvirt driver: real guests by QEMU. The only folder that imports libvirt."""
