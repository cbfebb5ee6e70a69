// The kernel's TCP as server and as client of bulk, with as little of a program around it as an epoll loop:
// what bench/endpoint/run sets beside our own endpoint. wrk is its client of requests.
//
//   kernel_peer serve ADDRESS [CONGESTION-CONTROL]   http on 80, discard on 9, chargen on 19, until it is killed
//   kernel_peer pull|push ADDRESS CONNECTIONS WARM_UP_MS DURATION_MS
//                                        reads chargen, or writes to discard; prints octets and seconds as
//                                        JSON
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

enum class Kind { kListener, kHttp, kDiscard, kChargen };

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kDiscardPort = 9;
constexpr std::uint16_t kChargenPort = 19;
constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kPage = 128;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "kernel_peer: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

// The length of what `millrace serve` answers to the same request: 128 octets of page, 234 of header.
std::string response(bool close) {
  std::string text =
      "HTTP/1.1 200 OK\r\nServer: kernel_peer/1.0\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
      "Content-Type: application/octet-stream\r\nContent-Length: 128\r\nAccept-Ranges: bytes\r\n"
      "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
  text += close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n";
  return text + std::string(kPage, 'x');
}

sockaddr_in endpoint(const char* address, std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  if (inet_pton(AF_INET, address, &where.sin_addr) != 1) {
    errno = EINVAL;
    fail(std::string("an IPv4 address is needed, not ") + address);
  }
  return where;
}

const sockaddr* generic(const sockaddr_in& where) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&where));
}

void watch(int epoll, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

void without_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

class Server {
 public:
  // Without a congestion control: the host's.
  Server(const char* address, const char* congestion_control)
      : epoll_(epoll_create1(0)), congestion_control_(congestion_control) {
    listen_on(address, kHttpPort, Kind::kHttp);
    listen_on(address, kDiscardPort, Kind::kDiscard);
    listen_on(address, kChargenPort, Kind::kChargen);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) on_event(events[static_cast<std::size_t>(i)].data.fd);
    }
  }

 private:
  struct Peer {
    Kind kind;
    Kind serves;
    std::string request;  // what of a request has come so far
  };

  void listen_on(const char* address, std::uint16_t port, Kind kind) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const auto where = endpoint(address, port);
    // By option and not by sysctl, which refuses what the host does not allow to everybody.
    if (congestion_control_ != nullptr &&
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion_control_,
                   static_cast<socklen_t>(std::strlen(congestion_control_))) != 0) {
      fail(std::string("congestion control ") + congestion_control_);
    }
    if (bind(fd, generic(where), sizeof(where)) != 0) fail("bind to port " + std::to_string(port));
    if (listen(fd, 4096) != 0) fail("listen");
    peers_[fd] = {Kind::kListener, kind, {}};
    watch(epoll_, fd, EPOLLIN);
  }

  void on_event(int fd) {
    const auto found = peers_.find(fd);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    switch (peer.kind) {
      case Kind::kListener:
        return accept_all(fd, peer.serves);
      case Kind::kHttp:
        return answer(fd, peer);
      case Kind::kDiscard:
        return discard(fd);
      case Kind::kChargen:
        return generate(fd);
    }
  }

  void accept_all(int listener, Kind kind) {
    for (;;) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) return;
      without_delay(fd);
      peers_[fd] = {kind, kind, {}};
      watch(epoll_, fd, kind == Kind::kChargen ? EPOLLOUT : EPOLLIN);
    }
  }

  // Requests have no body: each ends with an empty line.
  void answer(int fd, Peer& peer) {
    const ssize_t length = recv(fd, chunk_.data(), chunk_.size(), 0);
    if (length <= 0) return lost(fd, length);
    peer.request.append(chunk_.data(), static_cast<std::size_t>(length));
    std::size_t end = 0;
    bool close = false;
    out_.clear();
    while (!close && (end = peer.request.find("\r\n\r\n")) != std::string::npos) {
      close = peer.request.substr(0, end).find("onnection: close") != std::string::npos;
      out_ += close ? closing_ : keeping_;
      peer.request.erase(0, end + 4);
    }
    // A few hundred octets always fit into the socket's buffer, as one request is under way at a time.
    if (!out_.empty() && send(fd, out_.data(), out_.size(), MSG_NOSIGNAL) < 0) return drop(fd);
    if (close) drop(fd);
  }

  void discard(int fd) {
    const ssize_t length = recv(fd, chunk_.data(), chunk_.size(), 0);
    if (length <= 0) lost(fd, length);
  }

  void generate(int fd) {
    const ssize_t length = send(fd, chunk_.data(), chunk_.size(), MSG_NOSIGNAL);
    if (length <= 0) lost(fd, length);
  }

  void lost(int fd, ssize_t length) {
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    drop(fd);
  }

  void drop(int fd) {
    close(fd);
    peers_.erase(fd);
  }

  int epoll_;
  const char* congestion_control_;
  std::unordered_map<int, Peer> peers_;
  std::vector<char> chunk_ = std::vector<char>(kChunk, 'x');
  std::string out_;
  const std::string keeping_ = response(false), closing_ = response(true);
};

using Clock = std::chrono::steady_clock;

std::vector<int> connect_all(const char* address, std::uint16_t port, int count, int epoll,
                             std::uint32_t events) {
  std::vector<int> made;
  for (int i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const auto where = endpoint(address, port);
    if (connect(fd, generic(where), sizeof(where)) != 0) fail("connect to port " + std::to_string(port));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watch(epoll, fd, events);
    made.push_back(fd);
  }
  return made;
}

// Octets moved until `end`. Whoever loses a connection says so: the figure would be of fewer than were asked
// for.
std::uint64_t move_until(Clock::time_point end, int epoll, bool push, std::vector<char>& chunk) {
  std::uint64_t octets = 0;
  std::array<epoll_event, 64> events{};
  while (Clock::now() < end) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 10);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const ssize_t length =
          push ? send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL) : recv(fd, chunk.data(), chunk.size(), 0);
      if (length > 0)
        octets += static_cast<std::uint64_t>(length);
      else if (length == 0 || (errno != EAGAIN && errno != EINTR))
        fail("a connection ended early");
    }
  }
  return octets;
}

int bulk(bool push, const char* address, int connections, int warm_up_ms, int duration_ms) {
  const int epoll = epoll_create1(0);
  const auto made =
      connect_all(address, push ? kDiscardPort : kChargenPort, connections, epoll, push ? EPOLLOUT : EPOLLIN);
  std::vector<char> chunk(kChunk, 'x');
  const auto warm = Clock::now() + std::chrono::milliseconds(warm_up_ms);
  move_until(warm, epoll, push, chunk);
  const auto start = Clock::now();
  const auto octets = move_until(start + std::chrono::milliseconds(duration_ms), epoll, push, chunk);
  const double elapsed_s = std::chrono::duration<double>(Clock::now() - start).count();
  for (const int fd : made) close(fd);
  std::printf("{\"octets\": %llu, \"elapsed_s\": %.6f}\n", static_cast<unsigned long long>(octets),
              elapsed_s);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  if (role == "serve" && (argc == 3 || argc == 4)) {
    Server server(argv[2], argc == 4 ? argv[3] : nullptr);
    std::puts("ready");
    std::fflush(stdout);
    server.run();
  }
  if ((role == "pull" || role == "push") && argc == 6) {
    return bulk(role == "push", argv[2], std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5]));
  }
  std::fputs(
      "usage: kernel_peer serve ADDRESS [CONGESTION-CONTROL]\n"
      "       kernel_peer pull|push ADDRESS CONNECTIONS WARM_UP_MS DURATION_MS\n",
      stderr);
  return 2;
}
