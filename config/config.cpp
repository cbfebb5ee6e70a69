#include "config/config.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "config/text.h"

namespace millrace::config {

void Config::apply(std::span<const Assignment> assignments, Problems& problems) {
  for (const Assignment& assignment : assignments) apply(assignment, problems);
}

void Config::apply(const Assignment& assignment, Problems& problems) {
  const KeyPath path = resolve(assignment.path);
  if (path.key == nullptr) return problems.add(assignment.origin, shortened(assignment.path), path.problem);
  const ParsedValue parsed = parse_value(*path.key, assignment.value);
  if (!parsed.value) return problems.add(assignment.origin, assignment.path, parsed.problem);

  const auto same = [&](const Entry& entry) {
    return entry.key == path.key && entry.instance == path.instance;
  };
  const Source source = assignment.origin.source;
  // A later source replaces all that an earlier one said of this key.
  std::erase_if(entries_, [&](const Entry& entry) { return same(entry) && entry.origin.source < source; });
  const auto earlier = std::find_if(entries_.begin(), entries_.end(), same);
  if (earlier != entries_.end() && !path.key->repeatable) {
    const std::string before = source == Source::File ? "on line " + std::to_string(earlier->origin.line)
                                                      : "by " + earlier->origin.text();
    return problems.add(assignment.origin, assignment.path,
                        "is already set " + before + ", to " + earlier->text() + "; remove one of the two");
  }
  if (!path.instance.empty()) open(path.key->section, path.instance, assignment.origin);
  entries_.push_back({path.key, path.instance, *parsed.value, assignment.origin});
}

void Config::replace(const Assignment& assignment, Problems& problems) {
  const KeyPath path = resolve(assignment.path);
  Config changed = *this;
  if (path.key != nullptr)
    std::erase_if(changed.entries_, [&](const Entry& entry) {
      return entry.key == path.key && entry.instance == path.instance;
    });
  const size_t before = problems.total();
  changed.apply(assignment, problems);
  if (problems.total() == before) *this = std::move(changed);
}

void Config::take(std::string_view path, const Config& from) {
  const KeyPath resolved = resolve(path);
  if (resolved.key == nullptr) return;
  const auto same = [&](const Entry& entry) {
    return entry.key == resolved.key && entry.instance == resolved.instance;
  };
  std::erase_if(entries_, same);
  std::copy_if(from.entries_.begin(), from.entries_.end(), std::back_inserter(entries_), same);
}

void Config::open(std::string_view section, std::string_view instance, Origin origin) {
  for (const Instance& known : instances_)
    if (known.section == section && known.name == instance) return;
  instances_.push_back({std::string(section), std::string(instance), std::move(origin)});
}

void Config::forget(std::string_view section) {
  std::erase_if(entries_, [&](const Entry& entry) {
    return entry.key->section == section && entry.origin.source == Source::File;
  });
  std::erase_if(instances_, [&](const Instance& instance) {
    return instance.section == section && instance.origin.source == Source::File;
  });
}

std::vector<Entry> Config::values(const Key& key, std::string_view instance) const {
  std::vector<Entry> found;
  for (const Entry& entry : entries_)
    if (entry.key == &key && entry.instance == instance) found.push_back(entry);
  if (found.empty() && !key.fallback.empty())
    found.push_back({&key, std::string(instance), *parse_value(key, key.fallback).value, Origin{}});
  return found;
}

std::vector<Entry> Config::lookup(std::string_view path) const {
  const KeyPath resolved = resolve(path);
  return resolved.key == nullptr ? std::vector<Entry>{} : values(*resolved.key, resolved.instance);
}

Origin Config::origin(std::string_view path) const {
  const std::vector<Entry> found = lookup(path);
  return found.empty() ? Origin{} : found.front().origin;
}

std::vector<Entry> Config::all() const {
  std::vector<Entry> all;
  const auto append = [&](const Section& section, std::string_view instance) {
    for (const Key& key : keys()) {
      if (key.section != section.name) continue;
      std::vector<Entry> found = values(key, instance);
      std::move(found.begin(), found.end(), std::back_inserter(all));
    }
  };
  for (const Section& section : sections()) {
    if (!section.named) append(section, {});
    for (const Instance& instance : instances_)
      if (instance.section == section.name) append(section, instance.name);
  }
  return all;
}

Settings Config::settings() const {
  Settings settings;
  for (const Entry& entry : all()) entry.key->binding.store(settings, entry.instance, entry.value);
  return settings;
}

}  // namespace millrace::config
