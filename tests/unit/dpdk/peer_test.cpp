// Sockets of peers in other processes, as they are found before a driver is asked.
#include "dpdk/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

#include "dpdk/host.h"

namespace millrace::dpdk {
namespace {

using ::testing::HasSubstr;

class Sockets : public ::testing::Test {
 protected:
  Sockets() { std::filesystem::create_directory(folder); }
  ~Sockets() override { std::filesystem::remove_all(folder); }

  struct Address {
    Address(const std::string& path, bool abstract) {
      name.sun_family = AF_UNIX;
      std::memcpy(name.sun_path + (abstract ? 1 : 0), path.data(), path.size());
      size =
          static_cast<socklen_t>(abstract ? offsetof(sockaddr_un, sun_path) + 1 + path.size() : sizeof name);
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }

    sockaddr_un name{};
    socklen_t size;
  };

  // A listening socket of `type`; closing it leaves the file.
  static int listen_at(const std::string& path, int type, bool abstract = false) {
    const Address address(path, abstract);
    const int socket = ::socket(AF_UNIX, type, 0);
    EXPECT_EQ(bind(socket, address.get(), address.size), 0);
    EXPECT_EQ(listen(socket, 1), 0);
    return socket;
  }
  // As net_memif's client does.
  static int connect_to(const std::string& path, bool abstract) {
    const Address address(path, abstract);
    const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
    EXPECT_EQ(connect(socket, address.get(), address.size), 0);
    return socket;
  }

  Device vhost(const std::string& arguments = "") const {
    return Device::parse("net_vhost0,iface=" + path + arguments);
  }
  std::string refusal(const Device& device) {
    Status status = prepare_socket(device);
    return status ? "" : status.failure().text;
  }

  std::string folder = "/tmp/millrace-peer-test-" + std::to_string(getpid());
  std::string path = folder + "/s";
};

TEST_F(Sockets, StaleSocket_IsTakenAway) {
  close(listen_at(path, SOCK_STREAM));
  EXPECT_EQ(socket_use(path), SocketUse::Stale);
  EXPECT_EQ(refusal(vhost()), "");
  EXPECT_EQ(socket_use(path), SocketUse::Absent);
}

TEST_F(Sockets, SocketThatSomebodyHas_StaysAndNobodyIsConnected) {
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    const int socket = listen_at(path, type | SOCK_NONBLOCK);
    EXPECT_THAT(refusal(vhost()), HasSubstr("is in use by another program; give another by iface=PATH"));
    EXPECT_EQ(accept(socket, nullptr, nullptr), -1) << "asking must not look like a peer";
    close(socket);
    unlink(path.c_str());
  }
}

TEST_F(Sockets, AbstractName_IsAskedInItsOwnWay) {
  const std::string name = "millrace-peer-test-" + std::to_string(getpid());
  const Device server = Device::parse("net_memif0,role=server,socket=" + name);
  EXPECT_EQ(refusal(server), "");
  const int socket = listen_at(name, SOCK_SEQPACKET, true);
  EXPECT_THAT(refusal(server), HasSubstr("the socket name " + name + " is in use"));
  EXPECT_TRUE(peer_listens(Device::parse("net_memif0,socket=" + name)));
  close(socket);
}

TEST_F(Sockets, PathThatCannotBe_IsRefusedInOneSentence) {
  EXPECT_THAT(refusal(Device::parse("net_vhost0")), HasSubstr("names no socket; add ,iface=PATH"));
  EXPECT_THAT(refusal(Device::parse("net_vhost0,iface=/tmp/" + std::string(103, 'x'))),
              HasSubstr("has 108 octets, and the kernel takes 107"));
  EXPECT_EQ(refusal(Device::parse("net_vhost0,iface=/tmp/" + std::string(102, 'x'))), "");
  EXPECT_THAT(refusal(Device::parse("net_vhost0,iface=/nowhere9/s")), HasSubstr("`mkdir -p /nowhere9`"));
  std::fclose(std::fopen(path.c_str(), "w"));
  EXPECT_THAT(refusal(vhost()), HasSubstr("is no socket; remove it"));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(Sockets, VirtioUserWithoutABackEnd_IsToldWhatToStart) {
  const Device device = Device::parse("net_virtio_user0,path=" + path);
  EXPECT_THAT(refusal(device), HasSubstr("start the vhost-user back end first, or add ,server=1"));
  const int socket = listen_at(path, SOCK_STREAM);
  EXPECT_EQ(refusal(device), "");
  close(socket);
}

TEST_F(Sockets, WhoeverConnects_MayComeBeforeItsPeer) {
  EXPECT_EQ(refusal(vhost(",client=1")), "");
  EXPECT_EQ(refusal(Device::parse("net_memif0,socket-abstract=no,socket=" + path)), "");
}

TEST_F(Sockets, PeerThatHasNotAcceptedYet_IsInTouchUntilOneEndCloses) {
  const std::string name = "millrace-peer-test-touch-" + std::to_string(getpid());
  for (const bool abstract : {false, true}) {
    const std::string where = abstract ? name : path;
    const Device client =
        Device::parse("net_memif0,socket=" + where + (abstract ? "" : ",socket-abstract=no"));
    const int server = listen_at(where, SOCK_SEQPACKET, abstract);
    EXPECT_FALSE(in_touch_with_peer(client)) << "listening is not connecting";
    for (const bool server_closes : {false, true}) {
      const int ours = connect_to(where, abstract);
      EXPECT_TRUE(in_touch_with_peer(client)) << "not accepted yet";
      const int theirs = accept(server, nullptr, nullptr);
      EXPECT_TRUE(in_touch_with_peer(client));
      close(server_closes ? theirs : ours);
      EXPECT_FALSE(in_touch_with_peer(client));
      close(server_closes ? ours : theirs);
    }
    close(server);
  }
}

TEST(PeerLoss, GoesByWhoConnects) {
  EXPECT_EQ(peer_loss(Device::parse("net_memif0,role=server")), PeerLoss::Waits);
  EXPECT_EQ(peer_loss(Device::parse("net_memif0")), PeerLoss::Restart);
  EXPECT_EQ(peer_loss(Device::parse("net_virtio_user0,path=/s")), PeerLoss::Reattach);
  EXPECT_EQ(peer_loss(Device::parse("net_virtio_user0,path=/s,server=1")), PeerLoss::Waits);
  EXPECT_EQ(peer_loss(Device::parse("net_vhost0,iface=/s,client=1")), PeerLoss::Waits);
  EXPECT_EQ(peer_loss(Device::parse("net_tap0")), PeerLoss::Waits);
}

TEST(PeerLoss, ZeroCopyEndsWithItsPeerAndSaysSo) {
  EXPECT_TRUE(ends_with_its_peer(Device::parse("net_memif0,zero-copy=yes")));
  EXPECT_THAT(attach_notice(Device::parse("net_memif0,zero-copy=yes")), HasSubstr("leave zero-copy out"));
  EXPECT_FALSE(ends_with_its_peer(Device::parse("net_memif0")));
  EXPECT_EQ(attach_notice(Device::parse("net_memif0")), "");
}

}  // namespace
}  // namespace millrace::dpdk
