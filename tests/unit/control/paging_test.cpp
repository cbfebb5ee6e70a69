// The jobs against real shards, polled by hand.
#include "control/socket/paging.h"

#include <gtest/gtest.h>

#include <set>

#include "control/socket/handlers.h"
#include "fake_endpoint.h"

namespace millrace::control {
namespace {

// Polls the answer to a request until it is there, the lcore being served in between.
Outcome ask(test::FakeEndpoint& endpoint, const std::string& method, json params = json::object(),
            size_t* visits = nullptr) {
  Request request{nullptr, method, std::move(params)};
  Answer given = answer(request, endpoint);
  auto* job = std::get_if<std::unique_ptr<Job>>(&given);
  if (job == nullptr) return std::get<Outcome>(given);
  for (int i = 0; i < 1000; ++i) {
    if (auto outcome = (*job)->poll(endpoint)) return *outcome;
    const size_t served = endpoint.serve();
    if (visits != nullptr) *visits += served;
  }
  return Error{ErrorCode::TimedOut, "never"};
}

json result(const Outcome& outcome) {
  const auto* error = std::get_if<Error>(&outcome);
  EXPECT_EQ(error, nullptr) << error->message;
  return error == nullptr ? std::get<Result>(outcome).value : json();
}

Error error(const Outcome& outcome) {
  EXPECT_TRUE(std::holds_alternative<Error>(outcome));
  return std::get<Error>(outcome);
}

TEST(Paging, ConnectionsOfTwoShards_ComeOnceEach) {
  test::FakeEndpoint endpoint(2);
  endpoint.shard(0).connect(300);
  endpoint.shard(1).connect(70);
  std::set<std::string> seen;
  json params = json::object();
  int pages = 0;
  for (;; ++pages) {
    const json page = result(ask(endpoint, "conns", params));
    EXPECT_LE(page["rows"].size(), kRowsPerReply);
    for (const json& row : page["rows"]) EXPECT_TRUE(seen.insert(row["id"]).second) << row["id"];
    if (page["next"].is_null()) break;
    params["cursor"] = page["next"];
  }
  EXPECT_EQ(seen.size(), 370U);
  EXPECT_EQ(pages, 1);
}

TEST(Paging, OneVisit_CopiesSixtyFourRowsAtMost) {
  test::FakeEndpoint endpoint(1);
  endpoint.shard(0).connect(200);
  size_t visits = 0;
  EXPECT_EQ(result(ask(endpoint, "conns", json::object(), &visits))["rows"].size(), 200U);
  EXPECT_EQ(visits, 4U);
}

TEST(Paging, Limit_IsKeptAndTheCursorGoesOnBehindIt) {
  test::FakeEndpoint endpoint(1);
  endpoint.shard(0).connect(10);
  const json first = result(ask(endpoint, "conns", {{"limit", 7}}));
  EXPECT_EQ(first["rows"].size(), 7U);
  const json second = result(ask(endpoint, "conns", {{"limit", 7}, {"cursor", first["next"]}}));
  EXPECT_EQ(second["rows"].size(), 3U);
  EXPECT_TRUE(second["next"].is_null());
}

TEST(Paging, Filters_ByStateAndPort) {
  test::FakeEndpoint endpoint(1);
  endpoint.shard(0).connect(100);
  EXPECT_EQ(result(ask(endpoint, "conns", {{"state", "syn-sent"}}))["rows"].size(), 100U);
  EXPECT_EQ(result(ask(endpoint, "conns", {{"state", "ESTABLISHED"}}))["rows"].size(), 0U);
  const json one = result(ask(endpoint, "conns", {{"port", 1042}}))["rows"];
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0]["remote_port"], 1042);
}

TEST(Paging, OneShard_CanBeAskedFor) {
  test::FakeEndpoint endpoint(2);
  endpoint.shard(1).connect(3);
  EXPECT_EQ(result(ask(endpoint, "conns", {{"shard", 0}}))["rows"].size(), 0U);
  EXPECT_EQ(result(ask(endpoint, "conns", {{"shard", 1}}))["rows"].size(), 3U);
  EXPECT_EQ(error(ask(endpoint, "conns", {{"shard", 2}})).code, ErrorCode::BadParams);
}

TEST(Paging, ForgedCursors_AreRefused) {
  test::FakeEndpoint endpoint(1);
  for (const char* cursor : {"x", "0", "0.", ".1", "1.0", "0.1x", "0.99999999999999999999", "-1.0", "0 .1"})
    EXPECT_EQ(error(ask(endpoint, "conns", {{"cursor", cursor}})).code, ErrorCode::BadParams) << cursor;
  // One that could have been ours and leads nowhere is an end.
  EXPECT_TRUE(result(ask(endpoint, "conns", {{"cursor", "0.18446744073709551615"}}))["rows"].empty());
}

TEST(Paging, ListenersAndNeighbors_ShowTheirTables) {
  test::FakeEndpoint endpoint(2);
  endpoint.shard(0).listen(80, "web");
  endpoint.shard(1).listen(80, "web");
  endpoint.shard(1).connect(1);
  const json listeners = result(ask(endpoint, "listeners"))["rows"];
  ASSERT_EQ(listeners.size(), 2U);
  EXPECT_EQ(listeners[1]["service"], "web");
  EXPECT_EQ(listeners[1]["shard"], 1);
  const json neighbors = result(ask(endpoint, "neighbors"))["rows"];
  ASSERT_EQ(neighbors.size(), 1U);
  EXPECT_EQ(neighbors[0]["address"], "10.0.0.9");
  EXPECT_EQ(neighbors[0]["state"], "incomplete");
}

TEST(Paging, AddressesAndRoutes_AreShownOnceForAllShards) {
  test::FakeEndpoint endpoint(2);
  const json addresses = result(ask(endpoint, "addresses"))["rows"];
  EXPECT_EQ(addresses, json::parse(R"([{"address": "10.0.0.2", "prefix_length": 24, "state": "preferred"}])"));
  const json routes = result(ask(endpoint, "routes"))["rows"];
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[0]["destination"], "10.0.0.0/24");
  EXPECT_EQ(routes[0]["gateway"], nullptr);
  EXPECT_EQ(routes[1], json::parse(R"({"destination": "10.1.0.0/16", "gateway": "10.0.0.1", "origin": "config",
                                       "preference": null, "state": null, "lifetime_us": null})"));
  EXPECT_EQ(result(ask(endpoint, "routes", {{"limit", 1}}))["next"], "0.1");
}

TEST(Paging, Trace_HoldsTheNewestSegmentsInOrder) {
  test::FakeEndpoint endpoint(2);
  endpoint.shard(0).connect(20);
  endpoint.shard(1).connect(20);
  EXPECT_EQ(result(ask(endpoint, "trace"))["rows"].size(), 40U);
  const json rows = result(ask(endpoint, "trace", {{"shard", 1}, {"limit", 5}}))["rows"];
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[4]["remote_port"], 1019);
  EXPECT_EQ(rows[4]["flags"], "SYN");
}

TEST(Paging, MailboxThatRefuses_IsBusy) {
  test::FakeEndpoint endpoint(1);
  endpoint.mode = test::FakeEndpoint::Lcore::Full;
  for (const char* method : {"conns", "listeners", "neighbors", "trace"})
    EXPECT_EQ(error(ask(endpoint, method)).code, ErrorCode::Busy) << method;
  EXPECT_TRUE(result(ask(endpoint, "stats")).contains("total"));
}

TEST(Paging, AnswerAfterTheAskerHasGone_HarmsNobody) {
  test::FakeEndpoint endpoint(1);
  endpoint.shard(0).connect(100);
  for (const char* method : {"conns", "trace", "neighbors"}) {
    Request request{nullptr, method, json::object()};
    Answer given = answer(request, endpoint);
    EXPECT_FALSE(std::get<std::unique_ptr<Job>>(given)->poll(endpoint));
  }
  EXPECT_EQ(endpoint.serve(), 3U);
}

}  // namespace
}  // namespace millrace::control
