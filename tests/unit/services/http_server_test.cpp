// The server over arrays: statuses, persistence, pipelining, bodies, back-pressure and ends. Its input comes
// whole and split at every octet.
#include "services/http_server.h"

#include <gtest/gtest.h>

#include "http_client.h"

namespace millrace::services {
namespace {

const std::string kHost = "Host: example.org\r\n";

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\n" + kHost + fields + "\r\n";
}

class HttpServerTest : public testing::Test {
 protected:
  // The reply to `request`, sent whole on a connection of its own.
  HttpReply ask(const std::string& request, bool head_only = false) {
    HttpClient client(server_);
    client.send_octets(request);
    HttpReply reply = client.reply(head_only);
    EXPECT_NE(reply.status, 0) << request.substr(0, 100);
    EXPECT_EQ(client.received, "") << "nothing follows the reply to: " << request.substr(0, 100);
    return reply;
  }
  int status(const std::string& request) { return ask(request).status; }

  HttpServer server_{example_site()};
};

TEST_F(HttpServerTest, Get_ReturnsTheFileWithItsFields) {
  HttpReply reply = ask(get("/"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "<h1>home</h1>");
  EXPECT_EQ(reply.fields["content-type"], "text/html; charset=utf-8");
  EXPECT_EQ(reply.fields["connection"], "keep-alive");
  EXPECT_EQ(reply.fields["last-modified"], "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(ask(get("/with%20space.txt?q")).body, "spaced");
  EXPECT_EQ(ask(get("http://elsewhere/hello.txt")).body, "hello, world\n");
  EXPECT_EQ(ask(get("/big.bin")).body, example_site()->files()[2].body);
  EXPECT_EQ(ask(get("/empty")).body, "");
}

TEST_F(HttpServerTest, Head_HasTheFieldsOfGetAndNoBody) {
  for (const char* target : {"/", "/big.bin", "/empty", "/docs", "/missing"})
    for (const char* fields : {"", "Connection: close\r\n"}) {
      const HttpReply got = ask(get(target, fields));
      const HttpReply head = ask("HEAD" + get(target, fields).substr(3), true);
      EXPECT_EQ(head.status, got.status) << target;
      EXPECT_EQ(head.fields, got.fields) << target;
      EXPECT_EQ(head.fields.at("content-length"), std::to_string(got.body.size())) << target;
    }
}

TEST_F(HttpServerTest, Statuses_AreTheRightOnes) {
  EXPECT_EQ(status(get("/missing")), 404);
  EXPECT_EQ(status(get("/" + std::string(4000, 'a'))), 404);
  EXPECT_EQ(status(get("/" + std::string(9000, 'a'))), 414);
  EXPECT_EQ(status(get("/", "A: " + std::string(20000, 'a') + "\r\n")), 431);
  EXPECT_EQ(status("POST / HTTP/1.1\r\n" + kHost + "\r\n"), 405);
  EXPECT_EQ(ask("DELETE / HTTP/1.1\r\n" + kHost + "\r\n").fields["allow"], "GET, HEAD");
  EXPECT_EQ(status("BREW / HTTP/1.1\r\n" + kHost + "\r\n"), 501);
  EXPECT_EQ(status("get / HTTP/1.1\r\n" + kHost + "\r\n"), 501);
  EXPECT_EQ(status("OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n"), 405);
  EXPECT_EQ(status("CONNECT a:80 HTTP/1.1\r\n" + kHost + "\r\n"), 405);
  EXPECT_EQ(status(get("*")), 400);
  EXPECT_EQ(status("GET / HTTP/3.0\r\n\r\n"), 505);
  EXPECT_EQ(status(get("/", "Content-Length: 65537\r\n")), 413);
  EXPECT_EQ(status(get("/", "Transfer-Encoding: gzip, chunked\r\n")), 501);
}

TEST_F(HttpServerTest, DirectoryWithoutSlash_IsMoved) {
  HttpReply reply = ask(get("/docs"));
  EXPECT_EQ(reply.status, 301);
  EXPECT_EQ(reply.fields["location"], "/docs/");
  EXPECT_EQ(ask(get("/docs/")).body, "docs");
}

TEST_F(HttpServerTest, Traversal_FindsNothing) {
  for (const char* target :
       {"/../etc/passwd", "/%2e%2e/etc/passwd", "/%2e%2e%2fetc%2fpasswd", "/docs/../hello.txt",
        "/./hello.txt", "//hello.txt", "/docs/..%2fhello.txt", "/..\\hello.txt", "http://x/../../etc/passwd",
        "/%252e%252e/", "/hello.txt/", "/hello.txt%20"})
    EXPECT_EQ(status(get(target)), 404) << target;
  for (const char* target : {"/hello.txt%00", "/%00/../hello.txt", "file:///etc/passwd", "../etc/passwd"})
    EXPECT_EQ(status(get(target)), 400) << target;
}

TEST_F(HttpServerTest, ConditionalGet_IsAnsweredNotModified) {
  const std::string etag = ask(get("/")).fields["etag"];
  const auto with = [&](const std::string& field) { return status(get("/", field + "\r\n")); };
  EXPECT_EQ(with("If-None-Match: " + etag), 304);
  EXPECT_EQ(with("If-None-Match: \"a,b\", W/" + etag + " , \"c\""), 304);
  EXPECT_EQ(with("If-None-Match: *"), 304);
  EXPECT_EQ(with("If-None-Match: \"other\""), 200);
  EXPECT_EQ(with("If-None-Match: \""), 200);
  EXPECT_EQ(with("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"), 304);
  EXPECT_EQ(with("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"), 200);
  EXPECT_EQ(with("If-None-Match: \"other\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"), 200);
  HttpReply reply = ask(get("/", "If-None-Match: *\r\n"));
  EXPECT_EQ(reply.fields["etag"], etag);
  EXPECT_FALSE(reply.fields.contains("content-length"));
}

TEST_F(HttpServerTest, Date_IsWhatControlSaid) {
  EXPECT_FALSE(ask(get("/")).fields.contains("date"));  // RFC 9110 §6.6.1
  const std::chrono::sys_seconds at(std::chrono::seconds(784111777));
  server_.set_wall_clock(at);
  for (const char* target : {"/", "/big.bin", "/docs", "/missing"})
    EXPECT_EQ(ask(get(target)).fields["date"], "Sun, 06 Nov 1994 08:49:37 GMT") << target;
  server_.set_wall_clock(at + std::chrono::seconds(1));
  EXPECT_EQ(ask(get("/")).fields["date"], "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(ask(get("/")).body, "<h1>home</h1>");
}

// ---- persistence and framing
// ---------------------------------------------------------------------------------

TEST_F(HttpServerTest, Persistence_FollowsTheRequest) {
  struct Case {
    std::string request;
    bool closes;
  };
  const std::vector<Case> cases = {
      {get("/"), false},
      {get("/missing"), false},
      {get("/", "Connection: close\r\n"), true},
      {get("/missing", "Connection: close\r\n"), true},
      {"GET / HTTP/1.0\r\n\r\n", true},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
      {"garbage\r\n", true},
  };
  for (const Case& c : cases) {
    HttpClient client(server_);
    client.send_octets(c.request);
    EXPECT_EQ(client.reply().fields["connection"], c.closes ? "close" : "keep-alive") << c.request;
    EXPECT_EQ(client.fin_received, c.closes) << c.request;
    EXPECT_EQ(client.holds_state(), c.closes) << "an idle connection holds no memory: " << c.request;
    client.send_octets(get("/"));
    EXPECT_EQ(client.reply().status != 0, !c.closes) << "nothing is answered after close: " << c.request;
    EXPECT_EQ(client.unread(), 0U);
    client.half_close();
    EXPECT_EQ(client.end, HttpEnd::Close);
  }
}

// What a whole dialogue sends, however its octets arrive.
class HttpServerDialogue : public HttpServerTest {
 protected:
  std::string whole(const std::string& input) {
    HttpClient client(server_);
    client.send_octets(input);
    return client.received;
  }
};

TEST_F(HttpServerDialogue, EverySplitPoint_GivesTheSameAnswers) {
  const std::string chunked = "4;a=b\r\nabcd\r\n0\r\nT: v\r\n\r\n";
  const std::vector<std::string> dialogues = {
      get("/") + get("/docs") + get("/missing") + "\r\n" + get("/hello.txt"),
      "\r\n\r\n" + get("/", "If-None-Match: *\r\n") + "\r\n\r\n\r\n" + get("/empty"),
      get("/", "Content-Length: 10\r\n") + "0123456789" + get("/hello.txt"),
      get("/", "Transfer-Encoding: chunked\r\n") + chunked + get("/hello.txt"),
      "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\n\r\nabc" +
          get("/hello.txt", "Connection: close\r\n"),
      get("/") + "GET / HTTP/1.1\r\n\r\n" + get("/"),
      get("/") + "GET  / HTTP/1.1\r\n" + kHost + "\r\n" + get("/"),
      get("/", "Transfer-Encoding: chunked\r\n") + "zz\r\n" + get("/"),
  };
  for (const std::string& dialogue : dialogues) {
    const std::string expected = whole(dialogue);
    ASSERT_FALSE(expected.empty());
    for (size_t split = 1; split < dialogue.size(); ++split) {
      HttpClient client(server_);
      client.send_octets(dialogue.substr(0, split));
      client.send_octets(dialogue.substr(split));
      ASSERT_EQ(client.received, expected) << "split at " << split << " of\n" << dialogue;
    }
    for (size_t size : {1, 2, 3, 5, 7, 11, 64}) {
      HttpClient client(server_);
      client.send_in_pieces(dialogue, size);
      ASSERT_EQ(client.received, expected) << "pieces of " << size << " of\n" << dialogue;
      HttpClient in_runs(server_);
      in_runs.run_size = size;
      in_runs.send_octets(dialogue);
      ASSERT_EQ(in_runs.received, expected) << "runs of " << size << " of\n" << dialogue;
    }
  }
  EXPECT_EQ(server_.held_bytes(), 0U);
}

TEST_F(HttpServerDialogue, LongHeads_AreJudgedAlikeHoweverTheyArrive) {
  for (size_t length : {kHttpHeadLimit - 1, kHttpHeadLimit, kHttpHeadLimit + 1}) {
    std::string request = "\r\nGET / HTTP/1.1\r\n" + kHost + "A: ";
    request += std::string(length + 2 - request.size() - 4, 'a') + "\r\n\r\n";
    const std::string expected = whole(request);
    EXPECT_EQ(expected.substr(9, 3), length <= kHttpHeadLimit ? "200" : "431");
    for (size_t size : {1, 1000, 16383, 16384, 16385}) {
      HttpClient client(server_);
      client.send_in_pieces(request, size);
      EXPECT_EQ(client.received, expected) << length << " by " << size;
    }
  }
}

TEST_F(HttpServerTest, SmuggledRequest_IsNeverAnswered) {
  const std::vector<std::string> attempts = {
      get("/", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n" + get("/hello.txt"),
      get("/", "Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n") + "0\r\n\r\n" + get("/hello.txt"),
      get("/", "Content-Length: 4\r\nContent-Length: 0\r\n") + "GET " + get("/hello.txt"),
      get("/", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") + "0\r\n\r\n" +
          get("/hello.txt"),
  };
  for (const std::string& attempt : attempts) {
    HttpClient client(server_);
    client.send_octets(attempt);
    EXPECT_EQ(client.reply().status, 400) << attempt;
    EXPECT_EQ(client.received, "") << attempt;
    EXPECT_TRUE(client.fin_received);
  }
}

TEST_F(HttpServerTest, BodyOfGet_IsReadAndForgotten) {
  HttpClient client(server_);
  client.send_octets(get("/", "Content-Length: 5\r\n"));
  EXPECT_EQ(client.received, "") << "the answer waits for the body";
  client.send_octets("GET /" + get("/hello.txt"));
  EXPECT_EQ(client.reply().body, "<h1>home</h1>");
  EXPECT_EQ(client.reply().body, "hello, world\n");
  EXPECT_FALSE(client.holds_state());
}

TEST_F(HttpServerTest, Expectation_IsAnsweredBeforeTheBody) {
  HttpClient client(server_);
  client.send_octets(get("/", "Expect: 100-continue\r\nContent-Length: 2\r\n"));
  EXPECT_EQ(client.received, "HTTP/1.1 100 Continue\r\n\r\n");
  client.received.clear();
  client.send_octets("ab");
  EXPECT_EQ(client.reply().status, 200);
  EXPECT_FALSE(client.fin_received);

  HttpClient refused(server_);
  refused.send_octets("PUT / HTTP/1.1\r\n" + kHost + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(refused.reply().status, 405);
  EXPECT_TRUE(refused.fin_received) << "whether the body comes is unknown";
  EXPECT_EQ(status(get("/", "Expect: 200-ok\r\n")), 417);
}

// ---- back-pressure, bounds and ends
// --------------------------------------------------------------------------

TEST_F(HttpServerTest, RoomForOneOctetAtATime_GetsEveryAnswer) {
  const std::string dialogue = get("/hello.txt") + get("/missing") +
                               get("/", "Expect: 100-continue\r\nContent-Length: 1\r\n") + "x" +
                               get("/docs") + "HEAD / HTTP/1.0\r\n\r\n";
  HttpClient plain(server_);
  plain.send_octets(dialogue);
  for (uint32_t room : {1U, 2U, 7U, 100U}) {
    HttpClient client(server_);
    client.room = 0;
    client.send_octets(dialogue);
    EXPECT_EQ(client.received, "");
    client.take_everything(room);
    EXPECT_EQ(client.received, plain.received) << room;
    EXPECT_TRUE(client.fin_received);
  }
}

TEST_F(HttpServerTest, LargeFile_GoesOnWhenThereIsRoom) {
  HttpClient client(server_);
  client.room = 1000;
  client.send_octets(get("/big.bin") + get("/hello.txt"));
  EXPECT_EQ(client.received.size(), 1000U);
  EXPECT_EQ(client.unread(), get("/hello.txt").size()) << "what waits stays in the connection";
  client.take_everything(777);
  EXPECT_EQ(client.reply().body, example_site()->files()[2].body);
  EXPECT_EQ(client.reply().body, "hello, world\n");
  EXPECT_FALSE(client.holds_state());
}

TEST_F(HttpServerTest, SlowReader_StopsTheReading) {
  HttpClient client(server_);
  client.room = 0;
  std::string pipeline;
  for (int i = 0; i < 1000; ++i) pipeline += get("/hello.txt");
  client.send_octets(pipeline);
  EXPECT_EQ(client.unread(), pipeline.size() - get("/hello.txt").size());
  client.take_everything(50'000);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(client.reply().body, "hello, world\n") << i;
}

TEST_F(HttpServerTest, DateThatChangesUnderASlowReader_IsNotTorn) {
  server_.set_wall_clock(std::chrono::sys_seconds(std::chrono::seconds(784111799)));  // 08:49:59
  HttpClient client(server_);
  client.room = 65;  // ends within the Date field
  client.send_octets(get("/hello.txt"));
  server_.set_wall_clock(std::chrono::sys_seconds(std::chrono::seconds(784111800)));
  EXPECT_EQ(ask(get("/hello.txt")).fields["date"], "Sun, 06 Nov 1994 08:50:00 GMT");
  client.take_everything(UINT32_MAX);
  EXPECT_EQ(client.reply().fields["date"], "Sun, 06 Nov 1994 08:49:59 GMT");
}

TEST_F(HttpServerTest, HalfClosedClient_GetsItsAnswer) {
  for (uint32_t room : {UINT32_MAX, 100U}) {
    HttpClient client(server_);
    client.room = room;
    client.send_octets(get("/") + get("/big.bin"));
    client.half_close();
    client.take_everything(room);
    EXPECT_EQ(client.reply().status, 200);
    EXPECT_EQ(client.reply().body.size(), 100'000U);
    EXPECT_EQ(client.end, HttpEnd::Close);
  }
}

TEST_F(HttpServerTest, RequestCutShort_IsClosedWithoutAnAnswer) {
  for (const std::string& part :
       {std::string("GET / HT"), get("/", "Content-Length: 5\r\n") + "abc", std::string("\r")}) {
    HttpClient client(server_);
    client.send_octets(part);
    client.half_close();
    EXPECT_EQ(client.received, "") << part;
    EXPECT_EQ(client.end, HttpEnd::Close) << part;
    EXPECT_EQ(server_.held_bytes(), 0U) << part;
  }
}

TEST_F(HttpServerTest, ClientThatTalksOnAfterTheEnd_IsCutOff) {
  HttpServer server(example_site(), {.linger_bytes = 1000});
  HttpClient client(server);
  client.send_octets("garbage\r\n" + std::string(900, 'x'));
  EXPECT_EQ(client.end, HttpEnd::GoOn);
  EXPECT_EQ(client.reply().status, 400);
  client.send_octets(std::string(200, 'x'));
  EXPECT_EQ(client.end, HttpEnd::Abort);
}

TEST_F(HttpServerTest, UnfinishedHeadsOfAllClients_AreBoundedTogether) {
  HttpServer server(example_site(), {.held_bytes = 1000});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server));
    clients.back()->send_octets("GET /" + std::string(195, 'a'));
    EXPECT_LE(server.held_bytes(), 1000U);
  }
  EXPECT_EQ(clients[4]->received, "");
  EXPECT_EQ(clients[5]->reply().status, 503);
  clients.clear();
  EXPECT_EQ(server.held_bytes(), 0U);
}

}  // namespace
}  // namespace millrace::services
