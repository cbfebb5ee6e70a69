// Timers, services and what must be there at all; the rest of the checks stand beside this file.
#include "config/validate.h"

#include <algorithm>

#include "config/check.h"
#include "config/quantity.h"

namespace millrace::config {

bool Check::is_refused(std::string_view path) const {
  return std::find(refused.begin(), refused.end(), path) != refused.end();
}

std::string Check::shown(const Entry& entry) {
  return entry.path() + " = " + entry.text() + " (" + entry.origin.text() + ')';
}

void Check::contradiction(const Entry& first, const Entry& second, const std::string& message) {
  const Entry& blamed = first.origin.source == Source::Default ? second : first;
  problems.add(blamed.origin, blamed.path(), message);
}

namespace {

void check_order(Check& check, std::string_view low, std::string_view high, std::string_view rule) {
  if (check.is_refused(low) || check.is_refused(high)) return;
  const Entry a = check.entry(low);
  const Entry b = check.entry(high);
  if (std::get<uint64_t>(a.value) <= std::get<uint64_t>(b.value)) return;
  check.contradiction(
      a, b, Check::shown(a) + " is longer than " + Check::shown(b) + "; " + std::string(rule) + " must hold");
}

void check_tcp(Check& check) {
  constexpr std::string_view kRtos = "rto_min <= rto_initial <= rto_max";
  check_order(check, "tcp.rto_min", "tcp.rto_initial", kRtos);
  check_order(check, "tcp.rto_initial", "tcp.rto_max", kRtos);
  check_order(check, "tcp.user_timeout_option_min", "tcp.user_timeout_option_max",
              "user_timeout_option_min <= user_timeout_option_max");
  const Entry buffer = check.entry("tcp.receive_buffer");
  const Entry scaling = check.entry("tcp.window_scaling");
  constexpr uint64_t kUnscaledWindow = 65535;  // RFC 7323 §2
  const bool both_set = buffer.origin.source != Source::Default && scaling.origin.source != Source::Default;
  if (both_set && !check.settings.tcp.window_scaling && check.settings.tcp.receive_buffer > kUnscaledWindow)
    check.contradiction(buffer, scaling,
                        Check::shown(buffer) + " cannot be offered while " + Check::shown(scaling) +
                            "; without scaling a window ends at 65535 octets");
}

bool overlap(const Endpoint& a, const Endpoint& b) {
  if (a.port != b.port || a.address.is_v4() != b.address.is_v4()) return false;
  return a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
}

// Two services, or one twice, on the same port of the same address.
void check_ports_in_use(Check& check, const std::vector<const Entry*>& listens) {
  for (size_t later = 0; later < listens.size(); ++later) {
    const auto& mine = std::get<Endpoints>(listens[later]->value);
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const auto& theirs = std::get<Endpoints>(listens[earlier]->value);
      const bool clash = std::any_of(mine.begin(), mine.end(), [&](const Endpoint& a) {
        return std::any_of(theirs.begin(), theirs.end(), [&](const Endpoint& b) { return overlap(a, b); });
      });
      if (!clash) continue;
      check.problems.add(listens[later]->origin, listens[later]->path(),
                         listens[later]->text() + ": port in use by " + Check::shown(*listens[earlier]) +
                             "; give another port or another address");
      break;
    }
  }
}

void check_listening_addresses(Check& check, const std::vector<const Entry*>& listens) {
  if (check.settings.addresses.empty() || check.is_refused("address.add")) return;
  for (const Entry* listen : listens) {
    const Endpoint& endpoint = std::get<Endpoints>(listen->value).front();
    if (endpoint.address.is_unspecified()) continue;
    const bool ours = std::any_of(check.settings.addresses.begin(), check.settings.addresses.end(),
                                  [&](const Prefix& prefix) { return prefix.address == endpoint.address; });
    if (!ours)
      check.problems.add(listen->origin, listen->path(),
                         endpoint.address.text() +
                             " is no address of this endpoint; add it under [address], or give "
                             "the port alone to listen on every address");
  }
}

void check_services(Check& check) {
  std::vector<const Entry*> listens;
  for (const Entry& entry : check.config.entries()) {
    if (entry.key->section != "service") continue;
    if (entry.key->name == "listen") listens.push_back(&entry);
    if (entry.key->name != "directory") continue;
    for (const ServiceSettings& service : check.settings.services)
      if (service.name == entry.instance && service.kind != ServiceKind::Http)
        check.problems.add(entry.origin, entry.path(),
                           "only a service of kind http has files; remove the line");
  }
  check_ports_in_use(check, listens);
  check_listening_addresses(check, listens);
}

// The page of metrics: a Unix socket of its own, or an address that only this host reaches.
void check_metrics(Check& check) {
  constexpr std::string_view kPath = "control.metrics_listen";
  const std::string& place = check.settings.control.metrics_listen;
  if (place.empty() || check.is_refused(kPath)) return;
  const Entry entry = check.entry(kPath);
  const auto refuse = [&](const std::string& why) {
    check.problems.add(entry.origin, entry.path(), place + ' ' + why);
  };
  if (place.starts_with('/')) {
    if (place == check.settings.control.socket)
      refuse("is control.socket; give the metrics a path of their own");
    return;
  }
  const std::optional<Endpoints> parsed = parse_listen(place);
  if (!parsed || parsed->size() != 1)
    refuse("is neither ADDRESS:PORT nor an absolute path; as in 127.0.0.1:9464 or /run/millrace/metrics.sock");
  else if (!parsed->front().address.is_loopback() && !check.settings.control.metrics_remote)
    refuse(
        "may be reached by other hosts; give a loopback address such as 127.0.0.1:9464, or set "
        "control.metrics_remote = on if that is meant");
}

// Keys that every instance of a named section needs.
void check_required(Check& check) {
  for (const Config::Instance& instance : check.config.instances())
    for (const Key& key : keys()) {
      if (key.section != instance.section || !key.required) continue;
      const std::string path = key.path(instance.name);
      if (check.config.is_set(path) || check.is_refused(path)) continue;
      check.problems.add(instance.origin, '[' + instance.section + '.' + instance.name + ']',
                         "has no " + std::string(key.name) + "; add `" + std::string(key.name) + " = " +
                             std::string(key.example) + '`');
    }
}

// Only said when nothing else is wrong: a misspelt line is reported as that and not as a missing one.
void check_presence(Check& check, Purpose purpose) {
  if (check.settings.ports.empty())
    check.problems.add(
        {}, "", "no port: name a device by [port.NAME] with vdev or pci, or by --vdev net_tap0,iface=mr0");
  if (check.settings.addresses.empty())
    check.problems.add(
        {}, "", "no address: give one by `add = 10.0.0.2/24` under [address], or by --address 10.0.0.2/24");
  if (purpose == Purpose::Load && check.settings.load.to.empty())
    check.problems.add({}, "", "no server: name one by --to 10.0.0.2:80, or by `to` under [load]");
  if (purpose == Purpose::Serve && check.settings.services.empty())
    check.problems.add({}, "", "no service: add [service.NAME] with kind and listen, or --service http:80");
}

}  // namespace

void validate(const Config& config, Purpose purpose, Problems& problems) {
  const Settings settings = config.settings();
  const bool sound = problems.empty();
  Check check{config, settings, problems, {}};
  for (const Problem& problem : problems.kept()) check.refused.push_back(problem.key);
  check_ports(check);
  check_addresses(check);
  check_routes(check);
  check_tcp(check);
  check_metrics(check);
  if (purpose != Purpose::Load) check_services(check);
  if (purpose != Purpose::Serve) check_load(check);
  check_memory(check);
  if (sound) check_required(check);
  if (sound && problems.empty() && purpose != Purpose::Partial) check_presence(check, purpose);
}

}  // namespace millrace::config
