// What has been set, by whom: every key's values with where they came from. Settings (config/settings.h) is
// the typed view of the same.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/origin.h"
#include "config/schema.h"
#include "config/settings.h"
#include "config/value.h"

namespace millrace::config {

// `key = value` from a file or from the command line, before it is checked.
struct Assignment {
  std::string path;  // `tcp.msl`, `port.p0.mtu`
  std::string value;
  Origin origin;
};

struct Entry {
  const Key* key = nullptr;
  std::string instance;
  Value value;
  Origin origin;

  std::string path() const { return key->path(instance); }
  std::string text() const { return format_value(*key, value); }
};

class Config {
 public:
  // Checks each assignment by itself and keeps the good ones. A key that is not repeatable is refused the
  // second time it comes from the same source; from the command line it takes the place of what the file
  // said.
  void apply(std::span<const Assignment> assignments, Problems& problems);

  // Makes [section.instance] known though no key of it is set.
  void open(std::string_view section, std::string_view instance, Origin origin);

  // Forgets what the file said of every instance of a named section: --vdev replaces the file's ports.
  void forget(std::string_view section);

  // The same for one of them, in the place of all that was said of its key before.
  void replace(const Assignment& assignment, Problems& problems);
  // Says of one key what `from` says of it, which may be nothing.
  void take(std::string_view path, const Config& from);

  // What was set, in the order of setting; defaults are not among them.
  const std::vector<Entry>& entries() const { return entries_; }

  // The values of `tcp.msl` or `address.add`: those set, or the default, or none.
  std::vector<Entry> lookup(std::string_view path) const;
  // Where the first value of a key came from; Source::Default when it was not set.
  Origin origin(std::string_view path) const;
  bool is_set(std::string_view path) const { return origin(path).source != Source::Default; }

  // Every value: defaults in the order of the schema, with those that were set in their places.
  std::vector<Entry> all() const;

  struct Instance {
    std::string section;
    std::string name;
    Origin origin;  // where it was first named
  };
  const std::vector<Instance>& instances() const { return instances_; }

  Settings settings() const;

 private:
  void apply(const Assignment& assignment, Problems& problems);
  std::vector<Entry> values(const Key& key, std::string_view instance) const;

  std::vector<Entry> entries_;
  std::vector<Instance> instances_;
};

}  // namespace millrace::config
