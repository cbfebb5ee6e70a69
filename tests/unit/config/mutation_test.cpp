// A file and a command line damaged at random, seeded and bounded: whatever comes in, the answer is settings
// or problems, every message one printable line.
#include <gtest/gtest.h>

#include <random>

#include "config/show.h"
#include "config/text.h"
#include "helpers.h"

namespace millrace::config {
namespace {

constexpr std::string_view kSeedText =
    "# comment\n[eal]\nargs = --no-huge -m 512\n[port.p0]\nvdev = net_tap0,iface=mr0\nmtu = 1500\nmac = "
    "02:00:00:00:00:02\n"
    "[address]\nadd = 10.0.0.2/24\nadd = 2001:db8::2/64\n[route]\nadd = default via 10.0.0.1\n[tcp]\nmsl = "
    "1.5s\n"
    "rto_min = 200ms\nreceive_buffer = 64KiB\nnagle = \"off\" # x\n[lcores]\nuse = 1-3,5\n[control]\nmode = "
    "0660\n"
    "socket = \"/run/\\\"m\\\".sock\"\n[service.web]\nkind = http\nlisten = [::]:80\nlisten = 10.0.0.2:80\n";

// Pieces at which the grammar turns.
constexpr std::string_view kPieces[] = {"[",     "]",       "=",       "\"",      "\\",
                                        "#",     " ",       "\n",      ".",       ",",
                                        "-",     "/",       ":",       "0",       "99999999999999999999",
                                        "\xff",  "\xc3",    "\x1b[2J", "[tcp]\n", "[port.",
                                        " via ", "args = ", "--vdev "};

std::string mutated(std::string text, std::mt19937& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : static_cast<size_t>(random()) % n; };
  for (size_t edits = 1 + below(8); edits > 0; --edits) {
    const size_t at = below(text.size() + 1);
    const size_t from = below(text.size() + 1);
    const auto octet = static_cast<char>(below(256));
    const size_t count = below(80);
    switch (below(6)) {
      case 0:
        text.insert(at, 1, octet);
        break;
      case 1:
        text.erase(at, count / 8);
        break;
      case 2:
        text.insert(at, kPieces[below(std::size(kPieces))]);
        break;
      case 3:
        text.insert(at, text.substr(from, count));
        break;
      case 4:
        text.insert(at, std::string(count * count, octet));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1U << below(8)));
    }
  }
  return text;
}

void expect_printable(const Problems& problems, unsigned seed) {
  for (const Problem& problem : problems.kept()) {
    const std::string text = problem.text();
    ASSERT_EQ(escaped(text), text) << "seed " << seed;
    ASSERT_LT(text.size(), 2000U) << "seed " << seed << ": " << text.substr(0, 300);
  }
}

TEST(Mutation, DamagedFile_GivesSettingsOrPrintableProblems) {
  size_t good = 0;
  constexpr unsigned kRounds = 4000;
  for (unsigned seed = 0; seed < kRounds; ++seed) {
    std::mt19937 random(seed);
    const Loaded loaded = from_text(mutated(std::string(kSeedText), random), Purpose::Serve);
    expect_printable(loaded.problems, seed);
    if (!loaded.problems.empty()) continue;
    ++good;
    const Loaded again = from_text(show_text(loaded.config, Shown::All), Purpose::Serve);
    ASSERT_EQ(again.problems.text(), "") << "seed " << seed;
    ASSERT_EQ(show_json(again.config, Shown::All).empty(), false);
  }
  EXPECT_GT(good, kRounds / 100);  // or the damage is too great to try anything but the first check
  EXPECT_LT(good, kRounds);
}

TEST(Mutation, DamagedCommandLine_GivesSettingsOrPrintableProblems) {
  const std::vector<std::string> seed_words = {"--vdev",    "net_tap0,iface=mr0",
                                               "--address", "10.0.0.2/24",
                                               "--route",   "default via 10.0.0.1",
                                               "--service", "http:80,directory=/srv",
                                               "--set",     "tcp.msl=5s",
                                               "--",        "--no-huge",
                                               "-m",        "64"};
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::string> words = seed_words;
    std::string& victim = words[random() % words.size()];
    victim = mutated(victim, random);
    std::erase(victim, '\0');  // argv cannot hold one
    expect_printable(from_words(words, Purpose::Serve).problems, seed);
  }
}

}  // namespace
}  // namespace millrace::config
