// An application that does nothing but write down what it is told.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "app/connection.h"
#include "app/handler.h"

namespace millrace::conformance {

class Recorder final : public app::Handler {
 public:
  // The connection between on_established (or connect()) and on_closed.
  app::Connection* connection = nullptr;
  bool reads = true;  // consumes whatever is readable at once
  uint32_t answer = 0;               // octets sent when the first ones have come
  bool closes_after_answer = false;  // and then close()
  std::vector<std::string> events;
  std::vector<uint8_t> received;
  std::vector<tcp::State> last_path;  // walked by the connection that has closed

  uint32_t room = std::numeric_limits<uint32_t>::max();  // for connections of a listener

  uint32_t accept_room(const Endpoint&) const override { return room; }
  void on_established(app::Connection& established) override {
    connection = &established;
    events.emplace_back("established");
  }
  void on_readable(app::Connection& readable) override {
    // One event however the octets are cut into callbacks.
    if (events.empty() || events.back() != "readable") events.emplace_back("readable");
    if (reads) drain(readable);
    if (answer != 0) readable.send(std::vector<uint8_t>(std::exchange(answer, 0)));
    if (std::exchange(closes_after_answer, false)) readable.close();
  }
  void on_writable(app::Connection&) override { events.emplace_back("writable"); }
  void on_error(app::Connection&, app::SoftError error) override {
    events.push_back("error(" + std::string(app::name_of(error)) + ")");
  }
  void on_urgent(app::Connection& marked) override {
    events.push_back("urgent(" + std::to_string(marked.urgent_bytes()) + ")");
  }
  void on_peer_finished(app::Connection&) override { events.emplace_back("peer_finished"); }
  void on_closed(app::Connection& closed, app::CloseReason reason) override {
    last_path = closed.tcb().cold.path.states();
    connection = nullptr;
    events.push_back("closed(" + std::string(reason_text(reason)) + ")");
  }

  void drain(app::Connection& from) {
    while (!from.readable().empty()) {
      const std::span<const uint8_t> run = from.readable();
      received.insert(received.end(), run.begin(), run.end());
      from.consume(static_cast<uint32_t>(run.size()));
    }
  }
  std::string take_events() {
    std::string out;
    for (const std::string& event : events) {
      if (!out.empty()) out += ' ';
      out += event;
    }
    events.clear();
    return out;
  }
  std::vector<tcp::State> path() const {
    return connection != nullptr ? connection->tcb().cold.path.states() : last_path;
  }

 private:
  static std::string_view reason_text(app::CloseReason reason) {
    switch (reason) {
      case app::CloseReason::Finished:
        return "finished";
      case app::CloseReason::Reset:
        return "reset";
      case app::CloseReason::Refused:
        return "refused";
      case app::CloseReason::TimedOut:
        return "timed out";
      case app::CloseReason::Unreachable:
        return "unreachable";
      case app::CloseReason::Aborted:
        return "aborted";
      case app::CloseReason::NoMemory:
        return "no memory";
      case app::CloseReason::AddressInUse:
        return "address in use";
      case app::CloseReason::Internal:
        return "internal";
    }
    return "?";
  }
};

}  // namespace millrace::conformance
