#include "config/command_line.h"

#include <algorithm>
#include <boost/program_options.hpp>

#include "config/eal_arguments.h"
#include "config/manual/options.h"
#include "config/text.h"

namespace millrace::config {

namespace {

namespace po = boost::program_options;

std::string_view argument_name(Type type) {
  switch (type) {
    case Type::Boolean:
      return "on|off";
    case Type::Integer:
      return "NUMBER";
    case Type::Duration:
      return "DURATION";
    case Type::Size:
      return "SIZE";
    case Type::Rate:
      return "RATE";
    case Type::Path:
      return "PATH";
    case Type::Address:
      return "ADDRESS/LENGTH";
    case Type::Route:
      return "ROUTE";
    case Type::Lcores:
      return "CPUS";
    case Type::Vdev:
      return "DEVICE";
    case Type::Pci:
      return "ADDRESS";
    case Type::Target:
      return "ADDRESS:PORT[-PORT]";
    case Type::AddressRange:
      return "ADDRESS[-ADDRESS]";
    case Type::PortRange:
      return "FIRST-LAST";
    default:
      return "WORD";
  }
}

std::string argument_of(const Key& key) {
  if (key.type != Type::Choice) return std::string(argument_name(key.type));
  std::string out;
  for (const std::string_view choice : key.choices) out.append(out.empty() ? "" : "|").append(choice);
  return out;
}

std::string sentence(std::string_view doc) {
  std::string out(doc);
  if (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

po::typed_value<std::string>* argument(std::string_view name) {
  return po::value<std::string>()->value_name(std::string(name));
}

po::options_description description(std::span<const ExtraOption> extra, Command command) {
  po::options_description options("Options", 100, 60);
  auto add = options.add_options();
  add("config,c", argument("FILE"), "File to read; the options below override it");
  for (const OptionHelp& option : schema_options(command)) {
    const size_t blank = option.form.find(' ');
    add(option.form.substr(2, blank - 2).c_str(), argument(option.form.substr(blank + 1)),
        option.doc.c_str());
  }
  add("set", argument("KEY=VALUE"), "Any key of the reference, as in --set tcp.msl=5s");
  for (const ExtraOption& option : extra) {
    const std::string name(option.name);
    if (option.argument.empty())
      add(name.c_str(), std::string(option.doc).c_str());
    else
      add(name.c_str(), argument(option.argument), std::string(option.doc).c_str());
  }
  add("help,h", "This page");
  return options;
}

const Key* key_of_option(std::string_view option) {
  for (const Key& key : keys())
    if (!key.option.empty() && key.option == option) return &key;
  return nullptr;
}

const Section* section_of_option(std::string_view option) {
  for (const Section& section : sections())
    if (!section.option.empty() && section.option == option) return &section;
  return nullptr;
}

// The section that a written option `--mode` is of.
const Section* section_with_option(std::string_view given) {
  if (!given.starts_with("--")) return nullptr;
  given.remove_prefix(2);
  if (const Key* key = key_of_option(given)) return find_section(key->section);
  return section_of_option(given);
}

std::string unknown_option(std::string_view given, const po::options_description& options) {
  std::vector<std::string> known;
  for (const auto& option : options.options()) known.push_back("--" + option->long_name());
  const std::string_view name = given.substr(0, given.find('='));
  const std::string_view near = nearest(name, known);
  std::string out = "unknown option";
  if (const Section* section = section_with_option(name); section != nullptr)
    return "is an option of `millrace " + std::string(section->command == Command::Load ? "load`" : "serve`");
  if (!near.empty()) return out + "; did you mean " + std::string(near) + "?";
  const size_t dot = name.find('.');
  const bool is_key = name.starts_with("--") && dot != std::string_view::npos &&
                      find_key(name.substr(2, dot - 2), name.substr(dot + 1)) != nullptr;
  if (is_key) return out + "; a key is set by --set " + shortened(given.substr(2));
  return out + "; --help lists the options";
}

// Turns the options that were parsed into assignments, in their order.
class Collector {
 public:
  Collector(const po::options_description& options, Words words, CommandLine& out, Problems& problems)
      : options_(options), words_(words), out_(out), problems_(problems) {}

  void collect(const po::option& option) {
    origin_ = {Source::CommandLine, joined(option.original_tokens), 0};
    if (option.unregistered) {
      after_unknown_ = origin_.where.find('=') == std::string::npos;
      return problems_.add(origin_, "", unknown_option(origin_.where, options_));
    }
    if (option.string_key.empty()) return word(option);
    after_unknown_ = false;
    const std::string value = option.value.empty() ? std::string() : option.value.front();
    if (option.string_key == "help") {
      out_.help = true;
    } else if (option.string_key == "config") {
      if (out_.file) return problems_.add(origin_, "", "-c is given twice; one file is read");
      out_.file = value;
    } else if (option.string_key == "set") {
      set(value);
    } else if (const Section* section = section_of_option(option.string_key)) {
      short_form(*section, value);
    } else if (const Key* key = key_of_option(option.string_key)) {
      of_key(*key, value);
    } else {
      out_.extra[option.string_key] = value;
    }
  }

 private:
  static std::string joined(const std::vector<std::string>& tokens) {
    std::string out;
    for (const std::string& token : tokens) out += (out.empty() ? "" : " ") + token;
    return out;
  }

  void word(const po::option& option) {
    if (words_ == Words::Allowed) {
      out_.words.insert(out_.words.end(), option.value.begin(), option.value.end());
    } else if (!after_unknown_) {  // it may have been the unknown option's argument
      problems_.add(origin_, "", "belongs to no option; --help lists the options");
    }
    after_unknown_ = false;
  }

  void assign(std::string path, std::string value) {
    out_.assignments.push_back({std::move(path), std::move(value), origin_});
  }

  void replace(std::string_view section) {
    if (std::find(out_.replaced.begin(), out_.replaced.end(), section) == out_.replaced.end())
      out_.replaced.emplace_back(section);
  }

  void set(const std::string& text) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return problems_.add(origin_, "", "needs KEY=VALUE, as in --set tcp.msl=5s");
    const std::string path(trimmed(std::string_view(text).substr(0, equals)));
    const std::string value(trimmed(std::string_view(text).substr(equals + 1)));
    if (path != "eal.args") return assign(path, value);
    for (Assignment& one : from_eal_words(split_words(value), origin_, problems_))
      out_.assignments.push_back(std::move(one));
  }

  void of_key(const Key& key, const std::string& value) {
    if (!find_section(key.section)->named) return assign(key.path(), value);
    replace(key.section);  // --vdev and --pci name a port by its device
    assign(key.path(port_name(value)), value);
  }

  // KIND:LISTEN[,KEY=VALUE...]
  void short_form(const Section& section, std::string_view text) {
    replace(section.name);
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0)
      return problems_.add(origin_, "",
                           "needs " + std::string(section.option_form) + ", as in --service http:80");
    std::string_view rest = text.substr(colon + 1);
    const std::string_view kind = text.substr(0, colon);
    const std::string_view listen = rest.substr(0, rest.find(','));
    const std::string prefix = "service." + service_name(kind, listen) + '.';
    assign(prefix + "kind", std::string(kind));
    assign(prefix + "listen", std::string(listen));
    while (rest.find(',') != std::string_view::npos) {
      rest.remove_prefix(rest.find(',') + 1);
      const std::string_view piece = rest.substr(0, rest.find(','));
      const size_t equals = piece.find('=');
      if (equals == std::string_view::npos)
        problems_.add(origin_, "", quoted(piece) + " is not KEY=VALUE, as in directory=/srv/www");
      else
        assign(prefix + std::string(piece.substr(0, equals)), std::string(piece.substr(equals + 1)));
    }
  }

  // `http-80`; a second of the same name gets `-2` and is refused later for its port, not for its name.
  std::string service_name(std::string_view kind, std::string_view listen) {
    const size_t colon = listen.rfind(':');
    const std::string_view port = colon == std::string_view::npos ? listen : listen.substr(colon + 1);
    std::string name = std::string(kind) + '-' + std::string(port);
    if (!is_name(name)) name = "service";
    std::string unique = name;
    for (size_t n = 2; std::find(names_.begin(), names_.end(), unique) != names_.end(); ++n)
      unique = name + '-' + std::to_string(n);
    names_.push_back(unique);
    return unique;
  }

  const po::options_description& options_;
  Words words_;
  CommandLine& out_;
  Problems& problems_;
  Origin origin_;
  std::vector<std::string> names_;
  bool after_unknown_ = false;
};

}  // namespace

std::vector<OptionHelp> schema_options(Command command) {
  std::vector<OptionHelp> out;
  const auto belongs = [command](const Section& section) {
    return command == Command::Every || section.command == Command::Every || section.command == command;
  };
  for (const Key& key : keys()) {
    if (key.option.empty() || !belongs(*find_section(key.section))) continue;
    std::string doc = sentence(key.doc);
    if (key.repeatable || find_section(key.section)->named) doc += "; repeatable";
    if (!key.fallback.empty()) doc += " (default " + std::string(key.fallback) + ')';
    out.push_back({"--" + std::string(key.option) + ' ' + argument_of(key), key.path(), doc});
  }
  for (const Section& section : sections())
    if (!section.option.empty() && belongs(section))
      out.push_back({"--" + std::string(section.option) + ' ' + std::string(section.option_form),
                     '[' + std::string(section.name) + ".NAME]",
                     sentence(section.option_doc) + "; repeatable"});
  return out;
}

CommandLine parse_command_line(std::span<const std::string> args, std::span<const ExtraOption> extra,
                               Words words, Problems& problems, Command command) {
  CommandLine out;
  const auto dashes = std::find(args.begin(), args.end(), "--");
  const std::vector<std::string> ours(args.begin(), dashes);
  const po::options_description options = description(extra, command);
  try {
    namespace style = po::command_line_style;
    const po::parsed_options parsed = po::command_line_parser(ours)
                                          .options(options)
                                          .style(style::unix_style & ~style::allow_guessing)
                                          .allow_unregistered()
                                          .run();
    Collector collector(options, words, out, problems);
    for (const po::option& option : parsed.options) collector.collect(option);
  } catch (const po::error& error) {
    problems.add({Source::CommandLine, "command line", 0}, "",
                 shortened(error.what(), 200) + "; --help lists the options");
  }
  if (dashes != args.end()) {
    const std::vector<std::string> words_for_eal(dashes + 1, args.end());
    for (const std::string& word : words_for_eal)
      if (word.starts_with("--vdev")) out.replaced.emplace_back("port");
    const Origin origin{Source::CommandLine, "EAL argument", 0};
    for (Assignment& one : from_eal_words(words_for_eal, origin, problems))
      out.assignments.push_back(std::move(one));
  }
  return out;
}

std::vector<manual::Option> option_pages(std::span<const ExtraOption> extra, Command command) {
  return manual::options_of(description(extra, command));
}

}  // namespace millrace::config
