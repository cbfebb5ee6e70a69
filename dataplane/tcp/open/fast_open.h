// TCP Fast Open (RFC 7413): data in the SYN, for a client that shows a cookie. fast_open_server.cpp issues
// and judges cookies and opens a connection by one; fast_open_client.cpp asks for them, uses them, and falls
// back where a server or the path does not take them. What is off stays off (§4.2): a listener without
// `fast_open_pending` ignores the option, connect() without `fast_open` sends none.
//
// A SYN with data that the network duplicates, and that comes again when the connection has ended and left
// nothing behind, opens another one with the same data (§2.1, §6.1): Fast Open is for applications that can
// bear to see their first request twice.
#pragma once

#include "base/packet.h"
#include "tcp/context.h"
#include "tcp/open/fast_open_cache.h"
#include "tcp/open/fast_open_pending.h"
#include "tcp/open/key_ring.h"
#include "tcp/open/syn_queue.h"
#include "tcp/tcb.h"
#include "tcp/transfer/output.h"
#include "wire/segment.h"

namespace millrace::tcp {

// What the connections of a shard have in common: the keys of the cookies that we issue, and the cookies that
// others have issued to us.
class FastOpen {
 public:
  // A key issues so long, and counts for as long before and after (§4.1.2, property 5).
  static constexpr std::chrono::hours kKeyPeriod{6};
  static constexpr uint8_t kCookieOctets = 8;

  FastOpen(const Secrets& secrets, uint32_t cache_entries, Entropy& entropy)
      : keys(KeyUse::FastOpen, secrets, kKeyPeriod), cache(cache_entries, entropy) {}

  // GetCookie of §4.1.2: a MAC of the client's address.
  wire::FastOpenCookie cookie_for(const IpAddress& client) const;
  // IsCookieValid; Old: a key other than the present one has made it, so that the client needs a new one.
  enum class Validity : uint8_t { Invalid, Old, Current };
  Validity validity(const wire::FastOpenCookie& cookie, const IpAddress& client) const;

  KeyRing keys;
  FastOpenCache cache;
};

// ---- server --------------------------------------------------------------------------------------------

// What a listener makes of a SYN (§4.2.2, "Server: Receiving SYN", steps 1 to 3).
struct FastOpenOffer {
  bool accepted = false;      // the cookie is valid: the connection is to be opened at once
  bool granted = false;       // the SYN-ACK carries a cookie
  bool experimental = false;  // in the form in which the SYN's option came
};
FastOpenOffer judge_fast_open(const wire::Segment& syn, FastOpenPending& pending, const Context& context);

// The option of a SYN-ACK.
void grant_cookie(const FastOpenOffer& offer, const IpAddress& client, const Context& context,
                  wire::Segment& syn_ack);

// Makes a TCB in SYN-RECEIVED of an accepted SYN: its data is the application's at once, and the SYN-ACK is
// due. `record` is what the SYN would have been without Fast Open.
void open_by_fast_open(Tcb& tcb, const SynRecord& record, const wire::Segment& syn,
                       const FastOpenOffer& offer, uint32_t ts_offset, Memory& memory,
                       const Context& context);

// Whether data may leave before the handshake has ended: what fits the initial window, and once; after a
// time-out nothing but the SYN-ACK (§4.2.2).
inline bool may_send_early(const Tcb& tcb) {
  return tcb.cold.fast_open.early && !tcb.hot.flags.syn_acked && tcb.cold.retries == 0;
}

// ---- client --------------------------------------------------------------------------------------------

// Our first SYN: a cookie and what data fits, or the request for a cookie, or nothing.
void fast_open_syn(Tcb& tcb, const Context& context, wire::Segment& syn, PayloadRange& payload);

// The SYN-ACK has been taken: cookie, MSS and refusals are remembered.
void fast_open_syn_ack(Tcb& tcb, const wire::Segment& syn_ack, const Context& context);

// Our SYN has been acknowledged. Data of it that was not is as if it had never left.
void settle_syn_data(Tcb& tcb, const Context& context);

// An ICMP error about our SYN: Fast Open is what the path may have disliked (§4.1.3.1). `too_big`: the SYN
// goes again at once, without data.
void fast_open_icmp_error(Tcb& tcb, bool too_big, const Context& context);

// ---- both ----------------------------------------------------------------------------------------------

// The handshake's timer went off: SYN and SYN-ACK go again with neither data nor option.
void fast_open_timeout(Tcb& tcb, const Context& context);

// The connection has ended. A client that got nothing for its cookie leaves the server alone for a while.
void fast_open_end(const Tcb& tcb, const Context& context);

}  // namespace millrace::tcp
