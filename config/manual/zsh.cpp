// Completion for zsh, by its _arguments.
#include <algorithm>
#include <cctype>

#include "config/manual/completion.h"
#include "config/manual/readings.h"

namespace millrace::manual {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// Colons and brackets end the parts of a specification.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string function_of(const Program& program, std::string_view placeholder) {
  std::string out = '_' + program.name + '_';
  for (const char c : placeholder) out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return out;
}

// What completes an argument.
std::string action_of(const Program& program, std::string_view placeholder) {
  if (values_of(program, placeholder) != nullptr) return function_of(program, placeholder);
  if (is_file(placeholder)) return "_files";
  if (placeholder == "DIRECTORY") return "_files -/";
  const std::vector<std::string> values = known_values(program, placeholder);
  return values.empty() ? " " : '(' + joined(values) + ')';
}

// '*--set=[Any key]:KEY=VALUE:_millrace_KEY_VALUE'
std::string specification_of(const Program& program, const Option& option) {
  const bool takes = !option.argument.empty();
  std::string rest = '[' + escaped(option.doc) + ']';
  if (takes) rest += ':' + escaped(option.argument) + ':' + action_of(program, option.argument);
  const std::string name = "--" + option.name + (takes ? "=" : "");
  if (option.letter == 0) return shell_quoted('*' + name + rest);
  return "'*'{-" + std::string(1, option.letter) + ',' + name + '}' + shell_quoted(rest);
}

std::string specifications_of_words(const Program& program, const Command& command) {
  std::map<size_t, Place> by_position;
  for (const auto& [before, place] : places_of(command)) {
    const size_t position = before.empty() ? 0 : 1 + static_cast<size_t>(std::ranges::count(before, ' '));
    Place& all = by_position[position];
    all.words.insert(place.words.begin(), place.words.end());
    all.placeholders.insert(place.placeholders.begin(), place.placeholders.end());
    all.any_number |= place.any_number;
  }
  std::string out;
  for (const auto& [position, place] : by_position) {
    const std::string where = place.any_number ? "*" : std::to_string(position + 1) + ':';
    std::string action = place.placeholders.empty() ? "" : action_of(program, *place.placeholders.begin());
    if (!place.words.empty()) action = '(' + joined({place.words.begin(), place.words.end()}) + ')';
    const std::string name = place.placeholders.empty() ? "word" : *place.placeholders.begin();
    out += " \\\n        " + shell_quoted(where + ':' + escaped(name) + ':' + action);
  }
  return out;
}

std::string arguments_of(const Program& program, const Command& command) {
  std::string out = "_arguments :";
  for (const Option& option : command.options) out += " \\\n        " + specification_of(program, option);
  return out + specifications_of_words(program, command);
}

std::string described(std::string_view name, std::string_view summary) {
  return ' ' + shell_quoted(escaped(name) + ':' + std::string(summary));
}

// The commands below a word (`config`), or all of the program.
std::string group_case(const Program& program, const std::string& group,
                       const std::vector<const Command*>& commands) {
  std::string names, cases;
  for (const Command* command : commands) {
    const std::string name = command->name.substr(group.size() + 1);
    names += described(name, command->summary);
    cases += "          (" + name + ") " + arguments_of(program, *command) + " ;;\n";
  }
  return "      (" + group +
         ")\n        _arguments -C : '1: :->command' '*:: :->rest'\n        case $state in\n" +
         "          (command) names=(" + names + "); _describe -t commands command names ;;\n" +
         "          (rest) case $words[1] in\n" + cases + "          esac ;;\n        esac ;;\n";
}

std::string value_functions(const Program& program) {
  std::string out;
  for (const Placeholder& one : program.placeholders)
    out += "(( $+functions[" + function_of(program, one.name) + "] )) || " + function_of(program, one.name) +
           "() {\n  compadd \"$@\" " + (one.goes_on ? "-S '' " : "") + "- " + joined(one.values) + "\n}\n";
  return out;
}

}  // namespace

std::string zsh_completion(const Program& program) {
  const std::string function = '_' + program.name;
  const auto groups = groups_of(program);
  std::string names, cases, options;
  for (const Option& option : program.options) options += " \\\n    " + specification_of(program, option);
  for (const auto& [group, commands] : groups) {
    names += described(group, joined({"commands about", group}));
    cases += group_case(program, group, commands);
  }
  for (const Command& command : program.commands) {
    if (command.name.find(' ') != std::string::npos) continue;
    names += described(command.name, command.summary);
    cases += "      (" + command.name + ") " + arguments_of(program, command) + " ;;\n";
  }
  return "#compdef " + program.name + "\n# Written by `" + program.name + " completion zsh`.\n" +
         value_functions(program) + function +
         "() {\n  local state line\n  local -a names\n  typeset -A opt_args\n" +
         "  _arguments -C :" + options + " \\\n    '1: :->command' '*:: :->rest'\n  case $state in\n" +
         "    (command) names=(" + names +
         "); _describe -t commands command names ;;\n    (rest) case $words[1] in\n" + cases +
         "    esac ;;\n  esac\n}\n" + "if [[ $funcstack[1] == " + function + " ]]; then\n  " + function +
         " \"$@\"\nelse\n  compdef " + function + ' ' + program.name + "\nfi\n";
}

}  // namespace millrace::manual
