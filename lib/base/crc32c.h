/* crc32c.h - the Castagnoli checksum (RFC 3720), by hardware where it can. */

#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `crc`'s bytes followed by these; start with 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* The same, slower, on any machine. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif /* BASE_CRC32C_H */
