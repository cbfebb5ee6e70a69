// The Internet checksum against published sums and a word-by-word reference.
#include "wire/checksum.h"

#include <gtest/gtest.h>

#include "base/entropy.h"
#include "frames.h"

namespace millrace::wire::test {
namespace {

TEST(Checksum, ExampleOfRfc1071) {
  const Octets octets = hex("0001f203f4f5f6f7");
  EXPECT_EQ(sum_of(octets.data(), octets.size()).folded(), 0xddf2);
}

TEST(Checksum, KnownIpv4Header) {
  Octets header = hex("4500007300004000 4011 0000 c0a80001c0a800c7");
  EXPECT_EQ(sum_of(header.data(), header.size()).checksum(), 0xb861);
  put(header, 10, 0xb861);
  EXPECT_EQ(sum_of(header.data(), header.size()).checksum(), 0);
}

TEST(Checksum, AllOnesCarryAround) {
  const Octets ones(4096, 0xff);
  EXPECT_EQ(sum_of(ones.data(), ones.size()).folded(), 0xffff);
  EXPECT_EQ(sum_of(ones.data(), 0).folded(), 0);
}

TEST(Checksum, EveryLengthAndAlignment_MatchesTheReference) {
  SeededEntropy entropy(1);
  Octets octets(400);
  for (uint8_t& octet : octets) octet = static_cast<uint8_t>(entropy.next() % 5 == 0 ? 0xff : entropy.next());
  for (size_t start = 0; start < 8; ++start)
    for (size_t length = 0; length + start <= octets.size(); ++length) {
      const Octets exact(octets.begin() + static_cast<ptrdiff_t>(start),
                         octets.begin() + static_cast<ptrdiff_t>(start + length));
      const uint16_t expected = reference_checksum(exact);
      ASSERT_EQ(sum_of(exact.data(), length).checksum(), expected) << start << ' ' << length;
      ASSERT_EQ(sum_of(octets.data() + start, length).checksum(), expected) << start << ' ' << length;
      Octets copy(length + 1, 0xaa);
      ASSERT_EQ(copy_and_sum(copy.data(), exact.data(), length).checksum(), expected);
      ASSERT_TRUE(std::equal(exact.begin(), exact.end(), copy.begin()));
      ASSERT_EQ(copy[length], 0xaa) << "wrote past the end";
    }
}

TEST(Checksum, EvenPiecesAdd) {
  const Octets octets = data6();
  const Sum whole = sum_of(octets.data(), octets.size());
  for (size_t cut = 0; cut < octets.size(); cut += 2)
    EXPECT_EQ((sum_of(octets.data(), cut) + sum_of(octets.data() + cut, octets.size() - cut)).folded(),
              whole.folded());
}

TEST(Checksum, UpdateMatchesARecomputation) {
  SeededEntropy entropy(2);
  Octets octets(40);
  for (int round = 0; round < 2000; ++round) {
    for (uint8_t& octet : octets) octet = static_cast<uint8_t>(entropy.next());
    const uint16_t before = reference_checksum(octets);
    const size_t at = (entropy.next() % 20) * 2;
    const auto old_field = static_cast<uint16_t>(octets[at] << 8 | octets[at + 1]);
    const auto new_field = static_cast<uint16_t>(entropy.next());
    put(octets, at, new_field);
    EXPECT_EQ(update_checksum(before, old_field, new_field), reference_checksum(octets));
  }
}

TEST(Checksum, ExampleOfRfc1624) {
  // RFC 1624 §4: where equation 2 of RFC 1141 went wrong.
  EXPECT_EQ(update_checksum(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(Checksum, PseudoHeaderFromAddressesAndFromTheWireAgree) {
  const Octets four = data4(), six = data6();
  EXPECT_EQ(pseudo_header_sum(kPeer4, kOur4, 6, 37).folded(), 0x142e);
  EXPECT_EQ(pseudo_header_sum(four.data() + 26, 8, 6, 37).folded(), 0x142e);
  EXPECT_EQ(pseudo_header_sum(kPeer6, kOur6, 6, 37).folded(), 0x5ba0);
  EXPECT_EQ(pseudo_header_sum(six.data() + 22, 32, 6, 37).folded(), 0x5ba0);
}

}  // namespace
}  // namespace millrace::wire::test
