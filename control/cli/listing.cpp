#include "control/cli/listing.h"

#include <algorithm>
#include <utility>

#include "control/cli/arguments.h"
#include "control/socket/filter.h"

namespace millrace::control::cli {

namespace {

namespace po = boost::program_options;

constexpr size_t kMostFilter = 1024;  // octets, of the method's own

std::string sort_keys() {
  std::string out;
  for (const SortKey& key : kSortKeys) out += (out.empty() ? "" : ", ") + std::string(key.name);
  return out;
}

const SortKey& sort_key(const Call& call) {
  const auto* found = std::ranges::find(kSortKeys, call.options["sort"].as<std::string>(), &SortKey::name);
  if (found == std::end(kSortKeys)) throw Failure(kUsage, "--sort is one of " + sort_keys() + ".");
  return *found;
}

// Rows as they come: one a line for programs, for people a table of so many at a time.
class Printer {
 public:
  explicit Printer(Call& call) : call_(call) {}

  void add(json&& row) {
    ++count_;
    if (call_.json) {
      call_.world.out << (count_ == 1 ? "{\"rows\": [\n" : ",\n") << dump(row);
      return;
    }
    rows_.push_back(std::move(row));
    if (rows_.size() == kTableRows) print_table();
  }
  int finish(bool more) {
    if (call_.json) {
      call_.world.out << (count_ == 0 ? "{\"rows\": [" : "\n") << "], \"more\": " << (more ? "true" : "false") << "}\n";
      return kOk;
    }
    if (!rows_.empty() || count_ == 0) print_table();
    if (more) call_.world.out << "There are more than these " << count_ << " (--limit).\n";
    return kOk;
  }

 private:
  static constexpr size_t kTableRows = 4096;

  void print_table() {
    call_.world.out << connections_text(rows_);
    rows_ = json::array();
  }

  Call& call_;
  json rows_ = json::array();
  size_t count_ = 0;
};

// The largest can be anywhere, so all are looked at; but once there are enough, only larger ones are sent.
bool collect_sorted(Call& call, size_t limit, json& rows) {
  FirstRows first(sort_key(call), limit);
  const std::string wanted = call.options.count("filter") != 0 ? call.options["filter"].as<std::string>() : "";
  // Parentheses are bounded too.
  const bool narrows = wanted.size() < kMostFilter / 2 && std::ranges::count(wanted, '(') < 8;
  each_row(
      call, Method::Connections, kMostRows, [&](json&& row) { first.add(std::move(row)); },
      [&](json& params) {
        const std::optional<std::string> needed = narrows ? first.condition() : std::nullopt;
        if (needed) params["filter"] = wanted.empty() ? *needed : '(' + wanted + ") and " + *needed;
      });
  const bool more = first.full();
  rows = first.take();
  return more;
}

}  // namespace

bool FirstRows::comes_before(const Row& a, const Row& b) const {
  if (a.value == b.value) return a.number < b.number;
  return a.value.is_number() && b.value.is_number() ? a.value > b.value : a.value < b.value;
}

void FirstRows::add(json&& row) {
  const auto order = [this](const Row& a, const Row& b) { return comes_before(a, b); };
  Row next{row.value(std::string(key_.field), json()), seen_++, std::move(row)};
  if (rows_.size() == limit_) {
    if (limit_ == 0 || !comes_before(next, rows_.front())) return;
    std::ranges::pop_heap(rows_, order);
    rows_.back() = std::move(next);
  } else {
    rows_.push_back(std::move(next));
  }
  std::ranges::push_heap(rows_, order);
}

std::optional<std::string> FirstRows::condition() const {
  if (!full() || rows_.empty() || key_.filter.empty()) return std::nullopt;
  const json& least = rows_.front().value;
  if (!least.is_number_unsigned()) return std::nullopt;
  return std::string(key_.filter) + " > " + std::to_string(least.get<uint64_t>()) + std::string(key_.unit);
}

json FirstRows::take() {
  std::ranges::sort_heap(rows_, [this](const Row& a, const Row& b) { return comes_before(a, b); });
  json out = json::array();
  for (Row& row : rows_) out.push_back(std::move(row.row));
  rows_.clear();
  return out;
}

void declare_connections(po::options_description& options) {
  options.add_options()("state,s", value_of<std::string>("STATE"), "only this state, as in ESTABLISHED")(
      "port,p", value_of<int64_t>("PORT"), "only this port, at either end")(
      "filter,f", value_of<std::string>("EXPR"),
      ("only where this holds, as in 'state = established and rtt > 10ms'; FIELD OP VALUE with and, or, not "
       "and parentheses; fields: " +
       filter_fields())
          .c_str())("shard", value_of<int64_t>("N"), "only this shard")(
      "limit,l", value_of<int64_t>("N")->default_value(1000), "rows shown")(
      "sort", value_of<std::string>("COLUMN"), ("largest first: " + sort_keys()).c_str());
}

int run_connections(Call& call) {
  const auto limit = static_cast<size_t>(bounded(call, "limit", 1, static_cast<int64_t>(kMostRows)));
  Printer printer(call);
  if (call.options.count("sort") == 0)
    return printer.finish(each_row(call, Method::Connections, limit,
                                   [&](json&& row) { printer.add(std::move(row)); }));
  json rows;
  const bool more = collect_sorted(call, limit, rows);
  for (json& row : rows) printer.add(std::move(row));
  return printer.finish(more);
}

}  // namespace millrace::control::cli
