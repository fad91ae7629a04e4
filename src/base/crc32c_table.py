"""Writes the slice-by-8 tables of CRC32C (polynomial 0x1EDC6F41, reflected 0x82F63B78) as a C header."""

import sys


def tables():
    first = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        first.append(crc)
    result = [first]
    for _ in range(7):
        last = result[-1]
        result.append([(crc >> 8) ^ first[crc & 0xFF] for crc in last])
    return result


def main():
    lines = ["/* Made by crc32c_table.py. */", "static const uint32_t crc32c_table[8][256] = {"]
    for table in tables():
        lines.append("    {" + ", ".join("0x%08XU" % crc for crc in table) + "},")
    lines.append("};")
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")


main()
