// A library that exports data and a pointer that others may set.

extern int main_scale;
int main_callback(int value);

static int identity(int value) { return value; }

__attribute__((visibility("default"))) int library_value = 6;
__attribute__((visibility("default"))) int (*library_hook)(int) = identity;

static int constructed;
__attribute__((constructor)) static void construct(void) { constructed = 100000; }

__attribute__((visibility("default"))) int left_sum(const int *numbers, int count) {
  int sum = constructed;
  for (int i = 0; i < count; i++)
    sum += library_hook(numbers[i]);
  return main_callback(sum) + main_scale;
}
