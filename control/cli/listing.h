// `millracectl conns`: rows page after page, all that hold or the largest of them. However many connections
// there are, no more rows are kept than are shown. Neighbours: connections_view.cpp (what people see),
// control/socket/filter.h (which rows are sent).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/cli/commands.h"
#include "control/cli/views.h"

namespace millrace::control::cli {

// The first rows by a column: of numbers the largest, of words those that come first; of equal ones those
// that came first.
class FirstRows {
 public:
  FirstRows(const SortKey& key, size_t limit) : key_(key), limit_(limit) {}

  void add(json&& row);
  // What a row needs to get in, as a filter says it; nothing: every row may still.
  std::optional<std::string> condition() const;
  // Whether a row has been left out.
  bool full() const { return seen_ > rows_.size(); }
  json take();  // sorted

 private:
  struct Row {
    json value;
    uint64_t number;  // in the order in which they came
    json row;
  };
  bool comes_before(const Row& a, const Row& b) const;

  const SortKey& key_;
  const size_t limit_;
  std::vector<Row> rows_;  // a heap, the last one at its top
  uint64_t seen_ = 0;
};

void declare_connections(boost::program_options::options_description& options);
int run_connections(Call& call);

inline constexpr std::array kConnectionsExamples{
    Example{"conns", "connections, with what TCP knows of each"},
    Example{"conns --state established --port 80 --sort rtt --limit 10", "the ten slowest paths to port 80"},
    Example{"conns --filter 'retrans > 0 and not remote = 10.0.0.0/8'", "who loses segments, from elsewhere"},
    Example{"conns --json | jq '.rows | length'", "how many"}};

}  // namespace millrace::control::cli
