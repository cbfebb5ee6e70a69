#include "control/socket/protocol.h"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

Error refusal(std::string_view line) {
  auto parsed = parse_request(line);
  const auto* bad = std::get_if<BadRequest>(&parsed);
  EXPECT_NE(bad, nullptr) << line;
  return bad != nullptr ? bad->error : Error{ErrorCode::Denied, ""};
}

TEST(Protocol, Hello_NamesVersionProtocolAndProcess) {
  const json hello = json::parse(hello_line(4711));
  EXPECT_EQ(hello["millrace"], version());
  EXPECT_EQ(hello["protocol"], kProtocol);
  EXPECT_EQ(hello["pid"], 4711);
  EXPECT_EQ(hello_line(1).back(), '\n');
}

TEST(Protocol, Request_FieldsComeThrough) {
  const auto parsed = parse_request(R"({"id":"a7","method":"conns","params":{"port":80}})");
  const auto& request = std::get<Request>(parsed);
  EXPECT_EQ(request.id, "a7");
  EXPECT_EQ(request.method, "conns");
  EXPECT_EQ(request.params, json({{"port", 80}}));
}

TEST(Protocol, Request_WithoutIdOrParams_IsFine) {
  const auto parsed = parse_request(R"({"method":"stats"})");
  const auto& request = std::get<Request>(parsed);
  EXPECT_TRUE(request.id.is_null());
  EXPECT_EQ(request.params, json::object());
}

TEST(Protocol, NotOneObject_IsBadJson) {
  for (const char* line : {"stats", "[1,2]", "{", "{\"method\":\"stats\"} {}", "\"x\"", "1e999999",
                           "\xff\xfe", "{\"method\":\"st\xff\x80ts\"}"})
    EXPECT_EQ(refusal(line).code, ErrorCode::BadJson) << line;
}

TEST(Protocol, WrongMembers_AreBadRequests) {
  for (const char* line :
       {"{}", R"({"method":7})", R"({"id":1.5,"method":"stats"})", R"({"id":{},"method":"stats"})",
        R"({"id":[1],"method":"stats"})", R"({"method":"stats","params":[]})", R"({"method":null})"})
    EXPECT_EQ(refusal(line).code, ErrorCode::BadRequest) << line;
  EXPECT_EQ(refusal(R"({"method":"stats","id":")" + std::string(kMaxIdBytes + 1, 'x') + "\"}").code,
            ErrorCode::BadRequest);
}

TEST(Protocol, BadMembers_AreToldWithTheId) {
  const auto parsed = parse_request(R"({"id":9,"method":7})");
  EXPECT_EQ(std::get<BadRequest>(parsed).id, 9);
}

TEST(Protocol, DeepNesting_IsRefusedBeforeItIsParsed) {
  EXPECT_EQ(refusal(std::string(60'000, '[')).code, ErrorCode::BadJson);
  std::string deep = R"({"method":"stats","params":)";
  for (int i = 0; i < 10'000; ++i) deep += "{\"a\":";
  EXPECT_NE(refusal(deep).message.find("nests"), std::string::npos);
}

TEST(Protocol, BracketsInStrings_AreNoNesting) {
  const auto parsed = parse_request(R"({"method":"[[[[[[[[[[[[\"[[[[[[{{{{{{{{"})");
  EXPECT_TRUE(std::holds_alternative<Request>(parsed));
}

TEST(Protocol, Replies_AreOneLineEach) {
  const std::string result = result_line(7, {{"text", "two\nlines"}});
  EXPECT_EQ(result.find('\n'), result.size() - 1);
  EXPECT_EQ(json::parse(result), json({{"id", 7}, {"result", {{"text", "two\nlines"}}}}));
  const json error = json::parse(error_line(nullptr, {ErrorCode::TimedOut, "Too late."}));
  EXPECT_EQ(error["error"]["code"], "timed_out");
  EXPECT_TRUE(error["id"].is_null());
}

TEST(Protocol, OctetsThatAreNotUtf8_AreReplacedInReplies) {
  const std::string line = result_line(1, {{"name", "a\xff"}});
  EXPECT_EQ(json::parse(line)["result"]["name"], "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace millrace::control
