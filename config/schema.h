// The schema: one declaration a key. The command line of `serve`, the file parser, the defaults, the checks,
// `show` and the reference are all readings of this table; no other file names a key's type, bound or
// default.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "config/value.h"

namespace millrace::config {

enum class Type : uint8_t {
  Boolean,
  Integer,
  Duration,
  Size,
  Rate,
  Choice,
  Word,
  Path,
  Mode,
  Mac,
  Address,
  Route,
  Listen,
  Lcores,
  Vdev,
  Pci,
  Words,
  Target,
  AddressRange,
  PortRange
};

// When a changed value counts: at a reload, or only after a restart.
enum class Change : uint8_t { Live, Restart };

// Of numbers in their smallest unit; of strings in octets.
struct Bounds {
  uint64_t min = 0;
  uint64_t max = std::numeric_limits<uint64_t>::max();
};

// Where a key's value lives in Settings (made by config/binding.h). `instance` is NAME of a named section.
struct Binding {
  void (*store)(Settings&, std::string_view instance, const Value&) = nullptr;
  // The values that a Settings holds, in their order; none for an unset optional one.
  std::vector<Value> (*read)(const Settings&, std::string_view instance) = nullptr;
  uint64_t capacity = 0;  // largest number that the field holds; 0: not a number
};

struct Key {
  std::string_view section{};
  std::string_view name{};
  Type type = Type::Word;
  std::string_view fallback{};  // the default, as text; empty: none
  Bounds bounds{};
  std::span<const std::string_view> choices{};  // of Type::Choice
  Change change = Change::Restart;
  bool repeatable = false;
  bool required = false;      // of every instance of its section
  std::string_view option{};  // of the command line, without dashes; empty: --set only
  std::string_view example{};
  std::string_view doc{};  // one sentence
  Binding binding{};
  std::string_view special{};  // what the smallest value means when it is more than a number

  // `tcp.msl`; with an instance `port.p0.mtu`; without one, as the reference writes it, `port.NAME.mtu`.
  std::string path(std::string_view instance = {}) const;
};

// Whose a section is: a file may hold all of them, a command line takes the options of its own.
enum class Command : uint8_t { Every, Serve, Load };

struct Section {
  std::string_view name;
  bool named = false;  // written [name.NAME], any number of times
  std::string_view doc;
  // A short form for a whole named section on the command line: `--service http:80`.
  std::string_view option{};
  std::string_view option_form{};
  std::string_view option_doc{};
  Command command = Command::Every;
};

std::span<const Section> sections();
std::span<const Key> keys();

const Section* find_section(std::string_view name);
const Key* find_key(std::string_view section, std::string_view name);

// A key by its written path: `tcp.msl`, `port.p0.mtu`. `key` is null where there is none, and `problem` says
// why.
struct KeyPath {
  const Key* key = nullptr;
  std::string instance;
  std::string problem;
};
KeyPath resolve(std::string_view path);

// `unknown key; did you mean tcp.rto_min?`: for a key that the section does not have.
std::string unknown_key(std::string_view section, std::string_view instance, std::string_view name);
std::string unknown_section(std::string_view name);

std::string_view type_name(Type type);
// Of the number that a value is in JSON and in the reference: `us`, `bytes`, `bit/s` or nothing.
std::string_view unit_name(Type type);
std::string_view change_name(Change change);

}  // namespace millrace::config
