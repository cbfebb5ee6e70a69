#include "dpdk/capture_filter.h"

#include <pcap/bpf.h>

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

namespace millrace::dpdk {

struct CaptureFilter::Program {
  std::vector<bpf_insn> instructions;
};

namespace {

Failure refused(const std::string& why) { return {"The program of the filter " + why + "."}; }

// The text up to `separator`, which is taken off with it.
std::string_view next_field(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return field;
}

template <typename T>
bool read_number(std::string_view field, T& out) {
  const char* end = field.data() + field.size();
  const auto [last, error] = std::from_chars(field.data(), end, out);
  return error == std::errc() && last == end;
}

std::optional<bpf_insn> read_instruction(std::string_view text) {
  bpf_insn out{};
  const bool good = read_number(next_field(text, ' '), out.code) &&
                    read_number(next_field(text, ' '), out.jt) &&
                    read_number(next_field(text, ' '), out.jf) && read_number(next_field(text, ' '), out.k);
  return good && text.empty() ? std::optional(out) : std::nullopt;
}

// bpf_validate() looks at classes alone, and bpf_filter() aborts at an instruction that it does not know.
bool is_known(uint16_t code) {
  switch (code) {
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_H | BPF_ABS:
    case BPF_LD | BPF_B | BPF_ABS:
    case BPF_LD | BPF_W | BPF_IND:
    case BPF_LD | BPF_H | BPF_IND:
    case BPF_LD | BPF_B | BPF_IND:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_MSH | BPF_B:
    case BPF_LDX | BPF_IMM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
    case BPF_JMP | BPF_JA:
    case BPF_ALU | BPF_NEG:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
      return true;
    default:
      break;
  }
  const auto either = static_cast<uint16_t>(code & ~BPF_X);  // of K and X
  switch (either) {
    case BPF_JMP | BPF_JEQ:
    case BPF_JMP | BPF_JGT:
    case BPF_JMP | BPF_JGE:
    case BPF_JMP | BPF_JSET:
    case BPF_ALU | BPF_ADD:
    case BPF_ALU | BPF_SUB:
    case BPF_ALU | BPF_MUL:
    case BPF_ALU | BPF_DIV:
    case BPF_ALU | BPF_MOD:
    case BPF_ALU | BPF_AND:
    case BPF_ALU | BPF_OR:
    case BPF_ALU | BPF_XOR:
    case BPF_ALU | BPF_LSH:
    case BPF_ALU | BPF_RSH:
      return true;
    default:
      return false;
  }
}

// bpf_validate() lets BPF_JA jump back, as `protochain` does: a loop that a frame of the peer would steer.
bool jumps_forward(const std::vector<bpf_insn>& program) {
  for (size_t at = 0; at < program.size(); ++at)
    if (program[at].code == (BPF_JMP | BPF_JA) && program[at].k >= program.size() - at - 1) return false;
  return true;
}

}  // namespace

Result<CaptureFilter> CaptureFilter::parse(std::string_view text) {
  CaptureFilter filter;
  if (text.empty()) return filter;
  while (text.ends_with(',') || text.ends_with('\n')) text.remove_suffix(1);
  size_t count = 0;
  if (!read_number(next_field(text, ','), count) || count == 0 || count > kMostInstructions)
    return refused("does not begin with the number of its instructions, from 1 to " +
                   std::to_string(kMostInstructions));
  auto program = std::make_shared<Program>();
  while (!text.empty() && program->instructions.size() < count) {
    const auto instruction = read_instruction(next_field(text, ','));
    if (!instruction) return refused("has an instruction that is not CODE JT JF K");
    program->instructions.push_back(*instruction);
  }
  if (program->instructions.size() != count || !text.empty())
    return refused("does not have as many instructions as it says");
  for (const bpf_insn& one : program->instructions)
    if (!is_known(one.code))
      return refused("has the instruction " + std::to_string(one.code) + ", which is none of BPF's");
  if (!jumps_forward(program->instructions))
    return refused("jumps back: a loop, as `protochain` makes, is not run");
  if (bpf_validate(program->instructions.data(), static_cast<int>(count)) == 0)
    return refused("is not valid: it leaves itself or its memory, or does not end with a return");
  filter.program_ = std::move(program);
  return filter;
}

bool CaptureFilter::run(const uint8_t* frame, uint32_t length, uint32_t held) const {
  return bpf_filter(program_->instructions.data(), frame, length, held) != 0;
}

}  // namespace millrace::dpdk
