// Thread-local data, zeroed data, and addresses in both.
_Thread_local int own = 7;
_Thread_local int own_zero;
int five = 5;
_Thread_local int *own_pointer = &five;
int zero, *zero_pointer = &zero;
int *get_own(void) { return &own; }
int *get_own_zero(void) { return &own_zero; }
int **get_own_pointer(void) { return &own_pointer; }
void _start(void) {
  own = *zero_pointer;
  *own_pointer = zero;
  get_own_zero();
  get_own_pointer();
}
