#include "sim/link.h"

#include <algorithm>
#include <utility>

namespace millrace::sim {

namespace {

constexpr size_t kEthernetHeader = 14;

// Frames that arrive at one instant do so in the order in which they were sent.
bool arrives_later(const Flight& a, const Flight& b) {
  return std::pair(a.arrives_at, a.id) > std::pair(b.arrives_at, b.id);
}

}  // namespace

Packet Flight::land(PacketPool& pool) const {
  Packet packet = pool.allocate();
  if (!packet || packet.capacity() < octets.size()) return {};
  packet.set_length(static_cast<uint32_t>(octets.size()));
  std::copy(octets.begin(), octets.end(), packet.data());
  return packet;
}

Link::Link(const LinkParams& params, uint64_t seed, uint64_t& ids)
    : params_(params), faults_(params.faults, seed), ids_(&ids) {}

void Link::set_params(const LinkParams& params) {
  params_ = params;
  faults_.set_rates(params.faults);
}

std::chrono::nanoseconds Link::serialize(size_t octets) {
  // Frames of 64 KiB at most: below 2^50.
  const uint64_t scaled = octets * 8 * 1'000'000'000 + part_;
  part_ = scaled % params_.bits_per_second;
  return std::chrono::nanoseconds(scaled / params_.bits_per_second);
}

std::optional<Link::Leaving> Link::leave_queue(std::span<const uint8_t> frame, Instant now) {
  if (params_.mtu != 0 && frame.size() > kEthernetHeader + params_.mtu) return std::nullopt;
  if (params_.bits_per_second == 0) return Leaving{.at = now};
  while (!waiting_.empty() && waiting_.front() <= now) waiting_.pop_front();
  if (waiting_.size() >= params_.queue_frames) return std::nullopt;
  if (waiting_.empty()) part_ = 0;
  const Fine begins = waiting_.empty() ? Fine(now) : waiting_.back();
  const Micros waits = std::chrono::floor<Micros>(begins - now);
  const QueueVerdict verdict = judge(params_.queue, codel_, frame, waits, now + waits);
  if (verdict == QueueVerdict::Drop) return std::nullopt;
  waiting_.push_back(begins + serialize(frame.size()));
  return Leaving{.at = std::chrono::ceil<Micros>(waiting_.back()),
                 .waited = waits,
                 .marked = verdict == QueueVerdict::Mark};
}

Micros Link::varied_delay(Instant leaving) {
  if (params_.jitter == Micros{}) return params_.delay;
  const Instant arrival = std::max(last_arrival_, leaving + params_.delay + faults_.varied(params_.jitter));
  last_arrival_ = arrival;
  return arrival - leaving;
}

void Link::send(std::span<const uint8_t> frame, Instant now, DepartureObserver* observer) {
  const FaultDecision decision = faults_.decide(frame);
  const std::optional<Leaving> left = leave_queue(frame, now);
  Flight flight{.id = ++*ids_, .sent_at = now, .arrives_at = kNever};
  if (!left || decision.lose) {
    flight.fate = left ? Fate::Lost : Fate::Overflown;
    fly(std::move(flight), frame, observer);
    return;
  }
  flight.waited = left->waited;
  const uint64_t id = flight.id;
  const Instant arrival = left->at + varied_delay(left->at) + decision.extra_delay;
  flight.arrives_at = arrival;
  flight.octets.assign(frame.begin(), frame.end());
  if (left->marked) mark_ce(flight.octets);
  if (decision.corrupt) {
    flight.fate = Fate::Corrupted;
    faults_.corrupt(flight.octets);
  }
  fly(std::move(flight), frame, observer);
  if (!decision.duplicate) return;
  Flight copy{.id = ++*ids_, .copy_of = id, .fate = Fate::Duplicate, .sent_at = now};
  copy.waited = left->waited;
  copy.arrives_at = arrival + decision.duplicate_delay;
  copy.octets.assign(frame.begin(), frame.end());
  fly(std::move(copy), frame, observer);
}

void Link::fly(Flight flight, std::span<const uint8_t> sent, DepartureObserver* observer) {
  if (observer != nullptr) observer->departed(flight, sent);
  if (flight.arrives_at == kNever) return;
  flights_.push_back(std::move(flight));
  std::push_heap(flights_.begin(), flights_.end(), arrives_later);
}

std::optional<Flight> Link::take(Instant now) {
  if (next_arrival() > now) return std::nullopt;
  std::pop_heap(flights_.begin(), flights_.end(), arrives_later);
  Flight flight = std::move(flights_.back());
  flights_.pop_back();
  return flight;
}

}  // namespace millrace::sim
