// Receive-side scaling: what a port is told so that it spreads flows over its queues as flow/steering.h
// predicts. Neighbour: port.h.
#pragma once

#include <cstdint>
#include <vector>

#include "flow/steering.h"

struct rte_eth_conf;
struct rte_eth_dev_info;

namespace millrace::dpdk {

class Rss {
 public:
  // Asks for nothing on a port that has one queue, or does not hash TCP over IPv4 and IPv6 by addresses and
  // ports.
  Rss(const rte_eth_dev_info& info, uint16_t queues, const flow::Toeplitz::Key& key);

  bool on() const { return !table_.empty(); }
  // Before rte_eth_dev_configure; the key's octets live in this object.
  void put_into(rte_eth_conf& conf);
  // After rte_eth_dev_start: drivers differ in whether the table can be written earlier. Where it cannot be
  // written at all, most fill it alike by themselves; the first packets tell.
  void write_table(uint16_t port) const;
  const std::vector<uint16_t>& table() const { return table_; }

 private:
  std::vector<uint8_t> key_;  // as long as the device's
  std::vector<uint16_t> table_;
};

}  // namespace millrace::dpdk
