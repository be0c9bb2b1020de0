// Headers and templates enough to keep a compiler busy for seconds.
#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

template <typename Key, typename Value> struct Index {
  std::map<Key, std::vector<Value>> sorted;
  std::unordered_map<Key, std::set<Value>> hashed;
  void add(const Key &key, const Value &value) {
    sorted[key].push_back(value);
    hashed[key].insert(value);
  }
  std::optional<Value> best(const Key &key) const {
    auto found = hashed.find(key);
    if (found == hashed.end() || found->second.empty())
      return std::nullopt;
    return *std::max_element(found->second.begin(), found->second.end());
  }
};

using Thing = std::variant<int, double, std::string, std::vector<int>>;

struct Printer {
  std::ostream &out;
  void operator()(const std::vector<int> &all) const {
    for (int one : all)
      out << one << ' ';
  }
  template <typename T> void operator()(const T &value) const { out << value; }
};

template <size_t N> struct Tower {
  Tower<N - 1> below;
  std::array<std::shared_ptr<Thing>, N> things;
  std::function<int(int)> step = [this](int x) { return below.step(x) + static_cast<int>(N); };
};
template <> struct Tower<0> {
  std::function<int(int)> step = [](int x) { return x; };
};

int main() {
  Index<std::string, int> words;
  Index<int, std::string> numbers;
  Index<double, double> reals;
  std::mt19937 random(1);
  std::regex pattern("([a-z]+)-([0-9]+)(?:\\.[0-9]+)?");
  for (int i = 0; i < 1000; i++) {
    std::string text = "word-" + std::to_string(random() % 100);
    std::smatch match;
    if (std::regex_match(text, match, pattern)) {
      words.add(match[1], std::stoi(match[2]));
      numbers.add(std::stoi(match[2]), match[1]);
      reals.add(i * 0.5, i * 0.25);
    }
  }
  std::vector<Thing> things{1, 2.5, std::string("three"), std::vector<int>{4, 5}};
  std::ostringstream out;
  for (const Thing &thing : things)
    std::visit(Printer{out}, thing);
  Tower<16> tower;
  std::cout << out.str() << tower.step(1) << words.best("word").value_or(0) << numbers.best(1).value_or("") << '\n';
  return std::accumulate(things.begin(), things.end(), 0, [](int sum, const Thing &thing) {
    return sum + static_cast<int>(thing.index());
  });
}
