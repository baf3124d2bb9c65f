// Work for threads: a shared counter, thread-local variables with and without a value to begin
// with, and data that must be initialised by the first instance alone.

static _Thread_local unsigned calls = 5;
static _Thread_local unsigned char scratch[40];
static _Atomic unsigned total;
static unsigned greeting = 1000;
static char text[] = "shared";

static _Alignas(16) char stacks[2][16384];
static _Alignas(16) char blocks[2][256];

char *stack_top(unsigned thread) { return stacks[thread] + sizeof stacks[thread]; }
char *tls_block(unsigned thread) { return blocks[thread]; }

// What the main thread changes before another instance starts must stay changed.
void greet(void) { greeting += 234; }
unsigned greeted(void) { return greeting; }

unsigned work(unsigned rounds) {
  volatile unsigned char local[64];
  for (unsigned round = 0; round < rounds; round++) {
    total++;
    calls++;
    scratch[round % sizeof scratch]++;
    local[round % sizeof local] = scratch[round % sizeof scratch];
  }
  return calls * 1000 + scratch[0] + (local[0] == 0);
}

unsigned counted(void) { return total + (text[0] == 's' && text[5] == 'd' ? 0 : 1); }
