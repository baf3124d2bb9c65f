// Something of libc, of its memory and of what it formats.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    char *copy = strdup("allocated");
    printf("hello from C: %d %s %.3f\n", argc, copy, 1.5 * argc);
    free(copy);
    return 0;
}
