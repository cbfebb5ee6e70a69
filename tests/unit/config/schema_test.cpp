// The table against itself and against the parameter structs that it fills.
#include "config/schema.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "config/command_line.h"
#include "config/config.h"

namespace millrace::config {
namespace {

TEST(Schema, EveryKey_HasASectionADocAndAnExample) {
  for (const Key& key : keys()) {
    ASSERT_NE(find_section(key.section), nullptr) << key.name;
    EXPECT_TRUE(key.doc.ends_with('.')) << key.path();
    EXPECT_EQ(key.doc.find('\n'), std::string_view::npos) << key.path();
    ASSERT_NE(key.binding.store, nullptr) << key.path();
    ASSERT_NE(key.binding.read, nullptr) << key.path();
    EXPECT_EQ(key.type == Type::Choice, !key.choices.empty()) << key.path();
  }
}

TEST(Schema, EverySection_HasAKey) {
  for (const Section& section : sections()) {
    size_t count = 0;
    for (const Key& key : keys()) count += key.section == section.name ? 1U : 0U;
    EXPECT_GT(count, 0U) << section.name;
  }
}

TEST(Schema, NamesAndOptions_AreGivenOnce) {
  std::set<std::string> paths;
  std::set<std::string_view> options = {"config", "set", "help"};
  for (const Key& key : keys()) {
    EXPECT_TRUE(paths.insert(key.path()).second) << key.path();
    if (!key.option.empty()) {
      EXPECT_TRUE(options.insert(key.option).second) << key.option;
    }
  }
  for (const Section& section : sections())
    if (!section.option.empty()) {
      EXPECT_TRUE(options.insert(section.option).second) << section.option;
    }
}

TEST(Schema, DefaultsAndExamples_AreAllowedValuesInCanonicalForm) {
  for (const Key& key : keys()) {
    for (const std::string_view text : {key.fallback, key.example}) {
      if (text.empty()) continue;
      const ParsedValue parsed = parse_value(key, text);
      ASSERT_TRUE(parsed.value) << key.path() << ": " << parsed.problem;
      const ParsedValue again = parse_value(key, format_value(key, *parsed.value));
      ASSERT_TRUE(again.value) << key.path() << ": " << again.problem;
      EXPECT_EQ(format_value(key, *again.value), format_value(key, *parsed.value)) << key.path();
    }
    EXPECT_FALSE(key.example.empty()) << key.path();
    if (!key.fallback.empty()) {
      EXPECT_EQ(format_value(key, *parse_value(key, key.fallback).value), key.fallback);
    }
  }
}

TEST(Schema, Bounds_FitTheFieldThatIsFilled) {
  for (const Key& key : keys()) {
    EXPECT_LE(key.bounds.min, key.bounds.max) << key.path();
    const bool number = key.type == Type::Integer || key.type == Type::Duration || key.type == Type::Size ||
                        key.type == Type::Rate || key.type == Type::Mode;
    if (number) {
      ASSERT_NE(key.binding.capacity, 0U) << key.path();
      EXPECT_LE(key.bounds.max, key.binding.capacity) << key.path();
    }
  }
}

// Settings{} has the defaults of base/params.h and of config/settings.h; the schema must say the same.
TEST(Schema, Defaults_EqualThoseOfTheStructsKeyByKey) {
  Settings structs;
  structs.ports.emplace_back().name = "x";
  structs.services.emplace_back().name = "x";
  for (const Key& key : keys()) {
    if (key.required) continue;  // has no default
    const std::vector<Value> values = key.binding.read(structs, find_section(key.section)->named ? "x" : "");
    if (key.fallback.empty()) {
      EXPECT_TRUE(values.empty()) << key.path();
      continue;
    }
    ASSERT_EQ(values.size(), 1U) << key.path();
    EXPECT_EQ(format_value(key, values.front()), key.fallback) << key.path();
  }
  EXPECT_EQ(PortSettings{}.mtu, InterfaceParams{}.mtu);
  EXPECT_EQ(ServiceSettings{}.backlog, ListenerParams{}.backlog);
  EXPECT_EQ(ServiceSettings{}.connections, ListenerParams{}.connections);
}

TEST(Schema, StoredExample_IsReadBackFromTheSameField) {
  for (const Key& key : keys()) {
    Settings settings;
    const Value value = *parse_value(key, key.example).value;
    key.binding.store(settings, "x", value);
    const std::vector<Value> values = key.binding.read(settings, "x");
    ASSERT_EQ(values.size(), 1U) << key.path();
    EXPECT_EQ(format_value(key, values.front()), format_value(key, value)) << key.path();
  }
}

std::vector<std::string> texts(const Key& key, const std::vector<Value>& values) {
  std::vector<std::string> out;
  for (const Value& value : values) out.push_back(format_value(key, value));
  return out;
}

TEST(Schema, StoringOneKey_LeavesEveryOther) {
  Settings before;
  before.ports.emplace_back().name = "x";
  before.services.emplace_back().name = "x";
  for (const Key& stored : keys()) {
    Settings after = before;
    stored.binding.store(after, "x", *parse_value(stored, stored.example).value);
    for (const Key& other : keys())
      if (&other != &stored) {
        EXPECT_EQ(texts(other, other.binding.read(after, "x")), texts(other, other.binding.read(before, "x")))
            << stored.path() << " and " << other.path();
      }
  }
}

// How many fields an aggregate has.
struct Anything {
  template <typename T>
  operator T() const;
};
template <typename T, size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{((void)I, Anything{})...}; };
}
template <typename T, size_t N = 128>
constexpr size_t field_count() {
  if constexpr (takes<T>(std::make_index_sequence<N>{}))
    return N;
  else
    return field_count<T, N - 1>();
}

size_t keys_in(std::string_view section) {
  size_t count = 0;
  for (const Key& key : keys()) count += key.section == section ? 1U : 0U;
  return count;
}

TEST(Schema, EveryFieldOfTheParameterStructs_HasAKey) {
  EXPECT_EQ(keys_in("tcp"), field_count<TcpParams>());
  EXPECT_EQ(keys_in("neighbor"), field_count<NeighborParams>());
  EXPECT_EQ(keys_in("icmp"), field_count<IcmpParams>());
  EXPECT_EQ(keys_in("memory"), field_count<MemoryParams>() + field_count<MbufSettings>());
}

TEST(Schema, Enumerators_StandInTheOrderOfTheChoices) {
  const auto index = [](std::string_view section, std::string_view name, std::string_view choice) {
    return std::get<uint64_t>(*parse_value(*find_key(section, name), choice).value);
  };
  EXPECT_EQ(index("eal", "huge_pages", "auto"), static_cast<uint64_t>(HugePages::Auto));
  EXPECT_EQ(index("eal", "huge_pages", "on"), static_cast<uint64_t>(HugePages::On));
  EXPECT_EQ(index("eal", "huge_pages", "off"), static_cast<uint64_t>(HugePages::Off));
  EXPECT_EQ(index("control", "log_level", "error"), static_cast<uint64_t>(LogLevel::Error));
  EXPECT_EQ(index("control", "log_level", "warning"), static_cast<uint64_t>(LogLevel::Warning));
  EXPECT_EQ(index("control", "log_level", "info"), static_cast<uint64_t>(LogLevel::Info));
  EXPECT_EQ(index("control", "log_level", "debug"), static_cast<uint64_t>(LogLevel::Debug));
  EXPECT_EQ(index("tcp", "syn_cookies", "auto"), static_cast<uint64_t>(SynCookies::Auto));
  EXPECT_EQ(index("tcp", "syn_cookies", "always"), static_cast<uint64_t>(SynCookies::Always));
  EXPECT_EQ(index("tcp", "syn_cookies", "never"), static_cast<uint64_t>(SynCookies::Never));
  EXPECT_EQ(index("tcp", "accept_overflow", "drop"), static_cast<uint64_t>(AcceptOverflow::Drop));
  EXPECT_EQ(index("tcp", "accept_overflow", "reset"), static_cast<uint64_t>(AcceptOverflow::Reset));
  EXPECT_EQ(index("service", "kind", "http"), static_cast<uint64_t>(ServiceKind::Http));
  EXPECT_EQ(index("service", "kind", "echo"), static_cast<uint64_t>(ServiceKind::Echo));
  EXPECT_EQ(index("service", "kind", "discard"), static_cast<uint64_t>(ServiceKind::Discard));
  EXPECT_EQ(index("service", "kind", "chargen"), static_cast<uint64_t>(ServiceKind::Chargen));
  EXPECT_EQ(index("service", "kind", "rpc"), static_cast<uint64_t>(ServiceKind::Rpc));
}

TEST(Schema, Resolve_TakesPathsAndSaysWhatIsWrongWithOthers) {
  EXPECT_EQ(resolve("tcp.msl").key, find_key("tcp", "msl"));
  EXPECT_EQ(resolve("port.p0.mtu").key, find_key("port", "mtu"));
  EXPECT_EQ(resolve("port.p0.mtu").instance, "p0");
  EXPECT_EQ(resolve("tcp.rto_mni").problem, "unknown key; did you mean tcp.rto_min?");
  EXPECT_EQ(resolve("port.p0.mtuu").problem, "unknown key; did you mean port.p0.mtu?");
  EXPECT_EQ(resolve("tcp.mtu").problem, "unknown key; did you mean port.NAME.mtu?");
  EXPECT_EQ(resolve("tpc.msl").problem, "unknown section; did you mean [tcp]?");
  EXPECT_EQ(resolve("tcp.x.msl").problem, "[tcp] takes no name; write tcp.msl");
  for (const std::string_view bad :
       {"", ".", "..", "tcp", "tcp.", "port.mtu", "port..mtu", "port.a b.mtu", "port.a.b.mtu"}) {
    EXPECT_EQ(resolve(bad).key, nullptr) << bad;
    EXPECT_NE(resolve(bad).problem, "") << bad;
  }
}

}  // namespace
}  // namespace millrace::config
