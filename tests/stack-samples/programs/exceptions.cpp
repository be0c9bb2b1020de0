// Exceptions through many frames, each with something to free.
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

__attribute__((noinline)) static size_t descend(unsigned depth, std::vector<std::string> &path) {
  std::string name = "a name that is too long to be inside of its string: " + std::to_string(depth);
  path.push_back(name);
  if (depth == 0) throw std::runtime_error(name);
  size_t length = descend(depth - 1, path) + name.size();
  path.pop_back();
  return length;
}

int main() {
  std::map<std::string, size_t> caught;
  for (unsigned round = 0; round < 20000; round++) {
    std::vector<std::string> path;
    try {
      descend(round % 40, path);
    } catch (const std::exception &error) {
      caught[error.what()] += path.size();
    }
  }
  std::printf("%zu\n", caught.size());
}
