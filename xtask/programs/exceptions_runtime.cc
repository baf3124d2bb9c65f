// As much of a C++ runtime as throwing and catching an int needs.

#include <stddef.h>

struct LandingPad {
  size_t index;
  void *data;
  size_t selector;
};

extern "C" {

struct LandingPad __wasm_lpad_context;

// What `throw` names as the type of an int; nobody here looks at it.
extern const char _ZTIi[8] = {};

static _Alignas(16) char storage[64];
static int caught;

void *__cxa_allocate_exception(size_t) { return storage; }

[[noreturn]] void __cxa_throw(void *thrown, void *, void (*)(void *)) {
  __builtin_wasm_throw(0, thrown);
}

// Every handler of this program catches what is thrown.
int _Unwind_CallPersonality(void *) {
  __wasm_lpad_context.selector = 1;
  return 0;
}

void *__cxa_begin_catch(void *thrown) {
  ++caught;
  return thrown;
}

void __cxa_end_catch() {}

int caught_so_far() { return caught; }

[[noreturn]] void _ZSt9terminatev() { __builtin_trap(); }

int __gxx_wasm_personality_v0() { return 0; }
}
