"""The head of an LZ4 frame, held to what Kafka's Java reader takes.

Magic `04 22 4d 18`, FLG, BD, then an optional content size and a checksum byte. Java refuses
linked blocks, a dictionary id and reserved bits; a frame that it refuses must not be stored.
liblz4 checks the rest: the head's checksum, the block sizes, the checksums of the blocks.
Source: lz4_Frame_format.md 1.6; Lz4BlockInputStream.
"""

from typing import Final

from iowitness.impl.errors import CorruptRecord

MAGIC: Final = b"\x04\x22\x4d\x18"

_LEAST_BYTE_COUNT: Final = 7
_VERSION_MASK: Final = 0xC0
_VERSION: Final = 0x40
_INDEPENDENT_BLOCKS: Final = 0x20
_RESERVED_FLAG: Final = 0x02
_DICTIONARY: Final = 0x01
_RESERVED_BLOCK_BITS: Final = 0x8F
_LEAST_BLOCK_CODE: Final = 4


def check_frame_head(stored: bytes) -> None:
    """Raises `CorruptRecord` for a head that Kafka would refuse."""
    if len(stored) < _LEAST_BYTE_COUNT:
        raise CorruptRecord(f"lz4 frame of {len(stored)} B, expected a head of 7 B or more")
    if not stored.startswith(MAGIC):
        raise CorruptRecord(f"lz4 magic={stored[:4].hex()}, expected {MAGIC.hex()}")
    flags, block_descriptor = stored[4], stored[5]
    if flags & _VERSION_MASK != _VERSION:
        raise CorruptRecord(f"lz4 version={flags >> 6}, expected 1")
    if not flags & _INDEPENDENT_BLOCKS:
        raise CorruptRecord("lz4 blocks are linked, expected independent ones")
    if flags & (_RESERVED_FLAG | _DICTIONARY):
        raise CorruptRecord(f"lz4 flags=0x{flags:02x}, expected no dictionary or reserved bit")
    if block_descriptor & _RESERVED_BLOCK_BITS or block_descriptor >> 4 < _LEAST_BLOCK_CODE:
        raise CorruptRecord(f"lz4 block descriptor=0x{block_descriptor:02x}, expected 0x40..0x70")
