// Catches what another object throws.

int destroyed;

int risky(int depth);
extern "C" int caught_so_far();

extern "C" int run(int depth) {
  try {
    return risky(depth);
  } catch (...) {
    return -1000 * caught_so_far() - destroyed;
  }
}
