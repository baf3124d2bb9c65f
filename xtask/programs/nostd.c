// Calls the static library of nostd.rs.

#include <stdint.h>
#include <stdio.h>
#include <string.h>

uint32_t rust_hash(const char *bytes, size_t size);
void rust_sort(double *items, size_t count);
int32_t rust_apply(size_t step, int32_t value);
uint32_t rust_calls(void);

int main(void) {
  const char *text = "several codegen units";
  printf("hash %08x\n", rust_hash(text, strlen(text)));
  double items[] = {3.5, -1, 2.25, 100, 0};
  rust_sort(items, 5);
  for (int i = 0; i < 5; i++)
    printf("%g ", items[i]);
  for (size_t step = 0; step < 4; step++)
    printf("[%d]", rust_apply(step, 7));
  printf("\ncalls %u\n", rust_calls());
  return 0;
}
