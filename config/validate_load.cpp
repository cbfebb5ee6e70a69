// What [load] asks for: whether it goes together, and whether the endpoint can do it.
#include <algorithm>

#include "config/check.h"
#include "config/schema.h"

namespace millrace::config {

namespace {

constexpr uint64_t kEphemeralPorts = 28232;  // 32768 to 60999

class LoadCheck {
 public:
  explicit LoadCheck(Check& check)
      : check_(check),
        load_(check.settings.load),
        protocol_(load_.chosen_protocol()),
        close_(load_.chosen_close()) {}

  void all() {
    check_protocol();
    check_close();
    check_depth();
    check_rate();
    refuse_unless(is(LoadMode::Cps), "load.fast_open", "mode cps");
    check_sizes();
    check_path();
    check_targets();
    check_sources();
    check_count();
    check_ports();
  }

 private:
  using Protocols = std::vector<LoadProtocol>;

  static std::string name_of(LoadProtocol protocol) {
    return std::string(find_key("load", "protocol")->choices[static_cast<size_t>(protocol)]);
  }
  std::string mode() const { return check_.entry("load.mode").text(); }
  bool is(LoadMode mode) const { return load_.mode == mode; }
  bool is_set(std::string_view key) const { return check_.config.is_set(key) && !check_.is_refused(key); }
  void refuse(const std::string& key, const std::string& message) {
    for (const Entry& entry : check_.config.lookup(key))
      return check_.problems.add(entry.origin, key, message);
    check_.problems.add({}, key, message);
  }
  // A key that says nothing about what is asked for.
  void refuse_unless(bool meaningful, const std::string& key, const std::string& whose) {
    if (!meaningful && is_set(key))
      refuse(key, "has no meaning with " + what() + "; it belongs to " + whose + ", remove it");
  }
  std::string what() const { return "mode " + mode() + " and protocol " + name_of(protocol_); }

  bool is_stream() const {
    return is(LoadMode::Bulk) && protocol_ != LoadProtocol::Http && protocol_ != LoadProtocol::Rpc;
  }

  // Those that can do what the mode asks for.
  Protocols fitting() const {
    using enum LoadProtocol;
    if (is(LoadMode::Rps) || is(LoadMode::Cps)) return {Http, Rpc, Echo};
    if (!is(LoadMode::Bulk)) return {Http, Rpc, Echo, Discard, Chargen};
    switch (load_.direction) {
      case LoadDirection::Up:
        return {Discard, Rpc};
      case LoadDirection::Down:
        return {Chargen, Http, Rpc};
      case LoadDirection::Both:
        break;
    }
    return {Echo, Rpc};
  }

  void check_protocol() {
    const Protocols good = fitting();
    if (std::find(good.begin(), good.end(), protocol_) != good.end()) return;
    std::string names;
    for (const LoadProtocol one : good) names += (names.empty() ? "" : ", ") + name_of(one);
    const std::string direction =
        is(LoadMode::Bulk) ? " " + check_.entry("load.direction").text() : std::string();
    refuse("load.protocol",
           name_of(protocol_) + " cannot do mode " + mode() + direction + "; give one of " + names);
  }

  void check_close() {
    const bool ends = is(LoadMode::Cps) || is(LoadMode::Handshake);
    refuse_unless(ends, "load.close", "modes cps and handshake");
    if (ends && close_ == LoadClose::Server && (!is(LoadMode::Cps) || protocol_ != LoadProtocol::Http))
      refuse("load.close", "only a server of http closes first, in mode cps; give client or reset");
  }

  void check_depth() {
    refuse_unless(is(LoadMode::Rps) || (is(LoadMode::Bulk) && !is_stream()), "load.depth",
                  "kept connections with requests");
    refuse_unless(is(LoadMode::Bulk), "load.direction", "mode bulk");
  }

  void check_rate() {
    refuse_unless(!is_stream(), "load.rate", "requests and connections, and these are octets");
  }

  void check_sizes() {
    const bool rpc = protocol_ == LoadProtocol::Rpc && !is(LoadMode::Handshake);
    const bool echo = protocol_ == LoadProtocol::Echo && !is(LoadMode::Handshake) && !is_stream();
    refuse_unless(rpc || echo, "load.request_bytes", "protocols rpc and echo");
    refuse_unless(rpc, "load.response_bytes", "protocol rpc");
    refuse_unless(rpc, "load.work", "protocol rpc");
    if (rpc && load_.request_bytes < 16)
      refuse("load.request_bytes", "the header alone of an rpc request is 16 octets; give 16 or more");
  }

  void check_path() {
    refuse_unless(protocol_ == LoadProtocol::Http, "load.path", "protocol http");
    if (!load_.path.starts_with('/')) refuse("load.path", "must begin with '/', as in /index.html");
  }

  bool has_source_for(const IpAddress& target) const {
    const std::vector<IpAddress> sources = load_.source_addresses();
    const auto fits = [&](const IpAddress& address) { return address.is_v4() == target.is_v4(); };
    if (!sources.empty()) return std::any_of(sources.begin(), sources.end(), fits);
    return std::any_of(check_.settings.addresses.begin(), check_.settings.addresses.end(),
                       [&](const Prefix& prefix) { return fits(prefix.address); });
  }

  void check_targets() {
    for (const Entry& entry : check_.config.lookup("load.to")) {
      const IpAddress& address = std::get<Target>(entry.value).address;
      const auto& ours = check_.settings.addresses;
      const auto complain = [&](const std::string& why) {
        check_.problems.add(entry.origin, entry.path(), address.text() + ' ' + why);
      };
      if (address.is_unspecified() || address.is_multicast() || address.is_broadcast() ||
          address.is_loopback())
        complain("is not the address of a server on the link; give that of one station");
      else if (std::any_of(ours.begin(), ours.end(), [&](const Prefix& p) { return p.address == address; }))
        complain("is this endpoint's own address; name the server's");
      else if (!ours.empty() && !check_.is_refused("address.add") && !has_source_for(address))
        complain(std::string("needs an own address of IP") + (address.is_v4() ? "v4" : "v6") +
                 "; give one by --address" + (load_.sources.empty() ? "" : " or --source"));
    }
  }

  void check_sources() {
    for (const Entry& entry : check_.config.lookup("load.source")) {
      const IpAddress& first = std::get<AddressRange>(entry.value).first;
      if (first.is_unspecified() || first.is_multicast() || first.is_broadcast() || first.is_loopback())
        check_.problems.add(entry.origin, entry.path(),
                            first.text() + " cannot be a station's own; give addresses of the link's prefix");
    }
    if (load_.source_addresses().size() > AddressRange::kLimit)
      refuse("load.source", "names " + std::to_string(load_.source_addresses().size()) +
                                " addresses; at most " + std::to_string(AddressRange::kLimit) + " are taken");
  }

  void check_count() {
    const uint64_t lcores = std::max<uint64_t>(check_.settings.lcores.use.size(), 1);
    const uint64_t held = lcores * check_.settings.memory.connections;
    if (!is_set("memory.connections") || load_.connections <= held) return;
    check_.contradiction(check_.entry("load.connections"), check_.entry("memory.connections"),
                         Check::shown(check_.entry("load.connections")) +
                             " is more than the lcores hold: " + std::to_string(lcores) + " x " +
                             Check::shown(check_.entry("memory.connections")) +
                             "; raise that, or leave it out");
  }

  // A port of ours is taken once a server's address and port, and own address.
  void check_ports() {
    if (load_.to.empty()) return;
    const uint64_t ports = load_.source_ports ? load_.source_ports->count() : kEphemeralPorts;
    const uint64_t sources = std::max<size_t>(load_.source_addresses().size(), 1);
    const uint64_t available = ports * sources * load_.target_count();
    if (load_.connections <= available) return;
    refuse("load.connections",
           std::to_string(load_.connections) + " connections need as many pairs of ends, and " +
               std::to_string(ports) + " source ports x " + std::to_string(sources) + " own addresses x " +
               std::to_string(load_.target_count()) + " targets are " + std::to_string(available) +
               "; give more by --source, --source-ports or --to");
  }

  Check& check_;
  const LoadSettings& load_;
  const LoadProtocol protocol_;
  const LoadClose close_;
};

}  // namespace

void check_load(Check& check) { LoadCheck(check).all(); }

}  // namespace millrace::config
