#include "control/cli/capture.h"

#include <fmt/format.h>

#include <boost/program_options/value_semantic.hpp>
#include <chrono>
#include <csignal>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "config/quantity.h"
#include "config/text.h"
#include "control/cli/capture_files.h"
#include "control/cli/capture_program.h"

namespace millrace::control::cli {

namespace {

namespace po = boost::program_options;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kLook = 100ms;    // at signals and the clock
constexpr auto kShow = 500ms;    // between two lines of progress
constexpr auto kPatience = 15s;  // for the rest, once we have enough
constexpr uint64_t kLeastFileBytes = 128 << 10;
constexpr uint64_t kMostFiles = 10'000;

volatile std::sig_atomic_t interrupted = 0;

void interrupt(int) { interrupted = 1; }

// The first ends the capture in order, a second the process.
class Interrupts {
 public:
  Interrupts() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (size_t i = 0; i < kSignals; ++i) sigaction(kEnding[i], &action, &before_[i]);
  }
  ~Interrupts() {
    for (size_t i = 0; i < kSignals; ++i) sigaction(kEnding[i], &before_[i], nullptr);
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  static constexpr size_t kSignals = 3;
  static constexpr int kEnding[kSignals] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before_[kSignals] {};
};

struct Request {
  json params = json::object();
  CaptureFilesParams files;
  std::optional<std::chrono::microseconds> duration{};
};

std::string text_of(const Call& call, const char* name) {
  return call.options.count(name) == 0 ? std::string() : call.options[name].as<std::string>();
}

template <typename Parse>
std::optional<uint64_t> quantity(const Call& call, const char* name, Parse parse, const char* example) {
  if (call.options.count(name) == 0) return std::nullopt;
  const std::string text = text_of(call, name);
  const std::optional<uint64_t> value = parse(text);
  if (value && *value > 0) return value;
  throw Failure(kUsage, "--" + std::string(name) + " is not understood: " + config::quoted(text) +
                            " is given, as in " + example + " is expected.");
}

std::string default_path() {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char name[64] = "";
  std::strftime(name, sizeof name, "millrace-%Y%m%dT%H%M%SZ.pcapng", &parts);
  return name;
}

CaptureFilesParams files_from(const Call& call) {
  CaptureFilesParams out{.path = call.options.count("write") == 0 ? default_path() : text_of(call, "write")};
  if (out.path.empty()) throw Failure(kUsage, "--write wants the name of a file, or - for standard output.");
  const auto size = quantity(call, "file-size", config::parse_size, "16MiB");
  const bool counted = call.options.count("files") != 0;
  if (size.has_value() != counted)
    throw Failure(
        kUsage,
        "--file-size and --files go together: they make a ring, of which the oldest file makes room.");
  if (size) {
    const auto files = call.options["files"].as<int64_t>();
    if (files < 1 || files > static_cast<int64_t>(kMostFiles))
      throw Failure(kUsage, "--files is from 1 to " + std::to_string(kMostFiles) + ".");
    if (*size < kLeastFileBytes) throw Failure(kUsage, "--file-size is at least 128KiB.");
    out.file_bytes = *size;
    out.files = static_cast<uint32_t>(files);
  }
  if (out.path != "-") return out;
  if (size)
    throw Failure(kUsage,
                  "Standard output is no ring of files: leave --file-size out, or give --write a name.");
  if (call.json)
    throw Failure(kUsage, "Standard output has the frames: leave --json out, or give --write a name.");
  if (call.world.terminal)
    throw Failure(kUsage, "Frames are no text for a terminal: give --write a name, or a pipe.");
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

Request request_from(const Call& call) {
  Request out;
  out.files = files_from(call);
  if (const auto micros = quantity(call, "duration", config::parse_duration, "30s"))
    out.duration = std::chrono::microseconds(*micros);
  const std::string filter = joined(call.words);
  if (!filter.empty()) {
    out.params["filter"] = filter;
    out.params["program"] = compile_filter(filter);
  }
  for (const char* name : {"port", "direction"})
    if (call.options.count(name) != 0) out.params[name] = text_of(call, name);
  if (call.options.count("snap-length") != 0)
    out.params["snap_length"] = call.options["snap-length"].as<int64_t>();
  if (call.options.count("count") != 0) out.params["count"] = call.options["count"].as<int64_t>();
  const std::string direction = out.params.value("direction", std::string("both"));
  if (direction != "in" && direction != "out" && direction != "both")
    throw Failure(kUsage, "--direction is in, out or both; given was " + config::quoted(direction) + ".");
  if (const auto wrong = check_params(*find_method("capture"), out.params))
    throw Failure(kUsage, wrong->message);
  return out;
}

std::string mebibytes(uint64_t bytes) {
  return fmt::format("{:.2f} MiB", static_cast<double>(bytes) / (1 << 20));
}

// What has come so far, and what people see of it.
class Receipt {
 public:
  Receipt(World& world, bool quiet) : world_(world), quiet_(quiet || !world.err_terminal) {}

  void count(const pcapng::Block& block) {
    if (block.type == pcapng::BlockType::EnhancedPacket) {
      ++frames;
      bytes += pcapng::frame_length(block);
    } else if (block.type == pcapng::BlockType::InterfaceStatistics) {
      if (const auto read = pcapng::read_statistics(block)) last = *read;
    }
  }
  void show(Clock::time_point now) {
    if (quiet_ || now - shown_ < kShow) return;
    shown_ = now;
    world_.err << "\r\033[K" << line(now) << std::flush;
    dangling_ = true;
  }
  void end_line() {
    if (dangling_) world_.err << "\r\033[K" << std::flush;
    dangling_ = false;
  }
  std::string line(Clock::time_point now) const {
    return fmt::format("{} frames, {}, {} dropped, {:.0f} s", frames, mebibytes(bytes), last.dropped,
                       std::chrono::duration<double>(now - begun).count());
  }

  uint64_t frames = 0;
  uint64_t bytes = 0;
  pcapng::Statistics last;
  Clock::time_point begun = Clock::now();

 private:
  World& world_;
  const bool quiet_;
  bool dangling_ = false;
  Clock::time_point shown_{};
};

void take(std::vector<uint8_t>& stream, CaptureFiles& files, Receipt& receipt) {
  std::span<const uint8_t> left(stream);
  bool broken = false;
  while (const auto block = pcapng::take_block(left, broken)) {
    receipt.count(*block);
    files.add(*block);
  }
  if (broken)
    throw Failure(kUnreachable,
                  "The endpoint sent something that is no pcapng; the file holds what came before.");
  stream.erase(stream.begin(), stream.end() - static_cast<std::ptrdiff_t>(left.size()));
  files.flush();
}

// Until the endpoint ends the stream, which we may ask for.
void receive(Call& call, const Request& request, CaptureFiles& files, Receipt& receipt) {
  const Interrupts interrupts;
  std::vector<uint8_t> stream;
  std::optional<Clock::time_point> enough;
  for (;;) {
    const auto got = call.client.receive(stream, kLook);
    if (got == Client::Stream::Octets) take(stream, files, receipt);
    if (got == Client::Stream::End) return;
    const Clock::time_point now = Clock::now();
    receipt.show(now);
    if (!enough && (interrupted != 0 || (request.duration && now - receipt.begun >= *request.duration))) {
      call.client.end_sending();
      enough = now;
    }
    if (enough && now - *enough >= kPatience) return;
  }
}

void report(Call& call, const Request& request, const CaptureFiles& files, const Receipt& receipt) {
  const double seconds = std::chrono::duration<double>(Clock::now() - receipt.begun).count();
  if (call.json) {
    const json out{{"files", files.names()}, {"removed_files", files.removed()}, {"frames", receipt.frames},
                   {"bytes", receipt.bytes}, {"dropped", receipt.last.dropped},  {"seconds", seconds},
                   {"end", receipt.last.end}};
    call.world.out << out.dump(2) << '\n';
    return;
  }
  std::ostream& to = request.files.path == "-" ? call.world.err : call.world.out;
  to << fmt::format("{} frames of {} in {:.1f} s", receipt.frames, mebibytes(receipt.bytes), seconds);
  if (request.files.path != "-") to << ": " << files.names().back();
  if (files.names().size() > 1) to << fmt::format(" and {} before it", files.names().size() - 1);
  to << '\n';
  if (receipt.last.dropped == 0) return;
  to << fmt::format(
      "{} more were wanted and found no room: a narrower filter or a smaller --snap-length needs less.\n",
      receipt.last.dropped);
}

}  // namespace

void declare_capture(po::options_description& options) {
  options.add_options()("write,w", po::value<std::string>()->value_name("FILE"),
                        "the file; - is standard output; without it millrace-DATE.pcapng here")(
      "snap-length,s", po::value<int64_t>()->value_name("N"),
      "octets kept of a frame (14 to 65535); without it all")(
      "count,c", po::value<int64_t>()->value_name("N"), "end after so many frames")(
      "duration,d", po::value<std::string>()->value_name("TIME"), "end after so long, as in 30s")(
      "file-size", po::value<std::string>()->value_name("SIZE"),
      "begin another file before one is larger, as in 16MiB")("files", po::value<int64_t>()->value_name("N"),
                                                              "files kept: the oldest makes room")(
      "direction,Q", po::value<std::string>()->value_name("WAY"), "in, out or both; without it both")(
      "port", po::value<std::string>()->value_name("NAME"), "of the [port.NAME]; without it the endpoint's");
}

int run_capture(Call& call) {
  const Request request = request_from(call);
  call.client.call("capture", request.params);
  CaptureFiles files(request.files);
  Receipt receipt(call.world, call.json);
  receive(call, request, files, receipt);
  receipt.end_line();
  files.finish();
  report(call, request, files, receipt);
  if (receipt.last.end.empty())
    throw Failure(kUnreachable, "The endpoint went away before the end of the capture; what came is there.");
  const bool asked = receipt.last.end == pcapng::kClientDone || receipt.last.end == pcapng::kCountReached;
  if (!asked)
    throw Failure(kEndpointError, "The capture ended early: " + config::escaped(receipt.last.end) + ".");
  return kOk;
}

}  // namespace millrace::control::cli
