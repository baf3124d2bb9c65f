// Position-independent code: addresses of its own, of others, in code and in data.
extern int other_data;
int other(int);
int mine = 5;
static int local = 7;
int *to_mine = &mine, *to_local = &local, *to_other = &other_data;
int (*to_function)(int) = other;
static int local_function(int x) { return x; }
int (*to_local_function)(int) = local_function;
__attribute__((visibility("hidden"))) int hidden = 3;
int zeroes[10];
int use(int x) {
  return other(x) + other_data + mine + local + *to_mine + *to_local + *to_other +
         to_function(x) + to_local_function(x) + hidden;
}
int (*get(void))(int) { return use; }
int (*get_other(void))(int) { return other; }
__attribute__((constructor)) static void construct(void) { zeroes[2] = local; }
