// One TCP socket as POSIX and Linux have it, over app::Connection: unbound, connecting, connected, listening
// or over. Nothing blocks and nothing asks the time; see outcome.h. Its concerns stand in connecting.cpp,
// accepting.cpp, receiving.cpp, sending.cpp and socket.cpp (events and end); its options in options.h.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "app/connection.h"
#include "app/handler.h"
#include "app/socket/file.h"
#include "app/socket/outcome.h"
#include "app/socket/ports.h"
#include "app/socket/reuse_port.h"
#include "app/socket/settings.h"
#include "app/stack.h"

namespace millrace::socket {

class Socket;

// What all sockets of a shard share.
struct Shared {
  app::Stack& stack;
  Ports ports;
  uint32_t fast_open_queue = 0;  // of listeners that do not say (TCP_FASTOPEN)
  uint64_t changes = 0;          // grows with everything that a sleeping call may wait for
  // Connections that nobody is told of yet (TCP_DEFER_ACCEPT), by when they will be.
  std::multimap<Instant, Socket*> deferred{};
  // By the endpoint that sockets listen on; they outlive these.
  std::map<Endpoint, ReusePort> reused{};
  // When the first of them may be accepted all the same: a sleeping call looks again then.
  Instant next_deferred() const { return deferred.empty() ? kNever : deferred.begin()->first; }
};

struct TcpInfo;

// Receives what nobody waits for any longer.
app::Handler& orphans();

class Socket final : public File, public app::Handler, public std::enable_shared_from_this<Socket> {
 public:
  Socket(Shared& shared, int domain);
  ~Socket() override;

  int domain() const { return domain_; }

  // ---- connecting.cpp
  Outcome bind(const Endpoint& local);
  Outcome connect(const Endpoint& remote, Call& call);
  // sendto() with MSG_FASTOPEN: connects if need be, with the octets in the SYN where there is a cookie
  // (RFC 7413 §4.2).
  Outcome send_fast(const Endpoint& remote, std::span<const iovec> from, int flags, Call& call);
  // connect() to AF_UNSPEC: back to the beginning, by RST where there is a connection.
  Outcome disconnect();
  Outcome local_name(Endpoint& out) const;
  Outcome peer_name(Endpoint& out) const;
  // Nothing is left to read but the end of the stream.
  bool at_end() const;
  // The other end, also of a connection that has ended before it was accepted.
  const Endpoint& remote() const { return remote_; }
  const Endpoint& local() const { return local_; }

  // ---- accepting.cpp
  Outcome listen(int backlog);
  // The next established connection, which has no descriptor yet.
  Outcome accept(std::shared_ptr<Socket>& accepted, Call& call);
  // The wait for text is over, by text or by time: the listener may have it (TCP_DEFER_ACCEPT).
  void stop_deferring();

  // ---- receiving.cpp, sending.cpp: `flags` are MSG_*; `blocks` whether the call may be told to wait
  Outcome receive(std::span<const iovec> into, int flags, Call& call, int* message_flags = nullptr);
  Outcome send(std::span<const iovec> from, int flags, Call& call);
  Outcome shutdown(int how);
  // The descriptor has gone: FIN, or RST where data is unread or SO_LINGER says so.
  void close();

  // ---- for options.cpp and info.cpp
  Settings& settings() { return settings_; }
  const Settings& settings() const { return settings_; }
  void apply_settings();
  // The pending error, which is cleared.
  int take_error();
  app::Connection* connection() const { return connection_; }
  bool listening() const { return listening_; }
  size_t accept_queue() const { return accept_queue_.size(); }
  int backlog() const { return backlog_; }
  // Of a connection that has ended; null: there is none.
  const TcpInfo* last_info() const { return last_info_.get(); }
  tcp::State state() const;
  uint32_t readable_bytes() const;
  uint32_t queued_bytes() const;  // SIOCOUTQ
  uint32_t unsent_bytes() const;  // SIOCOUTQNSD
  uint32_t send_buffer() const;
  // The next octet to read is the last urgent one.
  bool at_mark() const { return connection_ != nullptr && connection_->urgent_bytes() == 1; }
  Shared& shared() const { return *shared_; }

  uint32_t readiness() const override;

 private:
  // Deferred: TCP_FASTOPEN_CONNECT, the SYN waits for the first octets.
  enum class Phase : uint8_t { Fresh, Deferred, Connecting, Connected, Over };

  // app::Handler: for the connection, and for the listener, whose connections come to on_established first.
  uint32_t accept_room(const Endpoint& local) const override;
  void on_established(app::Connection& connection) override;
  void on_readable(app::Connection& connection) override;
  void on_writable(app::Connection& connection) override;
  void on_error(app::Connection& connection, app::SoftError error) override;
  void on_urgent(app::Connection& connection) override;
  void on_peer_finished(app::Connection& connection) override;
  void on_closed(app::Connection& connection, app::CloseReason reason) override;

  void accept_connection(app::Connection& connection);
  // In the stack, or beside the others that share the endpoint.
  bool begin_listening(const ListenerParams& params);
  void stop_listening();
  ConnectionParams connection_params() const;
  uint32_t fast_open_queue() const {
    return settings_.fast_open_queue != 0 ? static_cast<uint32_t>(settings_.fast_open_queue)
                                          : shared_->fast_open_queue;
  }
  void let_go();
  void adopt(app::Connection& connection);
  app::ConnectOptions connect_options(const Endpoint& remote) const;
  Outcome begin_connect(const Endpoint& remote, bool fast_open, std::span<const uint8_t> data, Call* call);
  Outcome conclude_connect();
  uint32_t take(std::span<uint8_t> out, uint32_t offset, bool peek, bool discard);
  uint64_t receive_into(std::span<const iovec> into, uint64_t skip, uint64_t limit, int flags);
  uint64_t send_from(std::span<const iovec> from, uint64_t skip, bool urgent);
  bool writable() const;
  uint32_t room() const;
  uint32_t not_sent_limit() const {
    return settings_.not_sent_low_water == 0 ? 0xffff'ffff : settings_.not_sent_low_water;
  }
  bool reaches_low_water(uint64_t have) const;

  Shared* shared_;
  int domain_;
  Phase phase_ = Phase::Fresh;
  Settings settings_;
  std::optional<Endpoint> bound_;
  bool port_held_ = false;
  Endpoint local_;
  Endpoint remote_;
  app::Connection* connection_ = nullptr;
  bool established_ = false;  // connection_ has reached ESTABLISHED
  bool closed_ = false;       // the descriptor has gone
  bool receive_shut_ = false;
  bool send_shut_ = false;
  bool connect_reported_ = false;
  bool answer_expected_ = false;  // a sender has waited for the handshake: the peer will answer it
  int error_ = 0;
  std::vector<uint8_t> left_over_;  // what had been received when the connection was reset
  size_t left_over_read_ = 0;
  std::unique_ptr<const TcpInfo> last_info_;

  bool listening_ = false;
  int backlog_ = 0;
  std::vector<Endpoint> listening_on_;
  std::deque<std::shared_ptr<Socket>> accept_queue_;
  std::vector<std::shared_ptr<Socket>> deferred_;          // not to be accepted yet
  Socket* listener_ = nullptr;                             // of one that is in deferred_
  std::multimap<Instant, Socket*>::iterator deferred_at_;  // likewise
};

}  // namespace millrace::socket
