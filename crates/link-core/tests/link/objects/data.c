// Data of every kind, strings that share their ends, weak references that nobody answers,
// a constructor, a function pointer.
extern int length(const char *);
int host(int) __attribute__((import_module("host"), import_name("add")));
static int zeroes[100];
int five = 5;
const char *hello = "hello", *lo = "lo";
const int table[3] = {1, 2, 3};
int mixed[4] = {1};
__attribute__((section("named"))) int in_named = 3;
extern int absent_data __attribute__((weak));
int absent(int) __attribute__((weak));
int (*pointer)(int) = host;
__attribute__((constructor)) static void construct(void) { zeroes[3] = host(five); }
int _Z6lookupi(int x) { return zeroes[x] + absent(x) + (int)(long)&absent_data; }
void _start(void) {
  length(hello);
  length(lo);
  pointer(five);
  _Z6lookupi(table[five] + mixed[five] + in_named);
}
