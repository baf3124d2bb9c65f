// zlib: a text is packed at every level and unpacked again.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zlib.h"

int main(void) {
  enum { size = 60000 };
  unsigned char *text = malloc(size), *packed = malloc(compressBound(size)), *back = malloc(size);
  unsigned seed = 12345;
  for (int i = 0; i < size; i++) {
    seed = seed * 1103515245 + 12345;
    text[i] = (seed >> 16) % 7 ? "linking is "[i % 11] : (unsigned char)(seed >> 24);
  }
  printf("zlib %s, crc %08lx, adler %08lx\n", zlibVersion(), crc32(0, text, size),
         adler32(1, text, size));
  for (int level = 0; level <= 9; level++) {
    uLongf packed_size = compressBound(size), back_size = size;
    if (compress2(packed, &packed_size, text, size, level) != Z_OK)
      return 1;
    if (uncompress(back, &back_size, packed, packed_size) != Z_OK)
      return 2;
    int same = back_size == size && memcmp(text, back, size) == 0;
    printf("level %d: %lu bytes, crc %08lx, %s\n", level, packed_size,
           crc32(0, packed, (uInt)packed_size), same ? "same" : "different");
  }
  packed[100] ^= 0x55;
  uLongf back_size = size;
  printf("damaged: %s\n", zError(uncompress(back, &back_size, packed, 2000)));
  return 0;
}
