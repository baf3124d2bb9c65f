/* Called by demo.calc: Roman numerals. It has constants, pointers to them, and a buffer that
   starts out zeroed, so that every kind of data segment is in the demo. */

struct numeral {
    int value;
    const char *text;
};

static const struct numeral numerals[] = {
    {1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
    {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"},
};

static char buffer[32];

const char *roman(int number) {
    char *end = buffer;
    if (number < 1 || number > 3999)
        return "(none)";
    for (const struct numeral *numeral = numerals; number > 0; numeral++) {
        for (; number >= numeral->value; number -= numeral->value) {
            for (const char *letter = numeral->text; *letter; letter++)
                *end++ = *letter;
        }
    }
    *end = 0;
    return buffer;
}
