// 64-bit addresses: data, bss, pointers in data, calls through a table. Prints by WASI, whose
// structures are 32 bits wide; everything lies below 4 GiB.

typedef unsigned int u32;
typedef unsigned long long u64;

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) //
u32 fd_write(u32 descriptor, u32 pieces, u32 count, u32 written);

_Static_assert(sizeof(void *) == 8, "this is a 64-bit program");

static u64 numbers[] = {1, 10, 100, 0x100000000ull};
static u64 *const third = &numbers[2];
static char line[64];

static u64 twice(u64 value) { return 2 * value; }
static u64 plus_one(u64 value) { return value + 1; }
static u64 (*volatile steps[])(u64) = {twice, plus_one};

static u32 low(const void *address) { return (u32)(u64)address; }

static void print(u64 value) {
  char *at = line + sizeof line;
  *--at = '\n';
  do
    *--at = (char)('0' + value % 10);
  while (value /= 10);
  u32 piece[2] = {low(at), low(line + sizeof line) - low(at)}, written;
  fd_write(1, low(piece), 1, low(&written));
}

void _start(void) {
  print(*third);
  for (int i = 0; i < 4; i++)
    print(steps[i & 1](numbers[i]));
  print(__builtin_wasm_memory_size(0) > 1);
}
