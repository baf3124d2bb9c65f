// Heap, formatted output, sorting through a function pointer, streams and an exit code.

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct planet {
  char *name;
  double mass;   // kg
  double radius; // m
};

static const double gravity = 6.674e-11;

static double surface_gravity(const struct planet *planet) {
  return gravity * planet->mass / (planet->radius * planet->radius);
}

static int by_gravity(const void *left, const void *right) {
  double a = surface_gravity(left), b = surface_gravity(right);
  return (a > b) - (a < b);
}

static struct planet *add(struct planet *list, size_t *count, const char *name, double mass,
                          double radius) {
  list = realloc(list, (*count + 1) * sizeof *list);
  if (!list)
    abort();
  list[*count] = (struct planet){strdup(name), mass, radius};
  ++*count;
  return list;
}

static long long checksum(const unsigned char *bytes, size_t size) {
  long long sum = 0;
  for (size_t i = 0; i < size; i++)
    sum = sum * 131 + bytes[i];
  return sum;
}

int main(int argc, char **argv) {
  struct planet *list = NULL;
  size_t count = 0;
  list = add(list, &count, "Jupiter", 1.898e27, 6.9911e7);
  list = add(list, &count, "Earth", 5.972e24, 6.371e6);
  list = add(list, &count, "Mars", 6.417e23, 3.3895e6);
  list = add(list, &count, "Pluto", 1.303e22, 1.1883e6);
  qsort(list, count, sizeof *list, by_gravity);
  for (size_t i = 0; i < count; i++)
    printf("%-8s %6.2f m/s2 %12.4e kg\n", list[i].name, surface_gravity(&list[i]), list[i].mass);

  printf("%a %g %.17g %Lg %f\n", 0.1, 1e-7, 1.0 / 3.0, sqrtl(2.0L), -INFINITY);
  printf("%5d|%-5d|%05d|%x|%llu|%c|%%\n", 42, 42, 42, 0xbeef, 18446744073709551615ull, 'x');

  unsigned char *block = malloc(300000);
  for (size_t i = 0; i < 300000; i++)
    block[i] = (unsigned char)(i * i >> 3);
  printf("checksum %lld\n", checksum(block, 300000));
  free(block);

  double number;
  char word[16];
  int fields = sscanf("answer 42.5", "%15s %lf", word, &number);
  printf("%d fields: %s %.1f, strtol %ld\n", fields, word, number, strtol("-0x1f", NULL, 0));

  FILE *missing = fopen("/no/such/file", "r");
  printf("open: %s\n", missing ? "opened" : "refused");
  fprintf(stderr, "arguments: %d, the last one %s\n", argc, argv[argc - 1]);
  for (size_t i = 0; i < count; i++)
    free(list[i].name);
  free(list);
  return 7;
}
