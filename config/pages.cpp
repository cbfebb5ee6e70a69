#include "config/pages.h"

#include <boost/program_options.hpp>

#include "config/manual/options.h"
#include "config/schema.h"

namespace millrace::config {

namespace {

namespace po = boost::program_options;

constexpr ExtraOption kCheckOptions[] = {
    {"partial", "", "Do not ask for a port, an address and a service: they come from elsewhere"},
    {"load", "", "Check for `millrace load`, which needs a server and no service"}};
constexpr ExtraOption kLoadOptions[] = {{"json", "", "The result as JSON, for programs"},
                                        {"quiet", "", "No lines while it runs"}};
constexpr ExtraOption kShowOptions[] = {{"json", "", "For programs"},
                                        {"defaults", "", "Also the keys that are left at their defaults"}};

constexpr std::string_view kEalWords = "[-- EAL-ARGUMENT...]";

manual::Command check_page() {
  return {
      .name = "config check",
      .summary = "say everything that is wrong with a configuration, and change nothing",
      .words = "FILE",
      .about =
          "Reads a configuration as `millrace serve -c FILE` would, and says everything that is wrong with "
          "it, a line each: FILE:LINE: KEY: what was given, what is allowed, what to do.",
      .options = option_pages(kCheckOptions),
      .examples = {{"config check endpoint.conf", ""},
                   {"config check --partial common.conf", "the port comes from the command line later"},
                   {"config check endpoint.conf --set tcp.msl=5s", ""}},
      .statuses = {{0, "it is good"}, {2, "it is not"}}};
}

manual::Command show_page() {
  return {.name = "config show",
          .summary = "show the settings that `serve` would run with, and where each came from",
          .words = std::string(kEalWords),
          .about =
              "Shows what `millrace serve` with the same options would run with, and where each value came "
              "from. The output is a configuration file again.",
          .options = option_pages(kShowOptions),
          .examples = {{"config show -c endpoint.conf", ""},
                       {"config show -c endpoint.conf --set tcp.msl=5s --defaults", ""},
                       {"config show -c endpoint.conf --json", ""}}};
}

manual::Command diff_page() {
  return {
      .name = "config diff",
      .summary = "show what changes from one file to another, and what of it needs a restart",
      .words = "OLD NEW",
      .about =
          "Shows every key whose value is not the same in two configuration files, defaults included, and "
          "whether a running endpoint takes the change at a reload or needs a restart. Both files are "
          "checked first.",
      .options = manual::options_of(diff_options()),
      .examples = {{"config diff /etc/millrace/endpoint.conf new.conf", ""}},
      .statuses = {{0, "they say the same"}, {1, "they do not"}, {2, "one of them is not valid"}}};
}

manual::Command reference_page() {
  return {.name = "config reference",
          .summary = "describe every key",
          .about = "Describes every key: type, default, what is allowed, whether a change needs a restart.",
          .options = manual::options_of(reference_options()),
          .examples = {{"config reference --format text | less", ""},
                       {"config reference > config/reference.md", ""}}};
}

manual::Command serve_page() {
  return {
      .name = "serve",
      .summary = "run an endpoint on a DPDK port",
      .words = std::string(kEalWords),
      .about =
          "Runs an endpoint: a port, addresses, and services that answer on them. SIGINT and SIGTERM let "
          "open "
          "connections finish and stop; a second one stops at once. The command line overrides the file. "
          "Words behind -- are handed to DPDK's EAL.",
      .options = option_pages({}, Command::Serve),
      .examples =
          {{"serve -c endpoint.conf", ""},
           {"serve --vdev net_tap0,iface=mr0 --address 10.0.0.2/24 --service http:80", ""},
           {"serve --vdev net_af_packet0,iface=veth0 --address 10.0.0.2/24 --address 2001:db8::2/64 \\\n"
            "      --route 'default via 10.0.0.1' --service http:80,directory=/srv/www --service echo:7 \\\n"
            "      --set tcp.msl=5s",
            ""},
           {"serve -c endpoint.conf -- --log-level=lib.eal:debug", ""}},
      .statuses = {{0, "stopped as asked"}, {1, "failed while running"}, {2, "could not start"}}};
}

manual::Command load_page() {
  return {
      .name = "load",
      .summary = "put a server under load, and measure",
      .words = std::string(kEalWords),
      .about =
          "Puts a server under load from an lcore and says how it did: a line a second on standard error, "
          "the "
          "result on standard output.\n\n"
          "Without --rate as fast as it goes (a closed loop: each connection asks when it is answered). With "
          "--rate at that rate (an open loop): latency counts from the instant at which a request was due, "
          "so "
          "that a server which stalls is charged for all that came meanwhile. SIGINT ends early and still "
          "prints the result. Words behind -- are handed to DPDK's EAL.",
      .options = option_pages(kLoadOptions, Command::Load),
      .examples = {{"load --vdev net_memif0,role=client,id=0,socket=/run/x.sock --address 10.0.0.1/24 \\\n"
                    "      --to 10.0.0.2:80 --connections 64 --duration 10s",
                    ""},
                   {"load -c endpoint.conf --to 10.0.0.2:80 --rate 100000 --connections 400 --json", ""},
                   {"load -c endpoint.conf --to 10.0.0.2:80-83 --mode cps --source 10.0.0.10-10.0.0.20", ""},
                   {"load -c endpoint.conf --to '[2001:db8::2]:9' --mode bulk --direction up --connections 4",
                    ""}},
      .statuses = {{0, "all that was asked was reached"},
                   {1, "it was not; a sentence says what was in the way"},
                   {2, "could not start"}}};
}

}  // namespace

std::span<const ExtraOption> check_options() { return kCheckOptions; }
std::span<const ExtraOption> load_options() { return kLoadOptions; }
std::span<const ExtraOption> show_options() { return kShowOptions; }

po::options_description diff_options() {
  po::options_description options;
  options.add_options()("json", "For programs")("help,h", "This page");
  return options;
}

po::options_description reference_options() {
  po::options_description options;
  options.add_options()("format",
                        po::value<std::string>()->value_name("markdown|text|json")->default_value("markdown"),
                        "How it is written")("help,h", "This page");
  return options;
}

std::vector<manual::Command> pages() {
  return {serve_page(), load_page(), check_page(), show_page(), diff_page(), reference_page()};
}

std::vector<manual::Placeholder> placeholders() {
  manual::Placeholder assignments{"KEY=VALUE", {}, true};
  for (const Key& key : keys())
    if (!find_section(key.section)->named) assignments.values.push_back(key.path() + '=');
  return {assignments};
}

}  // namespace millrace::config
