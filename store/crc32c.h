/*
 * crc32c - the checksum under everything that store/ writes.
 *
 * The Castagnoli polynomial 0x1EDC6F41 (reflected 0x82F63B78), as iSCSI
 * (RFC 3720, appendix B.4) and ext4 use it; its check value over "123456789"
 * is 0xE3069283. x86 has an instruction for it, which is used where the
 * processor says so.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The checksum of what gave @crc (0: nothing yet) followed by @len bytes. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* The same without the instruction; so that a test can compare the two. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);
