"""A guest's card for the frames with a VLAN's tag, without the kernel's module for VLANs: run it in the guest.

``python3 vlan_card.py eth0 100 fa:16:3e:00:00:01`` makes the card eth0.100, says so, and ends when it is killed. Both
ends carry virtio's header in front of each frame, so that checksums and segments that are left for later stay so.
"""

import fcntl
import selectors
import socket
import struct
import subprocess
import sys

TUNSETIFF, TAP = 0x400454CA, 0x0002 | 0x1000 | 0x4000  # a tap without packet information, with virtio's header
SOL_PACKET, AUXDATA, VNET_HDR, OUTGOING = 263, 8, 15, 4
TAG_IS_VALID, HEADER, ALL = 1 << 4, 10, 3


def main(card: str, tag: int, mac: str) -> None:
    name = f"{card}.{tag}"
    with open("/dev/net/tun", "r+b", buffering=0) as tap, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", name.encode(), TAP))
        for option in (AUXDATA, VNET_HDR):
            wire.setsockopt(SOL_PACKET, option, 1)
        wire.bind((card, ALL))
        subprocess.run(["ip", "link", "set", name, "address", mac, "mtu", "1442", "up"], check=True)
        print("ready", flush=True)
        ready = selectors.DefaultSelector()
        ready.register(tap, selectors.EVENT_READ)
        ready.register(wire, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is tap:
                    data = tap.read(1 << 17)
                    inside = HEADER + 12
                    wire.send(data[:inside] + struct.pack("!2H", 0x8100, tag) + data[inside:])
                    continue
                data, extra, _, sender = wire.recvmsg(1 << 17, 64)
                status, *_, found, _ = struct.unpack("3I4H", extra[0][2])
                if sender[2] != OUTGOING and status & TAG_IS_VALID and found & 0xFFF == tag:
                    tap.write(data)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
