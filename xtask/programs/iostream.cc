// Streams, containers, virtual calls, and the order of everything that runs before and after
// main.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Noisy {
  explicit Noisy(const char *name) : name(name) { std::printf("construct %s\n", name); }
  ~Noisy() { std::printf("destroy %s\n", name); }
  const char *name;
};

Noisy second("second");

__attribute__((constructor(200))) void early() { std::puts("constructor of priority 200"); }
__attribute__((constructor(101))) void earlier() { std::puts("constructor of priority 101"); }
__attribute__((destructor)) void late() { std::puts("destructor function"); }

Noisy &lazy() {
  static Noisy noisy("lazy");
  return noisy;
}

class Shape {
public:
  virtual ~Shape() = default;
  virtual double area() const = 0;
  virtual std::string name() const { return "shape"; }
};

class Circle final : public Shape {
public:
  explicit Circle(double radius) : radius(radius) {}
  double area() const override { return 3.14159265358979 * radius * radius; }
  std::string name() const override { return "circle"; }

private:
  double radius;
};

class Square final : public Shape {
public:
  explicit Square(double side) : side(side) {}
  double area() const override { return side * side; }

private:
  double side;
};

} // namespace

// Templates and inline functions end in comdats.
template <typename Key, typename Value>
std::string describe(const std::map<Key, Value> &map) {
  std::ostringstream out;
  for (const auto &[key, value] : map)
    out << key << '=' << value << ';';
  return out.str();
}

inline std::string reversed(std::string text) {
  std::reverse(text.begin(), text.end());
  return text;
}

Noisy first("last of this file");

int main() {
  std::atexit([] { std::puts("atexit, registered first"); });
  std::atexit([] { std::puts("atexit, registered last"); });
  lazy();

  std::vector<std::unique_ptr<Shape>> shapes;
  shapes.push_back(std::make_unique<Circle>(1.5));
  shapes.push_back(std::make_unique<Square>(2));
  for (const auto &shape : shapes)
    std::cout << std::setw(8) << shape->name() << std::fixed << std::setprecision(3) << ' '
              << shape->area() << std::endl;

  std::map<std::string, int> counts;
  std::istringstream words("the quick fox and the lazy dog and the cat");
  for (std::string word; words >> word;)
    ++counts[word];
  std::cout << describe(counts) << '\n' << reversed("stressed") << '\n';
  std::cout << std::hex << std::showbase << 48879 << ' ' << std::boolalpha << true << std::endl;
  std::cerr << "to the other stream\n";
  return counts["the"];
}
