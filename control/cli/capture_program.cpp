#include "control/cli/capture_program.h"

#include <pcap/pcap.h>

#include <memory>

#include "config/text.h"
#include "control/cli/client.h"

namespace millrace::control::cli {

std::string compile_filter(const std::string& filter) {
  if (filter.empty()) return {};
  constexpr int kMostOctets = 65535;
  constexpr int kOptimise = 1;
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> ethernet(pcap_open_dead(DLT_EN10MB, kMostOctets),
                                                            pcap_close);
  if (ethernet == nullptr) throw Failure(kEndpointError, "There is no memory to compile the filter.");
  bpf_program program{};
  if (pcap_compile(ethernet.get(), &program, filter.c_str(), kOptimise, PCAP_NETMASK_UNKNOWN) != 0) {
    throw Failure(kUsage, "The filter " + config::quoted(filter) + " is not one of pcap-filter(7): " +
                              config::escaped(pcap_geterr(ethernet.get())) + ".");
  }
  std::string out = std::to_string(program.bf_len);
  for (unsigned i = 0; i < program.bf_len; ++i) {
    const bpf_insn& one = program.bf_insns[i];
    out += ',' + std::to_string(one.code) + ' ' + std::to_string(one.jt) + ' ' + std::to_string(one.jf) +
           ' ' + std::to_string(one.k);
  }
  pcap_freecode(&program);
  return out;
}

}  // namespace millrace::control::cli
