// Throws, through a frame that has something to destroy.

extern int destroyed;

struct Guard {
  int weight;
  ~Guard() { destroyed += weight; }
};

[[noreturn]] static void fail() { throw 42; }

int risky(int depth) {
  Guard guard{depth};
  if (depth == 0)
    fail();
  return depth < 10 ? risky(depth - 1) + 1 : depth;
}
