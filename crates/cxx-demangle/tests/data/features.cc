// What clang mangles, feature by feature. The names of its symbols are in features.tsv, with
// what LLVM's demangler shows for them; ../table.rs says how that file is made.

namespace std {
using size_t = decltype(sizeof 0);
using nullptr_t = decltype(nullptr);
template <class T> struct allocator {};
template <class T> struct char_traits {};
template <class C, class T = char_traits<C>, class A = allocator<C>> struct basic_string {
  basic_string();
  basic_string(const basic_string &);
  ~basic_string();
  basic_string &append(const C *);
};
using string = basic_string<char>;
template <class C, class T = char_traits<C>> struct basic_ostream {
  basic_ostream();
  ~basic_ostream();
};
using ostream = basic_ostream<char>;
template <class C, class T = char_traits<C>> struct basic_istream {};
template <class C, class T = char_traits<C>> struct basic_iostream {};
template <class... T> struct tuple {};
template <class A, class B> struct pair {};
inline namespace v1 {
struct versioned {};
void in_version(versioned);
void in_version(versioned) {}
} // namespace v1
template <class C, class T, class A> basic_string<C, T, A>::basic_string() {}
template <class C, class T, class A> basic_string<C, T, A>::basic_string(const basic_string &) {}
template <class C, class T, class A> basic_string<C, T, A>::~basic_string() {}
template <class C, class T, class A>
basic_string<C, T, A> &basic_string<C, T, A>::append(const C *) { return *this; }
template <class C, class T> basic_ostream<C, T>::basic_ostream() {}
template <class C, class T> basic_ostream<C, T>::~basic_ostream() {}
template struct basic_string<char>;
template struct basic_string<wchar_t>;
template struct basic_ostream<char>;
void strings(string, ostream &, allocator<char> *, basic_istream<char> &&, basic_iostream<char>,
             basic_string<wchar_t>) {}
} // namespace std

void *operator new(std::size_t) { return nullptr; }
void operator delete(void *) noexcept {}
void operator delete(void *, std::size_t) noexcept {}
inline void *operator new(std::size_t, void *place) { return place; }

namespace builtins {
void integers(bool, char, signed char, unsigned char, short, unsigned short, int, unsigned, long,
              unsigned long, long long, unsigned long long, __int128, unsigned __int128) {}
void characters(wchar_t, char8_t, char16_t, char32_t) {}
void floats(float, double, long double) {}
#ifdef __x86_64__
void small_floats(_Float16 *, __bf16 *, __float128) {}
#endif
void bits(_BitInt(7), unsigned _BitInt(64)) {}
void complex(_Complex float, _Complex double) {}
void null(std::nullptr_t, ...) {}
typedef int v4 __attribute__((vector_size(16)));
typedef float e2 __attribute__((ext_vector_type(2)));
void vectors(v4, e2) {}
} // namespace builtins

namespace declarators {
void pointers(int *, const int *, int *const *, volatile char *, const volatile void *) {}
void restricted(int *__restrict *, const char *__restrict) {}
void references(int &, int &&, const int &) {}
void arrays(int (*)[3], int (&)[2][4], const char (&&)[5], int (*)[]) {}
void functions(int (*)(char), void (&)(), void (*)(int (*)(char)), int (*(*)(char))[3]) {}
int (*returns_pointer(char))(short) { return nullptr; }
int (*returns_array())[3] { return nullptr; }
void noexceptions(void (*)() noexcept) {}
struct S {
  int data;
  void member(int) {}
  void constant() const {}
  void both() const volatile {}
  void lvalue() & {}
  void rvalue() const && {}
  void object(this S) {}
  void object_reference(this const S &, int) {}
};
void members(int S::*, void (S::*)(int), void (S::*)() const, void (S::*)() &,
             int (S::*S::*)[2], int (S::*)(char) noexcept) {}
void use() {
  S s;
  s.member(1);
  s.constant();
  s.both();
  s.lvalue();
  static_cast<S &&>(s).rvalue();
  s.object();
  s.object_reference(1);
}
} // namespace declarators

namespace operators {
using Function = void (*)(int);
struct T {
  T operator+(T) const; T operator-(T) const; T operator*(T) const; T operator/(T) const;
  T operator%(T) const; T operator^(T) const; T operator&(T) const; T operator|(T) const;
  T operator~() const; bool operator!() const; T &operator=(T); bool operator<(T) const;
  bool operator>(T) const; T &operator+=(T); T &operator-=(T); T &operator*=(T); T &operator/=(T);
  T &operator%=(T); T &operator^=(T); T &operator&=(T); T &operator|=(T); T operator<<(int) const;
  T operator>>(int) const; T &operator<<=(int); T &operator>>=(int); bool operator==(T) const;
  bool operator!=(T) const; bool operator<=(T) const; bool operator>=(T) const;
  int operator<=>(T) const; bool operator&&(T) const; bool operator||(T) const; T &operator++();
  T operator++(int); T &operator--(); T operator--(int); T operator,(T) const;
  T *operator->() const; int &operator->*(int) const; int operator()(int, char) const;
  int operator[](int) const; T operator-() const; T operator+() const; T &operator*() const;
  T *operator&() const; operator int() const; operator const char *() const;
  operator Function() const; template <class U> operator U *() const;
  void *operator new(std::size_t); void *operator new[](std::size_t);
  void operator delete(void *); void operator delete[](void *);
};
T T::operator+(T) const { return *this; } T T::operator-(T) const { return *this; }
T T::operator*(T) const { return *this; } T T::operator/(T) const { return *this; }
T T::operator%(T) const { return *this; } T T::operator^(T) const { return *this; }
T T::operator&(T) const { return *this; } T T::operator|(T) const { return *this; }
T T::operator~() const { return *this; } bool T::operator!() const { return false; }
T &T::operator=(T) { return *this; } bool T::operator<(T) const { return false; }
bool T::operator>(T) const { return false; } T &T::operator+=(T) { return *this; }
T &T::operator-=(T) { return *this; } T &T::operator*=(T) { return *this; }
T &T::operator/=(T) { return *this; } T &T::operator%=(T) { return *this; }
T &T::operator^=(T) { return *this; } T &T::operator&=(T) { return *this; }
T &T::operator|=(T) { return *this; } T T::operator<<(int) const { return *this; }
T T::operator>>(int) const { return *this; } T &T::operator<<=(int) { return *this; }
T &T::operator>>=(int) { return *this; } bool T::operator==(T) const { return false; }
bool T::operator!=(T) const { return false; } bool T::operator<=(T) const { return false; }
bool T::operator>=(T) const { return false; } int T::operator<=>(T) const { return 0; }
bool T::operator&&(T) const { return false; } bool T::operator||(T) const { return false; }
T &T::operator++() { return *this; } T T::operator++(int) { return *this; }
T &T::operator--() { return *this; } T T::operator--(int) { return *this; }
T T::operator,(T) const { return *this; } T *T::operator->() const { return nullptr; }
int &T::operator->*(int i) const { static int x; return x; }
int T::operator()(int, char) const { return 0; } int T::operator[](int) const { return 0; }
T T::operator-() const { return {}; } T T::operator+() const { return {}; }
T &T::operator*() const { static T t; return t; } T *T::operator&() const { return nullptr; }
T::operator int() const { return 0; } T::operator const char *() const { return ""; }
T::operator Function() const { return nullptr; }
template <class U> T::operator U *() const { return nullptr; }
template T::operator double *() const;
template T::operator T *() const;
void *T::operator new(std::size_t) { return nullptr; }
void *T::operator new[](std::size_t) { return nullptr; }
void T::operator delete(void *) {}
void T::operator delete[](void *) {}
int operator""_number(unsigned long long) { return 0; }
int operator""_text(const char *, std::size_t) { return 0; }
template <char...> int operator""_digits() { return 0; }
template int operator""_digits<'1', '2'>();
template <class U> bool operator<(U, T) { return false; }
template bool operator< <int>(int, T);
template <class U> T operator<<(U, T) { return {}; }
template T operator<< <int>(int, T);
struct awaitable { awaitable operator co_await() { return {}; } };
void use() { awaitable().operator co_await(); }
} // namespace operators

namespace classes {
struct Base {
  Base() {}
  Base(int) {}
  virtual ~Base() {}
  virtual Base *clone() { return this; }
};
struct Left : virtual Base { int l; Left *clone() override { return this; } };
struct Right : virtual Base { int r; Right *clone() override { return this; } };
struct Both : Left, Right {
  Both *clone() override { return this; }
};
struct Inherits : Base { using Base::Base; int x = 3; };
struct Second { virtual void second() {} virtual ~Second() {} };
struct Two : Base, Second { void second() override {} };
Both both;
Two two;
Inherits inherits(3);
template <class T> struct Generic {
  Generic() {}
  template <class U> Generic(U) {}
  ~Generic() {}
  struct Inner { Inner() {} };
  static T value;
};
template <class T> T Generic<T>::value = T();
template struct Generic<int>;
template struct Generic<Generic<char>>;
Generic<int> from_double(1.5);
Generic<int>::Inner inner;
} // namespace classes

namespace data {
int plain;
extern const int constant;
const int constant = 1;
int start();
int start() { return 1; }
thread_local int tls = start();
int read_tls() { return tls; }
extern thread_local int elsewhere;
int read_elsewhere() { return elsewhere; }
const classes::Base &temporary = classes::Base(1);
struct Pair { int first, second; };
auto [one, two] = Pair{1, 2};
int *in_function() {
  static int counter = start();
  return &counter;
}
inline int in_lambda() {
  auto f = [] {
    static int counter = start();
    static int more = start();
    return counter + more;
  };
  return f();
}
int calls = in_lambda();
} // namespace data

namespace scopes {
namespace {
int hidden() { return 1; }
struct Hidden { void member() const {} };
} // namespace
void outer(int x) {
  struct Local {
    void member() {}
    struct Deep { static void f(Local *) {} };
  };
  Local().member();
  Local::Deep::f(nullptr);
  {
    struct Local { void member() {} };
    Local().member();
  }
  Hidden().member();
  hidden();
}
struct {
  int x;
  void member() {}
} unnamed;
void use() { unnamed.member(); }
enum { enumerator };
template <class T> void takes(T) {}
template void takes(decltype(enumerator));
template void takes(decltype(unnamed));
extern "C" void not_mangled(void (*)(int)) {}
static void internal() {}
void (*keep)() = internal;
} // namespace scopes

namespace lambdas {
template <class F> int call(F f) { return f(); }
template <class F> int call_with(F f) { return f(1); }
int plain() { return call([] { return 1; }) + call([] { return 2; }); }
int in_default(int x = call([] { return 3; })) { return x; }
int captures(int a) { return call([a] { return call([a] { return a; }); }); }
int generic() { return call_with([](auto x) { return x; }); }
int variadic() { return call_with([](auto... x) { return int(sizeof...(x)); }); }
int templated() { return call_with([]<class T>(T x) { return x; }); }
int valued() { return call_with([]<class T, int N = 3>(T x) { return x + N; }); }
int packed() { return call_with([]<class... T>(T... x) { return int(sizeof...(T)); }); }
template <class T> concept Small = sizeof(T) <= 4;
int constrained() { return call_with([]<Small T>(T x) { return x; }); }
int constrained_auto() { return call_with([](Small auto x) { return x; }); }
int required() { return call_with([]<class T>(T x) requires Small<T> { return x; }); }
struct Holder {
  int member = call([] { return 4; });
  int method() { return call([this] { return member; }); }
};
int holder() { return Holder().method(); }
inline auto variable = [](int x) { return x; };
int variable_use() { return variable(1); }
template <class T> int in_template(T t) { return call([t] { return int(t); }); }
template int in_template(char);
int mutable_one() { return call([x = 1]() mutable { return x++; }); }
int explicit_object() { return call_with([](this auto self, int x) { return x; }); }
int nested() { return call_with([](auto x) { return call_with([x](auto y) { return x + y; }); }); }
} // namespace lambdas

namespace templates {
template <class T> T identity(T t) { return t; }
template int identity(int);
template const char *identity(const char *);
template <class T> void forward(T &&) {}
template void forward<int>(int &&);
template void forward<int &>(int &);
template void forward<const int (&)[3]>(const int (&)[3]);
template <class... T> void pack(T...) {}
template void pack<>();
template void pack(int);
template void pack(int, char, double);
template <class... T> void references(T &&...) {}
template void references(int &, int &&, const char &);
template <class... T> std::tuple<T...> tuples(std::pair<T, int>...) { return {}; }
template std::tuple<int, char> tuples(std::pair<int, int>, std::pair<char, int>);
template <class... T> void functions(T (*...)(T)) {}
template void functions(int (*)(int), char (*)(char));
template <class... T, class... U> void two(std::tuple<T...>, std::tuple<U...>) {}
template void two(std::tuple<int, char>, std::tuple<>);
template <template <class...> class C, class T> void takes_template(C<T>) {}
template void takes_template(std::tuple<int>);
template <template <class> class... C> struct Templates {};
void more_templates(Templates<std::allocator, std::char_traits>) {}
template <class T, int N> void array(T (&)[N]) {}
template void array(int (&)[4]);
template <class T> void member(int T::*, void (T::*)()) {}
template void member(int declarators::S::*, void (declarators::S::*)());
template <class T> struct Friend { friend void befriended(Friend) {} };
void befriends() { befriended(Friend<int>()); }
template <class T> constexpr T variable = T(1);
const int *variable_address() { return &variable<int>; }
template <class T> struct Outer { template <class U> struct Inner { void f(T, U) {} template <class V> V g(V v) { return v; } }; };
template void Outer<int>::Inner<char>::f(int, char);
template double Outer<int>::Inner<char>::g(double);
} // namespace templates

namespace values {
enum Enum { A, B };
enum class Scoped : unsigned char { X = 200 };
template <auto V> struct Auto {};
struct Literal { int a; double b; };
struct Text { char c[4]; };
struct Nested { Literal l; int array[2]; };
union Union { int i; float f; constexpr Union(float f) : f(f) {} };
struct HasUnion { int i; Union u; };
int global;
int globals[4];
void function(int);
void function(int) {}
template <class T> void f(T) {}
template void f(Auto<1>);
template void f(Auto<-1>);
template void f(Auto<1u>);
template void f(Auto<1l>);
template void f(Auto<1ul>);
template void f(Auto<-1ll>);
template void f(Auto<1ull>);
template void f(Auto<'a'>);
template void f(Auto<(signed char)-3>);
template void f(Auto<(short)7>);
template void f(Auto<true>);
template void f(Auto<L'w'>);
template void f(Auto<u8'8'>);
template void f(Auto<(__int128)5>);
template void f(Auto<nullptr>);
template void f(Auto<B>);
template void f(Auto<Scoped::X>);
template void f(Auto<1.5f>);
template void f(Auto<-0.1>);
template void f(Auto<1e300>);
template void f(Auto<&global>);
template void f(Auto<&globals[2]>);
template void f(Auto<&function>);
template void f(Auto<&declarators::S::data>);
template void f(Auto<&declarators::S::member>);
template void f(Auto<Literal{1, 2.5}>);
template void f(Auto<Text{"abc"}>);
template void f(Auto<Text{{'"', '\n', 1, 'f'}}>);
template void f(Auto<Nested{{3, 4}, {5, 6}}>);
template void f(Auto<HasUnion{1, Union(2.5f)}>);
template void f(Auto<[] { return 1; }>);
template void f(Auto<(int *)nullptr>);
template <Literal L> const Literal &parameter() { return L; }
template const Literal &parameter<Literal{7, 8}>();
} // namespace values

namespace expressions {
template <int> struct Int {};
template <bool> struct Bool {};
template <class T> T value();
struct S { int m; static int s; int operator()(int); template <class T> static int t(T); int f(); };
template <class T> auto add(T a, T b) -> decltype(a + b) { return a + b; }
template int add(int, int);
template <class T> auto arithmetic(T a) -> decltype(-a * (a + a) / a % a - +a) { return a; }
template int arithmetic(int);
template <class T> auto logic(T a) -> decltype(!a && (a || a) ? a & ~a : a | a ^ a) { return a; }
template int logic(int);
template <class T> auto compare(T a) -> Bool<(sizeof(a) > 3) == (sizeof(T) >= 4) != (sizeof a < 1)> { return {}; }
template auto compare(int) -> Bool<true>;
template <class T> auto shift(T a) -> decltype(a << 1 >> 2) { return a; }
template int shift(int);
template <class T> auto assign(T &a) -> decltype(a = a += a -= a *= a) { return a; }
template int &assign(int &);
template <class T> auto increments(T a) -> decltype(++a, a++, --a, a--) { return a; }
template int increments(int);
template <class T> auto pointers(T *a) -> decltype(*a, &a, a[1], *&*a) { return *a; }
template int &pointers(int *);
template <class T> auto access(T a, T *p) -> decltype(a.m + p->m) { return a.m; }
template int access(S, S *);
template <class T> auto member_pointer(T a, int T::*p) -> decltype(a.*p) { return a.m; }
template <class T> auto calls(T a) -> decltype(a(1), a.f(), T::template t<int>(1)) { return 1; }
template int calls(S);
template <class T> auto scoped() -> decltype(T::s) { return 1; }
template int scoped<S>();
template <class T> auto casts(T a) -> decltype(static_cast<long>(a), (char)a, T(a), reinterpret_cast<T &>(a), const_cast<const T &>(a)) { return a; }
template const int &casts(int);
template <class T> auto sizes() -> Int<sizeof(T) + alignof(T) + sizeof(T *)> { return {}; }
template Int<sizeof(int) + alignof(int) + sizeof(int *)> sizes<int>();
template <class... T> auto pack_size(T...) -> Int<sizeof...(T)> { return {}; }
template Int<2> pack_size(int, char);
template <class T> auto news() -> decltype(new T, new T(1), new T[2], new (nullptr) T, ::new T{}) { return nullptr; }
template int *news<int>();
template <class T> auto deletes(T *a) -> decltype(delete a, delete[] a, 1) { return 1; }
template int deletes(int *);
template <class T> auto braces(T a) -> decltype(T{a}, T{}) { return a; }
template int braces(int);
template <class T> auto throws(bool b) -> decltype(b ? throw 1 : T()) { return 1; }
template int throws<int>(bool);
template <class T> auto noexcepts(T a) -> Bool<noexcept(a + a)> { return {}; }
template Bool<true> noexcepts(int);
template <class... T> auto folds(T... a) -> decltype((a + ...), (... + a), (a + ... + 1), (1 + ... + a)) { return 1; }
template int folds(int, int);
template <class... T> auto expands(T... a) -> decltype(add(a...)) { return 1; }
template int expands(int, int);
template <class T> auto initializer_list() -> decltype(new T[2]{1, 2}) { return nullptr; }
template int *initializer_list<int>();
template <class T> auto destroys(T *a) -> decltype(a->~T(), 1) { return 1; }
template int destroys(int *);
template <class T> auto literals(T) -> decltype(1 + 1u + 'c' + true + 1.5 + T()) { return 1; }
template double literals(int);
template <class T> auto strings(T) -> decltype(*"text") { return *"x"; }
template const char &strings(int);
template <class T> auto this_member(T) -> decltype(value<S>().m) { return 1; }
template int this_member(int);
template <class T, class = decltype(value<T>() + 1)> void defaulted(T) {}
template void defaulted(int);
template <class T> void noexcept_pointer(void (*)(T) noexcept(sizeof(T) > 1)) {}
template void noexcept_pointer<int>(void (*)(int) noexcept(true));
} // namespace expressions

namespace concepts {
template <class T> concept Any = true;
template <class T, class U> concept Same = sizeof(T) == sizeof(U);
template <Any T> void constrained(T) {}
template void constrained(int);
template <class T> requires Any<T> void required(T) {}
template void required(int);
template <class T> void trailing(T) requires(Any<T> && sizeof(T) > 1) {}
template void trailing(int);
template <class T> requires requires(T a) { a + a; typename T::type; { a.f() } noexcept -> Same<int>; requires Any<T>; }
void expression(T) {}
struct Satisfies { using type = int; Satisfies operator+(Satisfies); int f() noexcept; };
template void expression(Satisfies);
void abbreviated(Any auto) {}
void use() { abbreviated(1); }
template <class T> struct Class { void member() requires Any<T> {} friend void f(Class) requires Any<T> {} };
template void Class<int>::member();
void befriend() { f(Class<int>()); }
template <Same<int> T> void partial(T) {}
template void partial(int);
template <auto N> requires(N > 3) void values() {}
template void values<4>();
template <Any... T> void packs(T...) {}
template void packs(int, char);
} // namespace concepts

namespace attributes {
struct [[gnu::abi_tag("tag")]] Tagged { Tagged() {} void f() {} };
[[gnu::abi_tag("b", "a")]] int function() { return 1; }
Tagged returns() { return {}; }
void use() { Tagged().f(); returns(); }
[[gnu::abi_tag("v")]] int variable;
inline namespace [[gnu::abi_tag]] inlined { struct In {}; }
In returns_in() { return {}; }
void overloaded(int x) __attribute__((enable_if(x > 1, "large"), overloadable)) {}
void overloaded(int) {}
typedef __attribute__((address_space(1))) int in_space;
void spaces(in_space *) {}
void transparent(const int *__restrict, void *const) {}
} // namespace attributes
