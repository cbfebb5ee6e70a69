#include "config/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

#include "config/quantity.h"
#include "config/schema.h"
#include "config/text.h"

namespace millrace::config {

namespace {

// Reads one file's lines in order; a problem ends the line it is on, never the file.
class Reader {
 public:
  Reader(std::string_view file, Problems& problems) : file_(file), problems_(problems) {}

  FileText read(std::string_view text) {
    static constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    while (!text.empty() && !full_) {
      const size_t end = text.find('\n');
      ++number_;
      line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return std::move(out_);
  }

 private:
  enum class Place { Before, Known, Unknown };  // no heading yet; in a section; in one that is not ours

  void problem(std::string key, std::string message) {
    problems_.add({Source::File, file_, number_}, std::move(key), std::move(message));
  }

  void line(std::string_view text) {
    if (text.size() > kLineLimit)
      return problem("", "the line has " + std::to_string(text.size()) + " octets; at most " +
                             std::to_string(kLineLimit) + " are read");
    if (text.find('\0') != std::string_view::npos)
      return problem(
          "", "the line has a NUL octet, as in " + quoted(text.substr(0, 60)) + "; a configuration is text");
    text = trimmed(text);
    if (text.empty() || text.front() == '#') return;
    if (!is_utf8(text)) return problem("", quoted(text) + " is not UTF-8; save the file as UTF-8");
    if (text.front() == '[')
      heading(text);
    else
      setting(text);
  }

  void heading(std::string_view text) {
    place_ = Place::Unknown;
    const size_t end = text.find(']');
    const std::string_view after = end == std::string_view::npos ? "" : trimmed(text.substr(end + 1));
    if (end == std::string_view::npos || (!after.empty() && after.front() != '#'))
      return problem("", quoted(text) + " is not a section heading; write [section] alone on its line");
    const std::string_view inside = trimmed(text.substr(1, end - 1));
    const size_t dot = inside.find('.');
    const std::string_view name = inside.substr(0, dot);
    const std::string_view instance = dot == std::string_view::npos ? "" : inside.substr(dot + 1);
    const std::string shown = '[' + shortened(inside) + ']';

    const Section* section = find_section(name);
    if (section == nullptr) return problem(shown, unknown_section(name));
    if (!section->named && dot != std::string_view::npos)
      return problem(shown, "[" + std::string(name) + "] takes no name; write [" + std::string(name) + "]");
    if (section->named && !is_name(instance))
      return problem(shown, "needs a name of 1 to 32 letters, digits, '-' and '_', as in [" +
                                std::string(name) + (name == "port" ? ".p0]" : ".web]"));
    place_ = Place::Known;
    section_ = name;
    instance_ = instance;
    out_.headings.push_back({section_, instance_, number_});
  }

  void setting(std::string_view text) {
    if (text.front() == ';')
      return problem("", quoted(text) + " is not `key = value`; comments begin with #");
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos)
      return problem("", quoted(text) + " is neither [section] nor `key = value`");
    const std::string_view key = trimmed(text.substr(0, equals));
    if (place_ == Place::Before)
      return problem(shortened(key), "stands before any section; put it under a heading such as [tcp]");
    if (place_ == Place::Unknown) return;  // its heading has been reported
    if (!is_name(key))
      return problem(
          "", quoted(key) + " is not the name of a key; write `key = value` with letters, digits and '_'");
    const std::optional<std::string> value = unquoted(key, trimmed(text.substr(equals + 1)));
    if (!value) return;
    if (out_.lines.size() == kSettingLimit) {
      full_ = true;
      return problem(
          "", "the file has more than " + std::to_string(kSettingLimit) + " settings; the rest is not read");
    }
    out_.lines.push_back({section_, instance_, std::string(key), *value, number_});
  }

  // The value without its quotes and without the comment behind it: a `#` that begins it or follows a blank.
  std::optional<std::string> unquoted(std::string_view key, std::string_view text) {
    if (text.starts_with('"')) return between_quotes(key, text);
    for (size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1)) {
      if (at > 0 && text[at - 1] != ' ' && text[at - 1] != '\t') continue;
      text = trimmed(text.substr(0, at));
      break;
    }
    if (text.empty()) {
      problem(full_name(key), "has no value; give one, or remove the line to have the default");
      return std::nullopt;
    }
    return std::string(text);
  }

  // `"…"` with \" and \\ inside.
  std::optional<std::string> between_quotes(std::string_view key, std::string_view text) {
    std::string value;
    for (size_t at = 1; at < text.size(); ++at) {
      const bool escape =
          text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
      if (text[at] == '"') {
        const std::string_view after = trimmed(text.substr(at + 1));
        if (after.empty() || after.front() == '#') return value;
        problem(full_name(key),
                quoted(after) + " stands after the closing quote; put a \\ before a quote inside a value");
        return std::nullopt;
      }
      if (escape) ++at;
      value += text[at];
    }
    problem(full_name(key), quoted(text) + " has no closing quote; end it with \"");
    return std::nullopt;
  }

  std::string full_name(std::string_view key) const {
    return section_ + (instance_.empty() ? "" : '.' + instance_) + '.' + std::string(key);
  }

  std::string file_;
  Problems& problems_;
  FileText out_;
  size_t number_ = 0;
  Place place_ = Place::Before;
  std::string section_;
  std::string instance_;
  bool full_ = false;
};

// Closes the descriptor that it was given.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason() { return std::error_code(errno, std::generic_category()).message(); }

}  // namespace

FileText read_text(std::string_view file, std::string_view text, Problems& problems) {
  return Reader(file, problems).read(text);
}

std::string read_file(const std::string& file, Problems& problems) {
  const auto fail = [&](const std::string& why) {
    problems.add({Source::File, file, 0}, "", why);
    return std::string();
  };
  // Without O_NONBLOCK a FIFO would hold the program here for ever.
  const Descriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (descriptor.get() < 0) return fail("cannot be opened: " + reason());
  struct stat status {};
  if (fstat(descriptor.get(), &status) != 0) return fail("cannot be read: " + reason());
  if (!S_ISREG(status.st_mode))
    return fail("is not a regular file; give the file that holds the configuration");

  std::string text;
  std::string chunk(1 << 16, '\0');
  while (text.size() <= kFileLimit) {
    const ssize_t got = ::read(descriptor.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("cannot be read: " + reason());
    if (got == 0) return text;
    text.append(chunk, 0, static_cast<size_t>(got));
  }
  return fail("is larger than " + format_size(kFileLimit) + "; a configuration is smaller");
}

}  // namespace millrace::config
