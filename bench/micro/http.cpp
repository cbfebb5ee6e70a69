// What a request costs the http service alone: parsed, looked up, answered into a sink that throws the octets
// away. TCP is not in it: bench/endpoint measures the whole.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "cycles.h"
#include "services/http_server.h"

namespace millrace::services {
namespace {

const std::string kCurl =
    "GET / HTTP/1.1\r\nHost: 10.0.0.2\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";
const std::string kBrowser =
    "GET /style.css?v=3 HTTP/1.1\r\nHost: www.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Firefox/102.0\r\n"
    "Accept: text/css,*/*;q=0.1\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\nReferer: http://www.example.org/\r\nCache-Control: max-age=0\r\n\r\n";

// The same requests again and again; what is sent is copied once, as a send queue would, and forgotten.
class Sink final : public HttpStream {
 public:
  explicit Sink(const std::string& input) : input_(octets_of(input)) {}
  void rewind() { at_ = 0; }
  std::span<const uint8_t> readable() const override { return input_.subspan(at_); }
  void consume(uint32_t count) override { at_ += count; }
  uint32_t send(std::span<const uint8_t> octets) override {
    const size_t count = std::min(octets.size(), copy_.size());
    std::copy_n(octets.begin(), count, copy_.begin());
    benchmark::DoNotOptimize(copy_.data());
    sent_ += octets.size();
    return static_cast<uint32_t>(octets.size());
  }
  void shutdown() override {}
  uint64_t sent() const { return sent_; }

 private:
  std::span<const uint8_t> input_;
  size_t at_ = 0;
  uint64_t sent_ = 0;
  std::array<uint8_t, 8192> copy_{};
};

std::shared_ptr<const HttpSite> site() {
  auto made = std::make_shared<HttpSite>();
  made->add("/index.html", std::string(128, 'x'), "Sun, 06 Nov 1994 08:49:37 GMT");
  made->add("/style.css", std::string(4000, 'x'), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (int i = 0; i < 1000; ++i) made->add("/file-" + std::to_string(i) + ".html", "x", "");
  return made;
}

constexpr int kRepeats = 200;  // of what is measured, an iteration

void serve(benchmark::State& state, const std::string& request, int pipelined) {
  HttpServer server(site());
  server.set_wall_clock(std::chrono::sys_seconds(std::chrono::seconds(784111777)));
  std::string input;
  for (int i = 0; i < pipelined; ++i) input += request;
  Sink sink(input);
  std::unique_ptr<HttpExchange> exchange;
  bench::Stopwatch stopwatch(state);
  for (auto _ : state)
    stopwatch.measure([&] {
      for (int i = 0; i < kRepeats; ++i) {
        sink.rewind();
        server.advance(sink, exchange);
      }
      return kRepeats * pipelined;
    });
  stopwatch.report();
  if (exchange || sink.sent() == 0) state.SkipWithError("the requests were not answered");
}

// Requests that come in two halves: what an incomplete head costs.
void serve_split(benchmark::State& state) {
  HttpServer server(site());
  const std::string front = kCurl.substr(0, kCurl.size() / 2);
  const std::string back = kCurl.substr(kCurl.size() / 2);
  std::unique_ptr<HttpExchange> exchange;
  bench::Stopwatch stopwatch(state);
  for (auto _ : state)
    stopwatch.measure([&] {
      for (int i = 0; i < kRepeats; ++i) {
        Sink first(front);
        server.advance(first, exchange);
        Sink second(back);
        server.advance(second, exchange);
      }
      return kRepeats;
    });
  stopwatch.report();
  if (exchange) state.SkipWithError("the requests were not answered");
}

void parse_alone(benchmark::State& state, const std::string& request) {
  const auto octets = octets_of(request);
  bench::Stopwatch stopwatch(state);
  for (auto _ : state)
    stopwatch.measure([&] {
      for (int i = 0; i < kRepeats; ++i) {
        HttpRequest parsed;
        benchmark::DoNotOptimize(parse_http_request(octets, parsed));
        benchmark::DoNotOptimize(parsed);
      }
      return kRepeats;
    });
  stopwatch.report();
}

BENCHMARK_CAPTURE(parse_alone, curl, kCurl)->UseManualTime();
BENCHMARK_CAPTURE(parse_alone, browser, kBrowser)->UseManualTime();
BENCHMARK_CAPTURE(serve, curl_128_octets, kCurl, 1)->UseManualTime();
BENCHMARK_CAPTURE(serve, curl_128_octets_16_pipelined, kCurl, 16)->UseManualTime();
BENCHMARK_CAPTURE(serve, browser_4000_octets, kBrowser, 1)->UseManualTime();
BENCHMARK_CAPTURE(serve, not_found, "GET /missing" + kCurl.substr(5), 1)->UseManualTime();
BENCHMARK(serve_split)->UseManualTime();

}  // namespace
}  // namespace millrace::services
