#include "config/manual/options.h"

#include <boost/program_options.hpp>

#include "config/text.h"

namespace millrace::manual {

namespace po = boost::program_options;

std::vector<Option> options_of(const po::options_description& options) {
  std::vector<Option> out;
  for (const auto& one : options.options()) {
    Option option{.name = one->long_name(), .doc = one->description()};
    const std::string shown = one->canonical_display_name(po::command_line_style::allow_dash_for_short);
    if (shown.size() == 2 && shown[0] == '-') option.letter = shown[1];
    if (one->semantic()->max_tokens() > 0) {
      option.argument = one->semantic()->name();  // NUMBER (=1)
      const size_t open = option.argument.find(" (=");
      if (open != std::string::npos) {
        option.fallback = option.argument.substr(open + 3, option.argument.size() - open - 4);
        option.argument.resize(open);
      }
    }
    out.push_back(std::move(option));
  }
  return out;
}

Parsed parse(std::span<const std::string> args, const po::options_description& options, size_t most_words) {
  constexpr const char* kWords = "words";
  Parsed out;
  po::options_description all(options);
  all.add_options()(kWords, po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  positional.add(kWords, -1);
  try {
    constexpr int kStyle = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(std::vector<std::string>(args.begin(), args.end()))
                  .options(all)
                  .positional(positional)
                  .style(kStyle)
                  .run(),
              out.values);
  } catch (const po::error& error) {
    out.problem = config::shortened(error.what(), 200);
    return out;
  }
  if (out.values.count(kWords) != 0) out.words = out.values[kWords].as<std::vector<std::string>>();
  if (out.words.size() > most_words)
    out.problem = config::quoted(out.words[most_words]) + " is a word too many: options begin with --";
  return out;
}

}  // namespace millrace::manual
