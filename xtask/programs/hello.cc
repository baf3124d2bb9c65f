// Something of libc++, and of what the WASI SDK emulates.
#include <csignal>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

static void handler(int signal) { std::cout << "signal " << signal << '\n'; }

int main() {
    std::vector<std::string> words = {"hello", "from", "C++:"};
    for (const std::string &word : words)
        std::cout << word << ' ';
    std::cout << (clock() >= 0) << '\n';
    std::signal(SIGTERM, handler);
    std::raise(SIGTERM);
    return 0;
}
