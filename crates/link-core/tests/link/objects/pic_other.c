int other_data = 1;
int other(int x) { return x; }
int use(int);
void _start(void) { use(2); }
