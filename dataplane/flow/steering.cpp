#include "flow/steering.h"

#include <bit>

#include "base/check.h"

namespace millrace::flow {

Steering::Steering(const SteeringParams& params)
    : shards_(params.shards),
      toeplitz_(params.key),
      table_(params.table.empty() ? even_table(params.shards) : params.table),
      mask_(static_cast<uint32_t>(table_.size()) - 1) {
  MILLRACE_CHECK(shards_ != 0 && std::has_single_bit(table_.size()));
  for (uint16_t& shard : table_) shard = static_cast<uint16_t>(shard % shards_);
}

std::vector<uint16_t> Steering::even_table(unsigned shards, size_t entries) {
  std::vector<uint16_t> table(entries);
  for (size_t i = 0; i < entries; ++i) table[i] = static_cast<uint16_t>(i % shards);
  return table;
}

}  // namespace millrace::flow
