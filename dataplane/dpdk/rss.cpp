#include "dpdk/rss.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <bit>

namespace millrace::dpdk {

namespace {

constexpr uint64_t kHashed = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
constexpr uint16_t kUsualTable = 128;  // of devices that do not say

}  // namespace

Rss::Rss(const rte_eth_dev_info& info, uint16_t queues, const flow::Toeplitz::Key& key) {
  if (queues < 2 || (info.flow_type_rss_offloads & kHashed) != kHashed) return;
  const uint16_t entries = info.reta_size == 0 ? kUsualTable : info.reta_size;
  if (!std::has_single_bit(entries)) return;
  if (info.hash_key_size != 0 && info.hash_key_size < key.size()) return;
  key_.assign(key.begin(), key.end());
  // What lies behind the 40th octet has no part in the hash of addresses and ports.
  key_.resize(std::max<size_t>(info.hash_key_size, key.size()));
  table_ = flow::Steering::even_table(queues, entries);
}

void Rss::put_into(rte_eth_conf& conf) {
  if (!on()) return;
  conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  conf.rx_adv_conf.rss_conf.rss_key = key_.data();
  conf.rx_adv_conf.rss_conf.rss_key_len = static_cast<uint8_t>(key_.size());
  conf.rx_adv_conf.rss_conf.rss_hf = kHashed;
}

void Rss::write_table(uint16_t port) const {
  if (!on()) return;
  std::vector<rte_eth_rss_reta_entry64> groups((table_.size() + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                               RTE_ETH_RETA_GROUP_SIZE);
  for (size_t i = 0; i < table_.size(); ++i) {
    rte_eth_rss_reta_entry64& group = groups[i / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= uint64_t{1} << (i % RTE_ETH_RETA_GROUP_SIZE);
    group.reta[i % RTE_ETH_RETA_GROUP_SIZE] = table_[i];
  }
  rte_eth_dev_rss_reta_update(port, groups.data(), static_cast<uint16_t>(table_.size()));
}

}  // namespace millrace::dpdk
