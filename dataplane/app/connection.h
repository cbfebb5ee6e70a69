// One TCP connection as its application sees it: RFC 9293 §3.9.1 without blocking. Lives in the lcore's slab;
// use it only on that lcore, and no longer than on_closed.
#pragma once

#include <cstdint>
#include <span>

#include "app/handler.h"
#include "app/stack.h"
#include "base/address.h"
#include "base/service_counters.h"
#include "tcp/tcb.h"
#include "tcp/transfer/receive_tuning.h"
#include "timer/deadline_fifo.h"

namespace millrace::app {

// What became of Fast Open (RFC 7413) on a connection.
enum class FastOpenResult : uint8_t {
  Unused,             // not asked for, or not tried: switched off, or the server had refused it before
  CookieRequested,    // there was no cookie: the SYN asked for one
  CookieSent,         // the SYN carried a cookie but no data; or its answer has not come
  DataAcknowledged,   // data of the SYN was taken, by the server or (passive) by us
  DataRefused,        // the server did not take it: it was sent again after the handshake
  SynRetransmitted,   // the SYN was lost, or the path dropped it: it was sent again without data
  OpenedWithoutData,  // passive: a cookie, and no data
};
std::string_view name_of(FastOpenResult result);

class Connection {
  tcp::Tcb tcb_;  // first: the shard finds the connection from its TCB

 public:
  Connection(Stack& stack, Handler& handler, tcp::Memory& memory);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const Endpoint& remote() const { return remote_; }
  const Endpoint& local() const { return local_; }
  tcp::State state() const { return tcb_.hot.state(); }

  // ---- receive -------------------------------------------------------------------------------------------
  // The first contiguous run of octets received and not consumed; empty: none. Valid until consume() or
  // return.
  std::span<const uint8_t> readable() const;
  // All octets received in order and not consumed.
  uint32_t readable_bytes() const;
  // Gives back the first `count` octets (count <= readable_bytes()) and so opens the window.
  void consume(uint32_t count);
  // Copies octets from `offset` on without consuming them; returns how many there were.
  uint32_t peek(uint32_t offset, std::span<uint8_t> out) const;
  // The peer's FIN has been received (octets before it may still be unread).
  bool peer_finished() const;

  // ---- send ----------------------------------------------------------------------------------------------
  // Queues a copy of as much of `octets` as there is room for; returns how many. Fewer than asked:
  // on_writable comes when there is room. 0 after shutdown() or close().
  uint32_t send(std::span<const uint8_t> octets);
  // Room inside the send buffer to write into, at most `want` octets, perhaps fewer and never across a block:
  // fill the front of it and commit(). Nothing in between may call the connection. Empty: no room.
  std::span<uint8_t> reserve(uint32_t want);
  void commit(uint32_t count);
  // Octets that may be queued or unacknowledged: the send buffer, which grows with the congestion window up to
  // tcp.send_buffer_max unless set_send_buffer() has set it or memory is under pressure.
  uint32_t send_limit() const;
  // on_writable comes with so much room: ConnectionParams::send_low_water, no more than there can be.
  uint32_t send_low_water() const;
  // Octets that send() would take now.
  uint32_t writable_bytes() const;
  // Asks for on_writable when more room has been made, though nothing has come up short.
  void request_writable() { want_writable_ = true; }
  // Octets queued or sent and not yet acknowledged.
  uint32_t unacknowledged_bytes() const;
  // Of these, the octets that have not been sent at all.
  uint32_t unsent_bytes() const;
  // send(), and the peer is told that all up to the last of these octets is urgent (RFC 9293 §3.8.5; new
  // applications should not). Where fewer than all are taken nothing is urgent yet: send the rest likewise.
  uint32_t send_urgent(std::span<const uint8_t> octets);
  // Octets from the front of readable() up to the end of the peer's urgent data, which may not have come yet;
  // 0: nothing is urgent.
  uint32_t urgent_bytes() const;

  // ---- end -----------------------------------------------------------------------------------------------
  // FIN after everything queued; receiving goes on (half-close).
  void shutdown();
  // FIN after everything queued, and no interest in what still comes: data that arrives from now on, or
  // unread data, resets the connection (RFC 1122 §4.2.2.13), as does a linger that runs out
  // (ConnectionParams). A peer that then does not finish is given up after fin_wait_2_timeout. on_closed
  // still follows.
  void close();
  // RST now (RFC 9293 §3.10.5).
  void abort();

  FastOpenResult fast_open() const;

  // ---- settings ------------------------------------------------------------------------------------------
  // Nagle's algorithm off or on (RFC 9293 §3.7.4).
  void set_no_delay(bool on);
  // Corked: what fills no segment waits until uncorked, but no longer than a retransmission time-out.
  void set_cork(bool on);
  // On: what is to be acknowledged is, and the next segments at once, as while a connection is young. Off: by
  // the delayed-ACK rules from here on (RFC 9293 §3.8.6.3), for who is about to answer.
  void set_quick_ack(bool on);
  // Octets of the buffers, which do not grow by themselves from then on. What is queued stays, and so does the
  // window that has been offered; a larger receive buffer cannot offer more than the window scale of the
  // handshake can say.
  void set_send_buffer(uint32_t octets) {
    tcb_.cold.send_buffer = octets;
    tcb_.cold.send_buffer_set = true;
  }
  void set_receive_buffer(uint32_t octets) {
    tcb_.cold.receive_buffer = octets;
    tcb_.cold.receive_buffer_set = true;
  }
  // What this connection has otherwise than the shard; what is not set follows TcpParams. Set at any time, it
  // counts at once: copy settings(), change, set(). False: no memory is left for settings of its own, and
  // nothing has changed. (Listeners have settings for all that they accept: ListenerParams.)
  const ConnectionParams& settings() const;
  bool set(const ConnectionParams& settings);
  cc::Algorithm congestion_control() const { return tcb_.cold.cc.algorithm(); }
  // Trouble since the last progress of the connection that has not ended it (Handler::on_error).
  SoftError last_soft_error() const { return tcb_.cold.soft_error; }
  // Diffserv codepoint of the last segment received (RFC 9293 §3.9.2 MAY-9).
  uint8_t received_dscp() const { return tcb_.cold.received_dscp; }

  // The application's own word for this connection.
  void* context() const { return context_; }
  void set_context(void* context) { context_ = context; }
  Handler& handler() const { return *handler_; }
  // Changes who is told from now on.
  void set_handler(Handler& handler) { handler_ = &handler; }
  Stack& stack() const { return *stack_; }

  // ---- for shard/ and tests ------------------------------------------------------------------------------
  tcp::Tcb& tcb() { return tcb_; }
  const tcp::Tcb& tcb() const { return tcb_; }

  struct Links {                   // written by shard/
    uint32_t index = kNoIndex;     // in the slab
    uint32_t listener = kNoIndex;  // kNoIndex: active open
    timer::FifoLinks ack;          // delayed-ACK FIFO
    Instant ack_deadline{};
    bool ready = false;     // in the list of those to be served
    bool detached = false;  // no longer in the demux table: only the application's reading is left
    bool established_counted = false;
    enum class Stray : uint8_t { No, Claiming, Granted };
    Stray stray = Stray::No;  // the flow's packets reach another shard, which hands them over
    uint8_t service = ServiceTable::kNone;  // in Counters::services
  };
  Links links;
  Instant opened_at{};

  // Tells the handler what is pending. True: on_closed has been told.
  bool deliver();
  bool closed_told() const { return closed_told_; }
  void place(const Endpoint& local, const Endpoint& remote) {
    local_ = local;
    remote_ = remote;
  }

 private:
  void touched();
  bool deliver_once();
  bool tell_end();

  Stack* stack_;
  Handler* handler_;
  void* context_ = nullptr;
  Endpoint local_;
  Endpoint remote_;
  bool established_told_ = false;
  bool peer_finished_told_ = false;
  bool closed_told_ = false;
  bool want_writable_ = false;
  tcp::ReceiveTuning tuning_;
};

static_assert(sizeof(Connection) <= 512);

}  // namespace millrace::app
