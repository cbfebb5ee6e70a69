#include "config/schema.h"

#include <algorithm>

#include "config/text.h"

namespace millrace::config {

namespace {

std::string join(std::string_view section, std::string_view instance, std::string_view name) {
  std::string path(section);
  if (!instance.empty()) path.append(".").append(instance);
  return path.append(".").append(name);
}

std::string did_you_mean(std::string_view word) {
  return word.empty() ? std::string() : "; did you mean " + std::string(word) + "?";
}

std::string known_names(std::string_view section) {
  std::vector<std::string_view> names;
  for (const Key& key : keys())
    if (key.section == section) names.push_back(key.name);
  return listed(names);
}

KeyPath unresolved(std::string problem) { return {nullptr, {}, std::move(problem)}; }

}  // namespace

std::string Key::path(std::string_view instance) const {
  const bool is_named = find_section(section)->named;
  return join(section, is_named && instance.empty() ? "NAME" : instance, name);
}

const Section* find_section(std::string_view name) {
  for (const Section& section : sections())
    if (section.name == name) return &section;
  return nullptr;
}

const Key* find_key(std::string_view section, std::string_view name) {
  for (const Key& key : keys())
    if (key.section == section && key.name == name) return &key;
  return nullptr;
}

std::string unknown_key(std::string_view section, std::string_view instance, std::string_view name) {
  for (const Key& key : keys())  // the right key in the wrong section
    if (key.name == name) return "unknown key" + did_you_mean(key.path());
  std::vector<std::string> here;
  for (const Key& key : keys())
    if (key.section == section) here.emplace_back(key.name);
  if (const std::string_view near = nearest(name, here); !near.empty())
    return "unknown key" + did_you_mean(join(section, instance, near));
  return "unknown key; [" + std::string(section) + "] has " + known_names(section);
}

std::string unknown_section(std::string_view name) {
  std::vector<std::string> known;
  std::vector<std::string_view> views;
  for (const Section& section : sections()) {
    known.emplace_back(section.name);
    views.push_back(section.name);
  }
  if (const std::string_view near = nearest(name, known); !near.empty())
    return "unknown section; did you mean [" + std::string(near) +
           (find_section(near)->named ? ".NAME" : "") + "]?";
  return "unknown section; there are " + listed(views);
}

KeyPath resolve(std::string_view path) {
  const size_t first = path.find('.');
  const size_t last = path.rfind('.');
  const std::string_view section_name = path.substr(0, first);
  const Section* section = find_section(section_name);
  if (section == nullptr) return unresolved(unknown_section(section_name));
  if (first == std::string_view::npos)
    return unresolved("is a section; name a key in it: " + known_names(section_name));
  const std::string_view name = path.substr(last + 1);
  std::string_view instance;
  if (first != last) instance = path.substr(first + 1, last - first - 1);
  if (section->named && !is_name(instance))
    return unresolved("[" + std::string(section->name) +
                      "] needs a name of letters, digits, '-' and '_', as in " +
                      join(section->name, "NAME", shortened(name)));
  if (!section->named && first != last)
    return unresolved("[" + std::string(section->name) + "] takes no name; write " +
                      join(section->name, {}, shortened(name)));
  const Key* key = find_key(section->name, name);
  if (key == nullptr) return unresolved(unknown_key(section->name, instance, name));
  return {key, std::string(instance), {}};
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::Boolean:
      return "boolean";
    case Type::Integer:
      return "integer";
    case Type::Duration:
      return "duration";
    case Type::Size:
      return "size";
    case Type::Rate:
      return "rate";
    case Type::Choice:
      return "choice";
    case Type::Word:
      return "word";
    case Type::Path:
      return "path";
    case Type::Mode:
      return "mode";
    case Type::Mac:
      return "MAC address";
    case Type::Address:
      return "address";
    case Type::Route:
      return "route";
    case Type::Listen:
      return "listening address";
    case Type::Lcores:
      return "CPU list";
    case Type::Vdev:
      return "virtual device";
    case Type::Pci:
      return "PCI device";
    case Type::Words:
      return "words";
    case Type::Target:
      return "target";
    case Type::AddressRange:
      return "address range";
    case Type::PortRange:
      return "port range";
  }
  return "";
}

std::string_view unit_name(Type type) {
  switch (type) {
    case Type::Duration:
      return "us";
    case Type::Size:
      return "bytes";
    case Type::Rate:
      return "bit/s";
    default:
      return "";
  }
}

std::string_view change_name(Change change) { return change == Change::Live ? "live" : "restart"; }

}  // namespace millrace::config
