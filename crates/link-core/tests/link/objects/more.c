int length(const char *p) { return *p; }
const char *more = "Othello";
int unused(void) { return 1; }
