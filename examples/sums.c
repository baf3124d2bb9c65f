/* Called by demo.calc: sums over a function that is chosen when the program runs. One of them
   is compiled by calc. */

extern long long triangle(int number);

static long long identity(int number) {
    return number;
}

static long long square(int number) {
    return (long long)number * number;
}

static long long (*const rules[])(int) = {identity, square, triangle};

long long sum(int rule, int count) {
    long long total = 0;
    for (int number = 1; number <= count; number++)
        total += rules[rule](number);
    return total;
}
