// The main module: calls into two libraries and is called back.

extern int library_value;
extern int (*library_hook)(int);
int left_sum(const int *numbers, int count);
int right_product(const int *numbers, int count);
const char *right_name(void);
__attribute__((weak)) int nobody_has_this(void);

static int numbers[] = {2, 3, 5, 7};
// Addresses in data: filled in when the module is loaded.
static int *const last = &numbers[3];
static int (*const operations[])(const int *, int) = {left_sum, right_product};

__attribute__((visibility("default"))) int main_scale = 10;

static int triple(int value) { return 3 * value; }

__attribute__((visibility("default"))) int main_callback(int value) {
  return value + main_scale;
}

__attribute__((visibility("default"))) int run(int what) {
  switch (what) {
  case 0:
    return operations[0](numbers, 4);
  case 1:
    return operations[1](numbers, 4);
  case 2:
    return *last * library_value;
  case 3:
    library_hook = triple;
    library_value += 1;
    return left_sum(numbers, 4);
  case 4:
    return right_name()[0] * 1000 + right_name()[1];
  default:
    return nobody_has_this ? 1 : -1;
  }
}
