// A library that needs the other one.

extern int library_value;
int left_sum(const int *numbers, int count);

static const char *const names[] = {"right", "wrong"};
static const char *const *choice = &names[0];

__attribute__((visibility("default"))) const char *right_name(void) { return *choice; }

__attribute__((visibility("default"))) int right_product(const int *numbers, int count) {
  int product = 1;
  for (int i = 0; i < count; i++)
    product *= numbers[i];
  return product * library_value + left_sum(numbers, 1);
}
