// Completion for bash: functions that know the program's words, and one that is the same for every program.
#include <algorithm>

#include "config/manual/completion.h"
#include "config/manual/readings.h"

namespace millrace::manual {

namespace {

// `@@` is the program's name. Words are taken from the line as it is typed, because bash cuts them at `=` and
// `:`.
constexpr std::string_view kEngine = R"(_@@() {
  local line=${COMP_LINE:0:COMP_POINT} current='' command='' before='' count=0 pending='' prefix='' word i
  local values='' argument='' files='' directories='' goes_on=''
  local -a words=()
  COMPREPLY=()
  read -ra words <<<"$line"
  if [[ $line != *[[:space:]] ]]; then
    current=${words[-1]}
    unset 'words[-1]'
  fi
  for ((i = 1; i < ${#words[@]}; ++i)); do
    word=${words[i]}
    if [[ $pending ]]; then
      pending=''
      continue
    fi
    case $word in
      --) return ;;
      --*=*) ;;
      -*) if _@@_argument "$command" "$word"; then pending=$argument; fi ;;
      *)
        if ((count == 0)) && _@@_is_command "${command:+$command }$word"; then
          command=${command:+$command }$word
        else
          before=${before:+$before }$word
          ((++count))
        fi
        ;;
    esac
  done
  if [[ $pending ]]; then
    _@@_values "$pending"
  elif [[ $current == --*=* ]]; then
    _@@_argument "$command" "${current%%=*}" || return
    [[ $COMP_WORDBREAKS == *=* ]] || prefix=${current%%=*}=
    current=${current#*=}
    _@@_values "$argument"
  elif [[ $current == -* ]]; then
    _@@_options "$command"
  else
    _@@_next "$command" "$count" "$before"
  fi
  mapfile -t COMPREPLY < <(compgen -W "$values" -P "$prefix" -- "$current")
  if [[ $files || $directories ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen ${files:+-f} ${directories:+-d} -P "$prefix" -- "$current")
  fi
  [[ -z $goes_on ]] || compopt -o nospace 2>/dev/null
  return 0
}
complete -F _@@ @@
)";

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

std::vector<std::string> names_of(const Option& option) {
  std::vector<std::string> out{"--" + option.name};
  if (option.letter != 0) out.push_back(std::string{'-', option.letter});
  return out;
}

std::string values_function(const Program& program) {
  std::string out = "_@@_values() {\n  case $1 in\n";
  for (const Placeholder& one : program.placeholders)
    out += "    " + shell_quoted(one.name) + ") values+=" + shell_quoted(' ' + joined(one.values)) +
           (one.goes_on ? " goes_on=yes" : "") + " ;;\n";
  return out +
         "    FILE | PATH | OLD | NEW) files=yes ;;\n    DIRECTORY) directories=yes ;;\n"
         "    *'|'*) values+=\" ${1//'|'/ }\" ;;\n  esac\n}\n";
}

// The options of a command that take an argument, by what the argument is called.
std::string argument_cases(const std::vector<Option>& options) {
  std::map<std::string, std::vector<std::string>> by_argument;
  for (const Option& option : options) {
    if (option.argument.empty()) continue;
    for (const std::string& name : names_of(option)) by_argument[option.argument].push_back(name);
  }
  std::string out;
  for (const auto& [argument, names] : by_argument)
    out += "      " + joined(names, " | ") + ") argument=" + shell_quoted(argument) + " ;;\n";
  return out + "      *) return 1 ;;\n";
}

std::string argument_function(const Program& program) {
  std::string out = "_@@_argument() {\n  case $1 in\n";
  const auto add = [&](const std::string& name, const std::vector<Option>& options) {
    out += "    " + shell_quoted(name) + ") case $2 in\n" + argument_cases(options) + "    esac ;;\n";
  };
  add("", program.options);
  for (const Command& command : program.commands) add(command.name, command.options);
  return out + "    *) return 1 ;;\n  esac\n}\n";
}

std::string options_function(const Program& program) {
  std::string out = "_@@_options() {\n  case $1 in\n";
  const auto add = [&](const std::string& name, const std::vector<Option>& options) {
    std::vector<std::string> all;
    for (const Option& option : options)
      for (std::string& one : names_of(option)) all.push_back(std::move(one));
    out += "    " + shell_quoted(name) + ") values=" + shell_quoted(joined(all)) + " ;;\n";
  };
  add("", program.options);
  for (const Command& command : program.commands) add(command.name, command.options);
  return out + "  esac\n}\n";
}

// A pattern for the words before a place: what stands for something else is `*`.
std::string pattern_of(std::string_view before, size_t& count) {
  std::string out, plain;
  count = 0;
  for (const std::string& word : before.empty() ? std::vector<std::string>{} : forms_of(before).front()) {
    if (count++ != 0) plain += ' ';
    if (!is_placeholder(word)) {
      plain += word;
      continue;
    }
    out += (plain.empty() ? "" : shell_quoted(plain)) + "*";
    plain.clear();
  }
  return out + (plain.empty() ? "" : shell_quoted(plain));
}

std::string next_cases(const Command& command) {
  std::string out;
  for (const auto& [before, place] : places_of(command)) {
    size_t count = 0;
    const std::string pattern = pattern_of(before, count);
    out += "    " + shell_quoted(command.name + ':');
    out += place.any_number ? "*" : shell_quoted(std::to_string(count) + ':') + pattern;
    out += ')';
    for (const std::string& word : place.words) out += " values+=" + shell_quoted(' ' + word) + ';';
    for (const std::string& name : place.placeholders) out += " _@@_values " + shell_quoted(name) + ';';
    out += ";\n";
  }
  return out;
}

std::string next_function(const Program& program) {
  std::vector<std::string> first;
  std::string groups, rest;
  for (const auto& [group, commands] : groups_of(program)) {
    first.push_back(group);
    std::vector<std::string> second;
    for (const Command* command : commands) second.push_back(command->name.substr(group.size() + 1));
    groups += "    " + shell_quoted(group + ":0:") + ") values=" + shell_quoted(joined(second)) + " ;;\n";
  }
  for (const Command& command : program.commands) {
    if (command.name.find(' ') == std::string::npos) first.push_back(command.name);
    rest += next_cases(command);
  }
  return "_@@_next() {\n  case \"$1:$2:$3\" in\n    ':0:') values=" + shell_quoted(joined(first)) + " ;;\n" +
         groups + rest + "  esac\n}\n";
}

std::string is_command_function(const Program& program) {
  std::vector<std::string> names;
  for (const auto& [group, commands] : groups_of(program)) names.push_back(shell_quoted(group));
  for (const Command& command : program.commands) names.push_back(shell_quoted(command.name));
  return "_@@_is_command() {\n  case $1 in " + joined(names, " | ") + ") ;; *) return 1 ;; esac\n}\n";
}

}  // namespace

std::string bash_completion(const Program& program) {
  std::string out = "# Completion of @@ for bash; written by `@@ completion bash`.\n" +
                    is_command_function(program) + argument_function(program) + options_function(program) +
                    values_function(program) + next_function(program) + std::string(kEngine);
  constexpr std::string_view kName = "@@";
  for (size_t at = out.find(kName); at != std::string::npos; at = out.find(kName, at + program.name.size()))
    out.replace(at, kName.size(), program.name);
  return out;
}

}  // namespace millrace::manual
